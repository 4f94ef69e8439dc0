"""Recovery: what could not be heard or understood when it was due is heard and understood later.

A pending input's job is made in the transaction that journals it as pending. Its steps redo what is missing, in the
context that the input had in its place, and journal `recovered`; when the last try has failed, `review` says so.
Nothing waits for it, finalization neither: once the minutes are being made the journal is closed, and it ends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from secrets import SystemRandom
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from astra_site.lib.after_commit import after_commit
from astra_site.lib.errors import AstraError
from jobs import services as jobs
from jobs.core.job import Job, JobStatus
from jobs.core.ports import StepContext
from jobs.errors import StepPostponed
from sessions_app.blocks import given_up
from sessions_app.errors import SessionStateConflict
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.services import input_blocks
from sessions_app.services.inheritance import understood_before
from sessions_app.services.input_blocks import Place
from sessions_app.services.journal import NewEntry, lock_for_entry, write, write_result_once
from sessions_app.services.projecting import is_settled
from sessions_app.services.transcripts import transcribe_input, utterances_of
from tenants.config.sightings import record_sightings

logger = logging.getLogger(__name__)

RECOVER_INPUT: Final = "recover_input"
WAIT_FOR: Final[Mapping[str, float]] = {"core_breaker_open": 15.0, "quota_exhausted": 60.0}
"""What is waited for without counting a try, and for how long at least, in s: nothing is wrong with the input."""

_OPEN: Final = (State.OPEN, State.DRAINING)
_LONGEST_WAIT_S: Final = 600.0
_ABANDONED_WAIT_S: Final = 3600.0
_LONGEST_ABANDONED_WAIT_S: Final = 4 * 3600.0
_CLOSED: Final = {"utterances": 0, "outcome": "session_closed"}
_chance = SystemRandom()


def submit_recovery(session_id: UUID, sequence_id: int) -> None:
    """Create the job that recovers an input, in the caller's transaction."""
    key = f"{RECOVER_INPUT}:{session_id}:{sequence_id}"
    jobs.submit(RECOVER_INPUT, {"sequence_id": sequence_id}, session_id=session_id, dedup_key=key)


def hear_again(context: StepContext) -> Mapping[str, Any]:
    """Step 1: transcribe an input that has no transcript."""
    session = _session(context)
    if not _is_open(session, context):
        return _CLOSED
    if is_settled(session, context.job.payload["sequence_id"]):
        return {"utterances": 0, "outcome": "nothing_to_recover"}
    try:
        with postponing(context):
            return {"utterances": transcribe_input(session, context.job.payload["sequence_id"], context)}
    except SessionStateConflict:
        return _CLOSED


def understand_again(context: StepContext) -> Mapping[str, Any]:
    """Step 2: understand it in its place and journal the blocks that supersede the pending one."""
    session = _session(context)
    if not _is_open(session, context):
        return _CLOSED
    try:
        with postponing(context):
            done = recover_input(session, context.job.payload["sequence_id"])
    except SessionStateConflict:
        return _CLOSED
    return {"outcome": "recovered" if done else "nothing_to_recover"}


def recovery_finished(job: Job) -> None:
    """Journal that a recovery was given up, in the transaction that ends its job."""
    if job.status is JobStatus.COMPLETED or job.session_id is None:
        return
    code = "cancelled" if job.status is JobStatus.CANCELLED else job.error_code or "cancelled"
    try:
        _give_up(job.session_id, job.payload["sequence_id"], code, job)
    except SessionStateConflict:
        logger.info("A recovery ended after the journal was closed: the minutes show its audio as pending.")


def recover_input(session: Session, sequence_id: int) -> bool:
    """Understand an input whose blocks were journaled as pending, now that it has a transcript after all.

    The new blocks supersede the pending one. They start from the context that the input had in its place; what follows
    it was understood without it and stays. Returns whether there was anything to recover. Raises the errors of
    `CoreClient`, and `SessionStateConflict` for a session whose minutes are made.
    """
    results = _results(session.id, sequence_id)
    blocks, transcript = results.get(EntryKind.BLOCKS), results.get(EntryKind.TRANSCRIPT)
    if blocks is None or transcript is None or EntryKind.RECOVERED in results or not _waits(blocks):
        return False
    if is_settled(session, sequence_id):
        return False
    row = next(row for kind, row in results.items() if kind in JournalRow.sequenced_kinds)
    place = Place.after(understood_before(session, sequence_id), row)
    payload, seen = input_blocks.understood(session, place, utterances_of(row, transcript))
    entry = NewEntry(EntryKind.RECOVERED, payload, sequence_id)
    write_result_once(session.id, entry, lambda _: after_commit(record_sightings, session.tenant_id, seen))
    return True


@contextmanager
def postponing(context: StepContext) -> Iterator[None]:
    """Turn what is only to be waited for into `StepPostponed`, which costs no try."""
    try:
        yield
    except AstraError as error:
        if error.code not in WAIT_FOR:
            raise
        told_s = error.details.get("retry_after_s")
        at_least_s = max(WAIT_FOR[error.code], float(told_s) if isinstance(told_s, int | float) else 0.0)
        raise StepPostponed(_wait_s(context, at_least_s, _LONGEST_WAIT_S), error.message) from error


def _wait_s(context: StepContext, at_least_s: float, at_most_s: float) -> float:
    """Wait a quarter of what was waited already, so that a long outage is asked about less and less, and not by all at
    the same moment."""
    waited_s = (context.clock() - context.job.created_at).total_seconds()
    return max(at_least_s, min(waited_s / 4, at_most_s)) * _chance.uniform(1.0, 1.25)


def _session(context: StepContext) -> Session:
    session: Session = Session.objects.get(pk=context.job.session_id)
    return session


def _is_open(session: Session, context: StepContext) -> bool:
    """Say whether the journal takes results; an abandoned session may be resumed, so its recoveries wait."""
    if session.state == State.ABANDONED:
        delay_s = _wait_s(context, _ABANDONED_WAIT_S, _LONGEST_ABANDONED_WAIT_S)
        raise StepPostponed(delay_s, "The session is abandoned; recovery goes on when it is resumed.")
    return State(session.state) in _OPEN


def _give_up(session_id: UUID, sequence_id: int, code: str, job: Job) -> None:
    with transaction.atomic():
        session = lock_for_entry(session_id, _OPEN)
        results = _results(session_id, sequence_id)
        blocks, transcript = results.get(EntryKind.BLOCKS), results.get(EntryKind.TRANSCRIPT)
        if blocks is None or not {EntryKind.RECOVERED, EntryKind.REVIEW}.isdisjoint(results):
            return
        row = next(row for kind, row in results.items() if kind in JournalRow.sequenced_kinds)
        text = input_blocks.text_of(utterances_of(row, transcript))
        payload = {
            "code": code,
            "message": job.error_message,
            "job_id": str(job.id),
            "blocks": given_up(blocks.payload["blocks"], code, text),
        }
        write(session, NewEntry(EntryKind.REVIEW, payload, sequence_id))


def _results(session_id: UUID, sequence_id: int) -> dict[str, JournalRow]:
    rows = JournalRow.objects.filter(session_id=session_id, sequence_id=sequence_id)
    return {row.kind: row for row in rows}


def _waits(blocks: JournalRow) -> bool:
    return any(block["type"] == "AUDIO_PENDING" for block in blocks.payload["blocks"])
