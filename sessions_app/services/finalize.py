"""Finalization: drain, then hand over to the job that builds and seals the minutes.

The lock is the truth itself: a compare-and-swap on the session's row (docs/adr). However often and from wherever it is
called, one job is made, and every caller is told the same.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from astra_site.lib.errors import AstraError
from astra_site.lib.logs import log_context
from astra_site.lib.tenancy import get_owned, tenant_scope
from jobs import services as jobs
from jobs.models import Job as JobRow
from jobs.models import Status
from sessions_app.errors import SessionStateConflict
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.services.journal import NewEntry, write
from sessions_app.services.states import move
from sessions_app.services.understand import understand_ready_inputs

logger = logging.getLogger(__name__)

PRODUCE_MINUTES = "produce_minutes"
_LISTED = 100


@dataclass(frozen=True, slots=True)
class Drain:
    """What a finalization still waits for: how many, and the first hundred numbers of each."""

    pending: list[int] = field(default_factory=list)
    pending_count: int = 0
    missing: list[int] = field(default_factory=list)
    missing_count: int = 0


def finalize(session_id: UUID, *, actor: str, accept_gaps: bool = False) -> Session:
    """Ask for the minutes; returns the session as it stands now. Repeating it is harmless and moves things on.

    From OPEN the session drains: it takes only the numbers that are missing below the highest one. When nothing is
    pending or missing (or gaps are accepted) the minutes are produced. A failed build or seal is tried again.
    """
    session = get_owned(Session, session_id)
    if session.state == State.OPEN and session.journal_length == 0:
        raise SessionStateConflict("session_empty", "Nothing was recorded: there are no minutes to make.")
    if session.state == State.OPEN:
        _start_draining(session_id, actor, accept_gaps)
    elif session.state == State.DRAINING and accept_gaps and not session.accept_gaps:
        Session.objects.filter(pk=session_id, state=State.DRAINING).update(accept_gaps=True)
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
        payload = {"final_sequence_id": locked.highest_sequence_id, "accept_gaps": accept_gaps}
        write(locked, NewEntry(EntryKind.FINALIZE, payload, actor=actor))
        move(
            session_id,
            State.OPEN,
            State.DRAINING,
            final_sequence_id=locked.highest_sequence_id,
            accept_gaps=accept_gaps,
        )


def advance(session_id: UUID) -> bool:
    """Start producing the minutes if a draining session is drained; returns whether this call did.

    Called by finalize and by every job that finishes an input, so the last of them moves the session on.
    """
    session = Session.objects.select_related("config_version").get(pk=session_id)
    if session.state != State.DRAINING:
        return False
    if session.accept_gaps:
        understand_ready_inputs(session, skip_missing=True)
    drain = what_is_left(session)
    if drain.pending_count or (drain.missing_count and not session.accept_gaps):
        return False
    with transaction.atomic():
        if not move(session_id, State.DRAINING, State.BUILDING, failure=None):
            return False
        job = jobs.submit(PRODUCE_MINUTES, {}, session_id=session_id, dedup_key=f"{PRODUCE_MINUTES}:{session_id}")
        Session.objects.filter(pk=session_id).update(job_id=job.id)
    return True


def what_is_left(session: Session) -> Drain:
    """Return the accepted numbers without blocks and the numbers that never came.

    Counted by the database; numbers are read only where some are missing.
    """
    rows = JournalRow.objects.filter(session_id=session.id)
    inputs = rows.filter(kind__in=JournalRow.sequenced_kinds)
    understood = rows.filter(kind=EntryKind.BLOCKS, sequence_id=OuterRef("sequence_id"))
    waiting = inputs.filter(~Exists(understood)).order_by("sequence_id")
    pending = list(waiting.values_list("sequence_id", flat=True)[:_LISTED])
    last = session.final_sequence_id or session.highest_sequence_id
    missing_count = last - inputs.filter(sequence_id__lte=last).count()
    missing: list[int] = []
    if missing_count:
        known = set(inputs.values_list("sequence_id", flat=True))
        missing = list(islice((number for number in range(1, last + 1) if number not in known), _LISTED))
    pending_count = len(pending) if len(pending) < _LISTED else waiting.count()
    return Drain(pending, pending_count, missing, missing_count)


def sweep_draining() -> None:
    """Move on every draining session whose last input ended without anybody noticing (a crash at the wrong line)."""
    for session in Session.objects.filter(state=State.DRAINING).select_related("config_version"):
        with tenant_scope(session.tenant_id), log_context(tenant_id=session.tenant_id, session_id=session.id):
            try:
                understand_ready_inputs(session)
                advance(session.id)
            except AstraError as error:
                logger.warning("A draining session can't be moved on now: %s", error, extra={"code": error.code})


def _try_again(session: Session) -> None:
    """Put a failed production back to work from the step that failed; one that was cancelled gets a new job."""
    goal = State.BUILDING if session.state == State.BUILD_FAILED else State.SEALING
    with transaction.atomic():
        if not move(session.id, State(session.state), goal, failure=None) or session.job_id is None:
            return
        failed = get_owned(JobRow, session.job_id)
        if failed.status == Status.FAILED:
            jobs.retry(failed.id)
        if failed.status != Status.CANCELLED:
            return
        again = jobs.submit(
            PRODUCE_MINUTES, {}, session_id=session.id, facts=failed.facts, dedup_key=f"{PRODUCE_MINUTES}:{failed.id}"
        )
        Session.objects.filter(pk=session.id).update(job_id=again.id)
