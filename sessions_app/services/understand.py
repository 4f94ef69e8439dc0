"""From text to blocks, in the order of the session.

What an utterance means depends on what was said before, so inputs are understood strictly by sequence number, however
they arrived: a worker that finishes a transcript understands as far as there are transcripts without a gap. Each result
is journaled once, together with the context that the next one starts from; so the blocks are the same for every order
of arrival and every repetition.
"""

from __future__ import annotations

import logging
from typing import Any

from astra_site.lib.after_commit import after_commit
from astra_site.lib.errors import AstraError
from sessions_app.blocks import is_pending
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.services import input_blocks
from sessions_app.services.inheritance import understood_before
from sessions_app.services.input_blocks import Place
from sessions_app.services.journal import NewEntry, write_result_once
from sessions_app.services.recovery import submit_recovery
from sessions_app.services.transcripts import utterances_of
from tenants.config.sightings import Seen, record_sightings

logger = logging.getLogger(__name__)

_CRASHED = "step_crashed"
_CANCELLED = "cancelled"


def understand_ready_inputs(session: Session, *, skip_missing: bool = False) -> int:
    """Understand every input that can be: from the first one without blocks up to the first gap.

    With `skip_missing` a sequence number that never came is no gap (finalization with accepted gaps). Safe to call at
    any time and by many workers at once; returns how many inputs were done here.
    """
    done = 0
    last = understood_before(session)
    while True:
        row = _next_input(session, last.sequence_id or 0 if last else 0, skip_missing)
        blocks = _understand(session, row, last) if row else None
        if blocks is None:
            return done
        last = blocks
        done += 1


def _next_input(session: Session, after: int, skip_missing: bool) -> JournalRow | None:
    rows = JournalRow.objects.filter(
        session_id=session.id, kind__in=JournalRow.sequenced_kinds, sequence_id__gt=after
    ).order_by("sequence_id")
    row: JournalRow | None = rows.first()
    if row is None or (row.sequence_id != after + 1 and not skip_missing):
        return None
    return row


def _understand(session: Session, row: JournalRow, last: JournalRow | None) -> JournalRow | None:
    """Journal the blocks of one input and return their entry; None when its transcript is not there yet."""
    results = JournalRow.objects.filter(session_id=session.id, sequence_id=row.sequence_id)
    heard = {item.kind: item for item in results if item.kind in (EntryKind.TRANSCRIPT, EntryKind.FAILURE)}
    transcript, failure = heard.get(EntryKind.TRANSCRIPT), heard.get(EntryKind.FAILURE)
    code = failure.payload["code"] if failure else None
    place, seen = Place.after(last, row), tuple[Seen, ...]()
    if row.kind != EntryKind.TEXT and transcript is None:
        if code is None:
            return None
        # What somebody cancelled is not done behind his back after all.
        payload = input_blocks.pending(session, place, (), code, is_recovered_later=code != _CANCELLED)
    elif code == _CRASHED:
        # Understanding these words broke off again and again: keep them, and let what follows go on.
        payload = _degraded(session, place, transcript, code)
    else:
        try:
            payload, seen = input_blocks.understood(session, place, utterances_of(row, transcript))
        except AstraError as error:
            logger.warning("CORE did not understand an input; the session goes on.", extra={"code": error.code})
            payload = _degraded(session, place, transcript, error.code)
    entry = NewEntry(EntryKind.BLOCKS, payload, row.sequence_id)

    def and_then(blocks: JournalRow) -> None:
        if is_pending(payload["blocks"]):
            _recover_later(blocks)
        after_commit(record_sightings, session.tenant_id, seen)

    return write_result_once(session.id, entry, and_then)


def _degraded(session: Session, place: Place, transcript: JournalRow | None, code: str) -> dict[str, Any]:
    """Return the entry of words that CORE has no answer for: spoken ones are recovered, typed ones reviewed."""
    utterances = utterances_of(place.row, transcript)
    if place.row.kind == EntryKind.TEXT:
        return input_blocks.for_review(session, place, utterances, code)
    return input_blocks.pending(session, place, utterances, code)


def _recover_later(blocks: JournalRow) -> None:
    submit_recovery(blocks.session_id, blocks.sequence_id or 0)
