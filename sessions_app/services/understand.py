"""From text to blocks, in the order of the session.

What an utterance means depends on what was said before, so inputs are understood strictly by sequence number, however
they arrived: a worker that finishes a transcript understands as far as there are transcripts without a gap. Each result
is journaled once, together with the context that the next one starts from; so the blocks are the same for every order
of arrival and every repetition.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

from astra_site.lib.errors import AstraError
from sessions_app.blocks import (
    AudioSource,
    ExplicitContext,
    SpokenContext,
    make_blocks,
    pending_block,
    review_block,
)
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.services.journal import NewEntry, write_result_once
from sessions_app.services.sessions import latest_context, speaker_number
from sessions_app.services.transcripts import utterances_of
from sessions_app.understanding.client import CoreClient, EmbeddedCoreClient, understand
from sessions_app.understanding.types import TenantLanguage, Understanding, Utterance

logger = logging.getLogger(__name__)

_UTTERANCES_PER_CALL = 1_000


@cache
def core_client() -> CoreClient:
    """Return the client of CORE that this installation uses."""
    return EmbeddedCoreClient()


def understand_ready_inputs(session: Session, *, skip_missing: bool = False) -> int:
    """Understand every input that can be: from the first one without blocks up to the first gap.

    With `skip_missing` a sequence number that never came is no gap (finalization with accepted gaps). Safe to call at
    any time and by many workers at once; returns how many inputs were done here.
    """
    done = 0
    last = _last_understood(session)
    while True:
        row = _next_input(session, last.sequence_id or 0 if last else 0, skip_missing)
        blocks = _understand(session, row, last) if row else None
        if blocks is None:
            return done
        last = blocks
        done += 1


def recover_input(session: Session, sequence_id: int) -> bool:
    """Understand an input whose blocks were journaled as pending, now that it has a transcript after all.

    The new blocks supersede the pending one. They start from the context that the input had in its place; what follows
    it was understood without it and stays. Returns whether there was anything to recover. Raises
    `SessionStateConflict` for a session whose minutes are made.
    """
    results = {row.kind: row for row in JournalRow.objects.filter(session_id=session.id, sequence_id=sequence_id)}
    if not {EntryKind.FAILURE, EntryKind.BLOCKS, EntryKind.TRANSCRIPT} <= results.keys():
        return False
    row = next(row for kind, row in results.items() if kind in JournalRow.sequenced_kinds)
    earlier = JournalRow.objects.filter(session_id=session.id, kind=EntryKind.BLOCKS, sequence_id__lt=sequence_id)
    payload = _understood(
        session, row, results[EntryKind.TRANSCRIPT], _context_after(earlier.order_by("-sequence_id").first())
    )
    write_result_once(session.id, NewEntry(EntryKind.RECOVERED, payload, sequence_id))
    return True


def _context_after(blocks: JournalRow | None) -> SpokenContext:
    return SpokenContext.from_json(blocks.payload["after"]) if blocks else SpokenContext()


def _last_understood(session: Session) -> JournalRow | None:
    rows = JournalRow.objects.filter(session_id=session.id, kind=EntryKind.BLOCKS)
    row: JournalRow | None = rows.order_by("-sequence_id").first()
    return row


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
    if row.kind != EntryKind.TEXT and transcript is None and failure is None:
        return None
    before = _context_after(last)
    if row.kind != EntryKind.TEXT and transcript is None and failure is not None:
        payload = _pending(session, row, failure, before)
    elif failure is not None and failure.payload["code"] == "step_crashed":
        # Understanding these words broke off again and again: keep them, and let what follows go on.
        payload = _for_review(session, row, utterances_of(row, transcript), before, "step_crashed")
    else:
        payload = _understood(session, row, transcript, before)
    return write_result_once(session.id, NewEntry(EntryKind.BLOCKS, payload, row.sequence_id))


def _understood(
    session: Session, row: JournalRow, transcript: JournalRow | None, before: SpokenContext
) -> dict[str, Any]:
    content = session.config_version.content
    language = TenantLanguage(
        entity_dictionary=dict(content.get("entity_dictionary", {})), members=tuple(content.get("members", ()))
    )
    utterances = utterances_of(row, transcript)
    understandings: list[Understanding] = []
    dialogue = before.dialogue
    try:
        for start in range(0, len(utterances), _UTTERANCES_PER_CALL):
            call = tuple(utterances[start : start + _UTTERANCES_PER_CALL])
            understood, dialogue = understand(core_client(), call, dialogue, language)
            understandings += understood
    except AstraError as error:
        logger.warning("CORE did not understand an input: its words go to review.", extra={"code": error.code})
        return _for_review(session, row, utterances, before, error.code)
    audio = AudioSource(row.audio_sha256, before.session_end_ms) if row.audio_sha256 else None
    blocks, after = make_blocks(row.sequence_id or 0, understandings, before, _explicit(session, row), content, audio)
    return {"core": "embedded", "blocks": blocks, "after": _after(after, row, dialogue=dialogue)}


def _for_review(
    session: Session, row: JournalRow, utterances: Sequence[Utterance], before: SpokenContext, code: str
) -> dict[str, Any]:
    """Keep the words of an input that CORE has no answer for, whatever the reason; the order goes on behind it."""
    text = " ".join(utterance.text for utterance in utterances)
    audio = _whole_audio(row, before) if row.audio_sha256 else None
    block = review_block(row.sequence_id or 0, text, code, audio, _explicit(session, row))
    return {"core": None, "blocks": [block] if text else [], "after": _after(before, row, dialogue=before.dialogue)}


def _pending(session: Session, row: JournalRow, failure: JournalRow, before: SpokenContext) -> dict[str, Any]:
    block = pending_block(row.sequence_id or 0, failure.payload["code"], _whole_audio(row, before))
    return {"core": None, "blocks": [block], "after": _after(before, row, dialogue=before.dialogue)}


def _whole_audio(row: JournalRow, before: SpokenContext) -> dict[str, Any]:
    return {
        "sequence_id": row.sequence_id,
        "start_ms": 0,
        "end_ms": row.audio_duration_ms or 0,
        "session_start_ms": before.session_end_ms,
        "sha256": row.audio_sha256,
    }


def _after(context: SpokenContext, row: JournalRow, *, dialogue: Any) -> dict[str, Any]:
    values = context.to_json()
    values["dialogue"] = dialogue.to_json()
    values["session_end_ms"] = context.session_end_ms + (row.audio_duration_ms or 0)
    return values


def _explicit(session: Session, row: JournalRow) -> ExplicitContext:
    entry = latest_context(session.id, row.sequence_id)
    if entry is None:
        return ExplicitContext()
    said = {key: entry.payload[key] for key in ("speaker", "topic", "zone", "restricted")}
    return ExplicitContext(number=speaker_number(entry), **said)
