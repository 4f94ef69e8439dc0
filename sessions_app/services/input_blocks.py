"""What the journal keeps for one input in its place: its blocks, and the context that the next input starts from.

Nothing is written here. The same input in the same place gives the same blocks, whenever and however often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from astra_site.lib.clock import iso_utc
from astra_site.lib.object_store import Bucket, object_store
from sessions_app.blocks import (
    AudioSource,
    Pending,
    SpokenContext,
    behind,
    make_blocks,
    pending_block,
    review_block,
    template_of,
)
from sessions_app.core.choice import core_client
from sessions_app.models import JournalRow, Session
from sessions_app.pauses import captured_at, captured_end, pause_block
from sessions_app.services.pins import config_content_of
from sessions_app.services.sessions import context_at
from sessions_app.understanding.client import understand
from sessions_app.understanding.types import DialogueContext, TenantLanguage, Understanding, Utterance
from tenants.config.sightings import Seen

FALLBACK_TTL_S: Final = 7 * 24 * 3600
_UTTERANCES_PER_CALL = 400


@dataclass(frozen=True, slots=True)
class Place:
    """An input, what was said before it, and whether it comes right after the input before (no number is missing)."""

    row: JournalRow
    before: SpokenContext
    is_next: bool

    @classmethod
    def after(cls, last: JournalRow | None, row: JournalRow) -> Place:
        """Return the place of an input behind the `blocks` entry of the one before; None at the start."""
        if last is None:
            return cls(row, SpokenContext(), is_next=False)
        is_next = row.sequence_id == (last.sequence_id or 0) + 1
        return cls(row, SpokenContext.from_json(last.payload["after"]), is_next)

    @property
    def sequence_id(self) -> int:
        """The input's number."""
        return self.row.sequence_id or 0


def understood(
    session: Session, place: Place, utterances: Sequence[Utterance]
) -> tuple[dict[str, Any], tuple[Seen, ...]]:
    """Ask CORE and return the entry, and which templates were found, known to the configuration or not.

    Without words (silence) nobody is asked. Raises the errors of `CoreClient`.
    """
    content = config_content_of(session)
    language = TenantLanguage(
        entity_dictionary=dict(content.get("entity_dictionary", {})),
        members=tuple(content.get("members", ())),
        adapter=session.model_config.get("adapter", ""),
    )
    understandings: list[Understanding] = []
    dialogue = place.before.dialogue
    client = core_client()
    for start in range(0, len(utterances), _UTTERANCES_PER_CALL):
        call = tuple(utterances[start : start + _UTTERANCES_PER_CALL])
        part, dialogue = understand(client, call, dialogue, language)
        understandings += part
    row, before = place.row, place.before
    audio = AudioSource(row.audio_sha256, before.session_end_ms) if row.audio_sha256 else None
    explicit = context_at(session.id, place.sequence_id)
    blocks, after = make_blocks(place.sequence_id, understandings, before, explicit, content, audio)
    entry = _entry(session, place, blocks, after, dialogue, client.name if utterances else None)
    seen = tuple(
        Seen(template_of(item, content), str(item.intent), item.label, "" if explicit.restricted else item.text)
        for item in understandings
    )
    return entry, seen


def pending(
    session: Session, place: Place, utterances: Sequence[Utterance], code: str, *, is_recovered_later: bool = True
) -> dict[str, Any]:
    """Return the entry of an input that could not be heard or understood: a link to its audio, and its known words.

    The order goes on behind it; what follows is understood without it.
    """
    url = object_store().presigned_get(Bucket.AUDIO, place.row.audio_key, FALLBACK_TTL_S)
    why = Pending(code, url, text_of(utterances), is_recovered_later)
    block = pending_block(place.sequence_id, why, _whole_audio(place), context_at(session.id, place.sequence_id))
    return _entry(session, place, [block], place.before, place.before.dialogue, None)


def for_review(session: Session, place: Place, utterances: Sequence[Utterance], code: str) -> dict[str, Any]:
    """Return the entry of typed words that CORE has no answer for: they stay as text, to be reviewed."""
    text = text_of(utterances)
    block = review_block(place.sequence_id, text, code, None, context_at(session.id, place.sequence_id))
    return _entry(session, place, [block] if text else [], place.before, place.before.dialogue, None)


def text_of(utterances: Sequence[Utterance]) -> str:
    """Return the words of an input as one text."""
    return " ".join(utterance.text for utterance in utterances)


def _entry(
    session: Session,
    place: Place,
    blocks: list[dict[str, Any]],
    spoken: SpokenContext,
    dialogue: DialogueContext,
    core: str | None,
) -> dict[str, Any]:
    row = place.row
    ended = captured_end(row.payload, row.audio_duration_ms)
    after = {
        **spoken.to_json(),
        "dialogue": dialogue.to_json(),
        "session_end_ms": place.before.session_end_ms + (row.audio_duration_ms or 0),
        "captured_end": iso_utc(ended) if ended else None,
    }
    note = _pause_before(session, place)
    return {"core": core, "blocks": behind(note, blocks) if note else blocks, "after": after}


def _pause_before(session: Session, place: Place) -> Mapping[str, Any] | None:
    """Return the note of the pause before an input; where numbers are missing, it is not known that there was one."""
    began, ended = place.before.captured_end, captured_at(place.row.payload)
    if began is None or ended is None or not place.is_next:
        return None
    return pause_block(place.sequence_id, datetime.fromisoformat(began), ended, session.client_timezone)


def _whole_audio(place: Place) -> dict[str, Any]:
    row = place.row
    return {
        "sequence_id": row.sequence_id,
        "start_ms": 0,
        "end_ms": row.audio_duration_ms or 0,
        "session_start_ms": place.before.session_end_ms,
        "sha256": row.audio_sha256,
    }
