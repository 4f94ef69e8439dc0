"""Blocks: what CORE understood, as the units from which the document is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sessions_app.understanding.types import DialogueContext, Intent, Understanding

_BLOCK_TEXT_LIMIT_CHARS = 1200
_SPEECH = frozenset({Intent.DEBATE, Intent.PROPOSITION, Intent.OTHER_BUSINESS})
_CHAIR = frozenset(
    {Intent.OPEN_SESSION, Intent.ROLL_CALL, Intent.AGENDA, Intent.VOTE, Intent.RECESS, Intent.CLOSE_SESSION}
)
_ONE_EACH = frozenset({Intent.VOTE, Intent.PROPOSITION})
ASSET_PART_BASE = 100_000
"""Images that stand behind an input are numbered from here: no recording has as many blocks of speech."""
SPLIT_PART_BASE = 200_000
"""Blocks that a clerk cut off others of the same input are numbered from here."""


@dataclass(frozen=True, slots=True)
class AudioSource:
    """The audio of an input: its content, and where it begins in the session."""

    sha256: str
    session_start_ms: int


@dataclass(frozen=True, slots=True)
class SpokenContext:
    """What holds from one input to the next: the dialogue, who has the floor, how much audio there was.

    `captured_end` is when the capture of the last input ended (ISO 8601, UTC), None where its client did not say.
    """

    dialogue: DialogueContext = field(default_factory=DialogueContext)
    floor: str | None = None
    explicit_number: int = 0
    session_end_ms: int = 0
    captured_end: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return JSON values from which `from_json` makes an equal context."""
        return {**asdict(self), "dialogue": self.dialogue.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SpokenContext:
        """Inverse of `to_json`."""
        return cls(**{**values, "dialogue": DialogueContext.from_json(dict(values["dialogue"]))})


@dataclass(frozen=True, slots=True)
class ExplicitContext:
    """What a person or client said about the following inputs.

    `number` is the journal's number of the entry that named the speaker (0: nobody did): a later change of topic,
    zone or restriction says nothing about who has the floor.
    """

    number: int = 0
    speaker: str | None = None
    topic: str | None = None
    zone: str | None = None
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """Why an input has no blocks of its own yet, and what is known of it.

    `text` is what was recognised, empty where nothing was; `fallback_url` leads to the audio.
    """

    code: str
    fallback_url: str
    text: str = ""
    is_recovered_later: bool = True


def make_blocks(
    sequence_id: int,
    understandings: Sequence[Understanding],
    before: SpokenContext,
    explicit: ExplicitContext,
    config: Mapping[str, Any],
    audio: AudioSource | None,
) -> tuple[list[dict[str, Any]], SpokenContext]:
    """Turn what was understood of one input into its blocks, and say who has the floor afterwards.

    Consecutive understandings of one intent and one speaker become one block, up to a size that a paragraph can have;
    votes and propositions stay apart. The latest of "tiene la palabra …" and an explicit speaker wins.
    """
    state = before
    if explicit.number not in (0, before.explicit_number):
        state = replace(state, floor=explicit.speaker, explicit_number=explicit.number)
    groups: list[tuple[str | None, list[Understanding]]] = []
    for item in understandings:
        if item.intent in _CHAIR:
            state = replace(state, floor=None)
        speaker = state.floor if item.intent in _SPEECH else None
        if groups and groups[-1][0] == speaker and _continues(groups[-1][1], item):
            groups[-1][1].append(item)
        else:
            groups.append((speaker, [item]))
        if item.intent is Intent.FLOOR_GRANTED:
            state = replace(state, floor=item.structured_data.get("speaker") or state.floor)
    blocks = [
        _block(sequence_id, part, group, speaker, explicit, config, audio)
        for part, (speaker, group) in enumerate(groups)
    ]
    return blocks, state


def template_of(item: Understanding, config: Mapping[str, Any]) -> str:
    """Return the template of an understanding: the council's own for its intent, else CORE's."""
    own: str | None = config.get("intents", {}).get(str(item.intent), {}).get("template_id")
    return own or item.template_id


def _continues(group: Sequence[Understanding], item: Understanding) -> bool:
    last = group[-1]
    if last.intent is not item.intent or last.template_id != item.template_id:
        return False
    if item.intent in _ONE_EACH and item.structured_data:
        return False
    return sum(len(one.text) for one in group) + len(item.text) <= _BLOCK_TEXT_LIMIT_CHARS


def _block(
    sequence_id: int,
    part: int,
    group: Sequence[Understanding],
    speaker: str | None,
    explicit: ExplicitContext,
    config: Mapping[str, Any],
    audio: AudioSource | None,
) -> dict[str, Any]:
    first = group[0]
    own = config.get("intents", {}).get(str(first.intent), {})
    template_id = template_of(first, config)
    known = template_id in config["templates"]
    zone = explicit.zone or config["zone_map"].get(template_id) or config["default_zone"]
    table = config["table_map"].get(str(first.intent)) if first.structured_data else None
    return {
        "block_id": f"{sequence_id}.{part}",
        "sequence_id": sequence_id,
        "part": part,
        "type": "TEMPLATE" if known else "TEXT",
        "status": "READY",
        "intent": str(first.intent),
        "template_id": template_id if known else None,
        "label": own.get("label") or first.label,
        "target_placeholder": zone,
        "table_id": table["table_id"] if table else None,
        "text": " ".join(item.text for item in group),
        "data": _merged_data(group),
        "speaker": speaker,
        "topic": explicit.topic,
        "restricted": explicit.restricted,
        "confidence": round(min(item.confidence for item in group), 4),
        "needs_review": any(item.needs_review for item in group),
        "audio": _audio_span(sequence_id, group, audio),
    }


def _merged_data(group: Sequence[Understanding]) -> dict[str, Any]:
    """Merge structured data: lists are joined, a later value fills in what an earlier one left open."""
    merged: dict[str, Any] = {}
    for item in group:
        for key, value in item.structured_data.items():
            if isinstance(value, list):
                merged[key] = [*merged.get(key, []), *value]
            elif merged.get(key) is None:
                merged[key] = value
    return merged


def _audio_span(sequence_id: int, group: Sequence[Understanding], audio: AudioSource | None) -> dict[str, Any] | None:
    if audio is None:
        return None
    start_ms = min(item.start_ms for item in group)
    return {
        "sequence_id": sequence_id,
        "start_ms": start_ms,
        "end_ms": max(item.end_ms for item in group),
        "session_start_ms": audio.session_start_ms + start_ms,
        "sha256": audio.sha256,
    }


def processing_block(sequence_id: int) -> dict[str, Any]:
    """Return the block that stands for an input whose work is not done."""
    return {**_EMPTY, "block_id": f"{sequence_id}.0", "sequence_id": sequence_id, "part": 0, "type": "TEXT"}


def pending_block(
    sequence_id: int, pending: Pending, audio: Mapping[str, Any] | None, explicit: ExplicitContext
) -> dict[str, Any]:
    """Return the block of an input that could not be heard or understood: visible in the document, with its audio.

    Where nobody named a place the builder shows it where it was spoken, after the block before it.
    """
    return {
        **_EMPTY,
        "block_id": f"{sequence_id}.0",
        "sequence_id": sequence_id,
        "part": 0,
        "type": "AUDIO_PENDING",
        "status": "PENDING" if pending.is_recovered_later else "ERROR_PENDING_REVIEW",
        "text": pending.text,
        "data": {"error_code": pending.code, "fallback_url": pending.fallback_url},
        "speaker": explicit.speaker,
        "topic": explicit.topic,
        "restricted": explicit.restricted,
        "target_placeholder": explicit.zone,
        "needs_review": True,
        "audio": dict(audio) if audio else None,
    }


def given_up(blocks: Sequence[Mapping[str, Any]], code: str, text: str) -> list[dict[str, Any]]:
    """Return the blocks of a pending input as they stand once its recovery has failed for good.

    The link to the audio stays; `text` is what was recognised by then.
    """
    return [
        {
            **block,
            "status": "ERROR_PENDING_REVIEW",
            "text": text,
            "data": {**block["data"], "error_code": code},
        }
        if block["type"] == "AUDIO_PENDING"
        else dict(block)
        for block in blocks
    ]


def is_pending(blocks: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether an input waits for its recovery."""
    return any(block["type"] == "AUDIO_PENDING" and block["status"] == "PENDING" for block in blocks)


def behind(note: Mapping[str, Any], blocks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the blocks of an input with a note in front of them: it takes the first part, they move up by one."""
    moved = [
        {**block, "part": block["part"] + 1, "block_id": f"{block['sequence_id']}.{block['part'] + 1}"}
        for block in blocks
    ]
    return [dict(note), *moved]


def gap_block(first: int, last: int) -> dict[str, Any]:
    """Return the note that stands where inputs never came although the minutes were asked for without them."""
    which = f"el fragmento {first}" if first == last else f"los fragmentos {first} a {last}"
    missing = "Falta" if first == last else "Faltan"
    text = f"{missing} {which} de la sesión: no se recibió su audio antes de elaborar el acta."
    return {**note_block(first, text, {"first": first, "last": last}), "needs_review": True}


def note_block(sequence_id: int, text: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a note that nobody spoke. It names no place: the builder shows it after the block before it."""
    return {
        **_EMPTY,
        "block_id": f"{sequence_id}.0",
        "sequence_id": sequence_id,
        "part": 0,
        "type": "SYSTEM_NOTE",
        "status": "READY",
        "text": text,
        "data": dict(data),
    }


def review_block(
    sequence_id: int, text: str, code: str, audio: Mapping[str, Any] | None, explicit: ExplicitContext
) -> dict[str, Any]:
    """Return the words of an input that CORE could not understand: as plain text, to be reviewed, never lost."""
    return {
        **_EMPTY,
        "block_id": f"{sequence_id}.0",
        "sequence_id": sequence_id,
        "part": 0,
        "type": "TEXT",
        "status": "READY",
        "text": text,
        "data": {"error_code": code},
        "speaker": explicit.speaker,
        "topic": explicit.topic,
        "restricted": explicit.restricted,
        "target_placeholder": explicit.zone,
        "needs_review": True,
        "audio": dict(audio) if audio else None,
    }


def image_block(
    sequence_id: int, asset_number: int, asset: Mapping[str, Any], zone: str, restricted: bool
) -> dict[str, Any]:
    """Return the block of an uploaded image, placed after the input `sequence_id`."""
    part = ASSET_PART_BASE + asset_number
    return {
        **_EMPTY,
        "block_id": f"{sequence_id}.{part}",
        "sequence_id": sequence_id,
        "part": part,
        "type": "IMAGE",
        "status": "READY",
        "target_placeholder": zone,
        "data": {"asset_id": asset["asset_id"], "caption": asset["caption"], "sha256": asset["sha256"]},
        "restricted": restricted,
    }


_EMPTY: dict[str, Any] = {
    "status": "PROCESSING",
    "intent": None,
    "template_id": None,
    "label": "",
    "target_placeholder": None,
    "table_id": None,
    "text": "",
    "data": {},
    "speaker": None,
    "topic": None,
    "restricted": False,
    "confidence": None,
    "needs_review": False,
    "audio": None,
}
