"""Corrections of the words: edit, split, merge, and what is said of a block as a whole."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sessions_app.corrections.operations import Edit, Merge, Pins, Restrict, Split
from sessions_app.corrections.retyping import as_debate
from sessions_app.corrections.spans import Word, cut, joined, spans_of, with_spans
from sessions_app.errors import CorrectionConflict, CorrectionInvalid

Block = Mapping[str, Any]

SPOKEN = frozenset({"TEMPLATE", "TEXT", "TABLE"})
MAX_BLOCK_CHARS = 20_000
_OF_TROUBLE = frozenset({"error_code", "fallback_url"})
_LIMITS = {"text": MAX_BLOCK_CHARS, "speaker": 200, "topic": 300}
_JOINERS = frozenset("\u200d\ufe0f\ufe0e\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")


def edited(block: Block, operation: Edit, pins: Pins) -> dict[str, Any]:
    """Return the block with other words, speaker or topic.

    Words typed for audio that has none make it a finished block of debate (a person heard it); an image's words are
    its caption. The same words again say that they were reviewed and are right. Empty text takes the words out of the
    document and keeps their place and audio.
    Raises `CorrectionInvalid` (`edit_empty`, `text_invalid`, `text_too_long`).
    """
    changes = dict(operation.changes)
    if not changes or not changes.keys() <= _LIMITS.keys():
        raise CorrectionInvalid("edit_empty", "An edit changes text, speaker or topic.")
    for name, value in changes.items():
        _check_words(name, value)
    words = changes.pop("text", None)
    made = {**block, **changes}
    if words is None:
        return made
    if block["type"] == "IMAGE":
        return {**made, "data": {**block["data"], "caption": words}}
    sure = block["confidence"] if words == block["text"] else None
    data = {name: value for name, value in block["data"].items() if name not in _OF_TROUBLE}
    made |= {"text": words, "status": "READY", "needs_review": False, "confidence": sure, "data": data}
    return as_debate(made, pins) if block["type"] == "AUDIO_PENDING" else made


def split(
    block: Block, operation: Split, words: Sequence[Word], *, order: str, part: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the two blocks that a block is cut into; together they have exactly its text.

    The first keeps id, place and structured data; the second gets the given part and order. `words` are the times of
    the transcript's words inside the block's audio, if there are any. Raises `CorrectionInvalid` (`split_outside_text`,
    `split_inside_character`) and `CorrectionConflict` (`block_without_text`).
    """
    _must_be_spoken(block)
    text, at = block["text"], operation.at
    if not 0 < at < len(text) or not text[:at].strip() or not text[at:].strip():
        raise CorrectionInvalid(
            "split_outside_text",
            "A block is cut between two of its characters, with words on both sides.",
            details={"length": len(text)},
        )
    if unicodedata.combining(text[at]) or text[at] in _JOINERS or text[at - 1] == "\u200d":
        raise CorrectionInvalid("split_inside_character", "There is an accent or a joined sign: cut beside it.")
    before, behind = cut(text, at, spans_of(block), words)
    first = with_spans({**block, "text": text[:at]}, before)
    rest = {"block_id": f"{block['sequence_id']}.{part}", "part": part, "order": order, "data": {}, "table_id": None}
    return first, with_spans({**block, **rest, "text": text[at:]}, behind)


def merged(first: Block, second: Block, operation: Merge) -> dict[str, Any]:
    """Return the one block that two neighbours become: the first's id, place and meaning, both texts, all their audio.

    It is restricted if one of them is, and to be reviewed if one of them is. Structured data are put together where
    both mean the same. Raises `CorrectionConflict` (`block_without_text`, `merge_mixes_data`) and `CorrectionInvalid`
    (`text_too_long`).
    """
    _must_be_spoken(first)
    _must_be_spoken(second)
    if second["data"] and first["intent"] != second["intent"]:
        raise CorrectionConflict(
            "merge_mixes_data",
            "The second block holds data of another kind, which would be lost: retype one of the two first.",
            details={"intents": [first["intent"], second["intent"]]},
        )
    text = _put_together(first["text"], second["text"], operation.joined_by)
    _check_words("text", text)
    sure = [block["confidence"] for block in (first, second) if block["confidence"] is not None]
    made = {
        **first,
        "text": text,
        "data": _merged_data(first["data"], second["data"]),
        "table_id": first["table_id"] or second["table_id"],
        "restricted": first["restricted"] or second["restricted"],
        "needs_review": first["needs_review"] or second["needs_review"],
        "confidence": min(sure) if sure else None,
    }
    return with_spans(made, joined(spans_of(first), spans_of(second)))


def restricted(block: Block, operation: Restrict) -> dict[str, Any]:
    """Return the block, kept out of the public edition or not."""
    return {**block, "restricted": operation.restricted}


def is_text(value: str) -> bool:
    """Say whether a text can be stored and sealed: it has no NUL and no lone surrogates."""
    return not any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in value)


def _must_be_spoken(block: Block) -> None:
    if block["type"] not in SPOKEN:
        raise CorrectionConflict(
            "block_without_text",
            "Only blocks of spoken or typed words can be cut or put together.",
            details={"block_id": block["block_id"], "type": block["type"]},
        )


def _check_words(name: str, value: str | None) -> None:
    if value is None and name != "text":
        return
    if not isinstance(value, str) or not is_text(value):
        raise CorrectionInvalid("text_invalid", f"{name} has to be text without NUL and lone surrogates.")
    if len(value) > _LIMITS[name]:
        raise CorrectionInvalid(
            "text_too_long",
            f"{name} may have {_LIMITS[name]} characters.",
            details={"limit": _LIMITS[name], "found": len(value)},
        )


def _put_together(first: str, second: str, joined_by: str) -> str:
    """Join two texts; a space is not put where there is white space already, or nothing to part."""
    if joined_by == " " and (not first or not second or first[-1].isspace() or second[0].isspace()):
        return first + second
    return first + joined_by + second


def _merged_data(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Join lists; elsewhere the second fills in what the first left open."""
    made = dict(first)
    for name, value in second.items():
        if isinstance(value, list) and isinstance(made.get(name), list):
            made[name] = [*made[name], *value]
        elif made.get(name) is None:
            made[name] = value
    return made
