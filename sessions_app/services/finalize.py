"""Finalization: drain, then hand over to the job that builds and seals the minutes.

The lock is the truth itself: a compare-and-swap on the session's row (docs/adr). However often and from wherever it is
called, one job is made, and every caller is told the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F

from astra_site.lib.logs import log_context
from astra_site.lib.tenancy import get_owned, tenant_scope
from jobs import services as jobs
from jobs.models import Job as JobRow
from jobs.models import Status
from sessions_app.errors import SessionStateConflict, takes_no_more
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.services.inheritance import inherited_through
from sessions_app.services.journal import NewEntry, write
from sessions_app.services.metering import book_live_audio
from sessions_app.services.states import move
from sessions_app.services.understand import understand_ready_inputs
from sessions_app.services.waiting import what_is_left

logger = logging.getLogger(__name__)

PRODUCE_MINUTES = "produce_minutes"


def finalize(session_id: UUID, *, actor: str, accept_gaps: bool = False) -> Session:
    """Ask for the minutes; returns the session as it stands now. Repeating it is harmless and moves things on.

    From OPEN the session drains: it takes only the numbers that are missing below the highest one. When nothing is
    pending or missing (or gaps are accepted) the minutes are produced. A failed build or seal is tried again.
    """
    session = get_owned(Session, session_id)
    notice_dead_production(session)
    session.refresh_from_db(fields=["state"])
    if session.state == State.ABANDONED:
        raise takes_no_more(session.state)
    if session.state == State.OPEN and session.journal_length == 0:
        raise SessionStateConflict("session_empty", "Nothing was recorded: there are no minutes to make.")
    if session.state == State.OPEN:
        _start_draining(session_id, actor, accept_gaps)
    elif session.state == State.DRAINING and accept_gaps and not session.accept_gaps:
        _accept_gaps(session_id, actor)
    elif session.state in (State.BUILD_FAILED, State.SEAL_FAILED):
        _try_again(session)
    advance(session_id)
    return get_owned(Session, session_id)


def _start_draining(session_id: UUID, actor: str, accept_gaps: bool) -> None:
    """Journal the wish and close the session to new numbers, unless somebody else just did."""
    with transaction.atomic():
        locked: Session = Session.objects.select_for_update(no_key=True).get(pk=session_id)
        if locked.state != State.OPEN:
            return
        payload = {
            "final_sequence_id": locked.highest_sequence_id,
            "accept_gaps": accept_gaps,
            "missing": [[first, last] for first, last in missing_ranges(locked)],
        }
        write(locked, NewEntry(EntryKind.FINALIZE, payload, actor=actor))
        move(
            session_id,
            State.OPEN,
            State.DRAINING,
            final_sequence_id=locked.highest_sequence_id,
            accept_gaps=accept_gaps,
        )


def _accept_gaps(session_id: UUID, actor: str) -> None:
    """Journal who gave up waiting for the missing numbers, and which they are."""
    with transaction.atomic():
        locked: Session = Session.objects.select_for_update(no_key=True).get(pk=session_id)
        if locked.state != State.DRAINING or locked.accept_gaps:
            return
        payload = {
            "final_sequence_id": locked.final_sequence_id,
            "accept_gaps": True,
            "missing": [[first, last] for first, last in missing_ranges(locked)],
        }
        write(locked, NewEntry(EntryKind.FINALIZE, payload, actor=actor), accept_gaps=True)


def advance(session_id: UUID) -> bool:
    """Start producing the minutes if a draining session is drained; returns whether this call did.

    Called by finalize and by every job that finishes an input, so the last of them moves the session on.
    """
    session = Session.objects.get(pk=session_id)
    if session.state != State.DRAINING:
        return False
    if session.accept_gaps:
        understand_ready_inputs(session, skip_missing=True)
    drain = what_is_left(session)
    if drain.pending_count or (drain.missing_count and not session.accept_gaps):
        return False
    with transaction.atomic():
        if not move(session_id, State.DRAINING, State.BUILDING, failure=None, fence=F("fence") + 1):
            return False
        job = jobs.submit(PRODUCE_MINUTES, {}, session_id=session_id, dedup_key=f"{PRODUCE_MINUTES}:{session_id}")
        Session.objects.filter(pk=session_id).update(job_id=job.id)
        book_live_audio(session)
    return True


def missing_ranges(session: Session) -> list[tuple[int, int]]:
    """Return the numbers that never came, as ranges with both ends included; of a clone, those behind its parent's."""
    last = session.final_sequence_id or session.highest_sequence_id
    inputs = JournalRow.objects.filter(session_id=session.id, kind__in=JournalRow.sequenced_kinds)
    ranges, expected = [], inherited_through(session) + 1
    for number in inputs.filter(sequence_id__lte=last).order_by("sequence_id").values_list("sequence_id", flat=True):
        if number > expected:
            ranges.append((expected, number - 1))
        expected = number + 1
    return ranges if expected > last else [*ranges, (expected, last)]


def sweep_sessions() -> Iterator[Callable[[], None]]:
    """Find the sessions that wait for something that may have ended unnoticed (a crash at the wrong line)."""
    waiting = (State.DRAINING, State.BUILDING, State.SEALING)
    for session in Session.objects.filter(state__in=waiting).order_by("id"):
        yield partial(_mend, session)


def _mend(session: Session) -> None:
    with tenant_scope(session.tenant_id), log_context(tenant_id=session.tenant_id, session_id=session.id):
        if session.state == State.DRAINING:
            understand_ready_inputs(session)
            advance(session.id)
        else:
            notice_dead_production(session)


def notice_dead_production(session: Session) -> None:
    """Say that a production has failed whose job has ended without saying so."""
    failed = {State.BUILDING: State.BUILD_FAILED, State.SEALING: State.SEAL_FAILED}.get(State(session.state))
    if failed is None or session.job_id is None or not jobs.ended_badly(session.job_id):
        return
    failure = {"step": None, "code": "production_ended", "message": "The job of the minutes ended early. Try again."}
    move(session.id, State(session.state), failed, failure=failure)


def _try_again(session: Session) -> None:
    """Put a failed production back to work from the step that failed; one that was cancelled gets a new job."""
    goal = State.BUILDING if session.state == State.BUILD_FAILED else State.SEALING
    with transaction.atomic():
        # Job before session, as in every step of it: two that lock in two orders wait for each other for ever.
        failed: JobRow | None = JobRow.objects.select_for_update(no_key=True).filter(pk=session.job_id).first()
        if not move(session.id, State(session.state), goal, failure=None, fence=F("fence") + 1) or failed is None:
            return
        if failed.status == Status.FAILED:
            jobs.retry(failed.id)
        if failed.status != Status.CANCELLED:
            return
        again = jobs.submit(
            PRODUCE_MINUTES, {}, session_id=session.id, facts=failed.facts, dedup_key=f"{PRODUCE_MINUTES}:{failed.id}"
        )
        Session.objects.filter(pk=session.id).update(job_id=again.id)
