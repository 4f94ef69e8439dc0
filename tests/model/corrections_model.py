"""What a clerk's correction does to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sessions_app.corrections import Edit, Merge, Move, Operation, Restrict, Retype, Split
from tests.model import places
from tests.model.council_model import SPLIT_PART, Block, Refusal, SessionModel

_SPOKEN = ("TEMPLATE", "TEXT")


def correct(model: SessionModel, block_id: str, operation: Operation, *, is_stale: bool) -> None:
    """Correct a block that is there. `is_stale`: the clerk looked at an older revision of it."""
    if isinstance(operation, Merge) and operation.other_block_id == block_id:
        raise Refusal("block_named_twice")
    if isinstance(operation, Move) and operation.anchor == block_id:
        raise Refusal("block_named_twice")
    if model.state not in ("OPEN", "DRAINING"):
        raise Refusal("session_abandoned" if model.state == "ABANDONED" else "session_not_open")
    block = model.block(block_id)
    named = [block, *([model.block(operation.other_block_id)] if isinstance(operation, Merge) else [])]
    for one in named:
        if is_stale and one is block:
            raise Refusal("block_changed")
        if one.status == "PROCESSING":
            raise Refusal("block_processing")
    match operation:
        case Edit():
            _put(model, _edited(block, operation.changes))
        case Restrict():
            _put(model, replace(block, restricted=operation.restricted))
        case Retype():
            if block.type not in _SPOKEN:
                raise Refusal("block_without_text")
        case Move():
            _move(model, block, operation)
        case Split():
            _split(model, block, operation.at)
        case Merge():
            _merge(model, *named)


def _edited(block: Block, changes: Mapping[str, Any]) -> Block:
    """An image's words are its caption, which the model does not know."""
    shown = {name: value for name, value in changes.items() if name != "text" or block.type != "IMAGE"}
    return replace(block, **shown)


def _move(model: SessionModel, block: Block, operation: Move) -> None:
    anchor = model.block(operation.anchor)
    taken = [other.place for other in model.blocks() if other is not block]
    if operation.after is not None:
        place = places.behind(anchor.place, taken, is_unfinished=anchor.status == "PROCESSING")
    else:
        place = places.before(anchor.place, taken)
    _put(model, replace(block, place=place))


def _split(model: SessionModel, block: Block, at: int) -> None:
    if block.type not in _SPOKEN:
        raise Refusal("block_without_text")
    first, second = block.text[:at], block.text[at:]
    if not first.strip() or not second.strip():
        raise Refusal("split_outside_text")
    part = model.splits.get(block.sequence_id, SPLIT_PART) + 1
    taken = [other.place for other in model.blocks()]
    place = places.behind(block.place, taken, is_unfinished=False)
    model.splits[block.sequence_id] = part
    _put(model, replace(block, text=first))
    _put(model, replace(block, block_id=f"{block.sequence_id}.{part}", text=second, place=place))


def _merge(model: SessionModel, one: Block, other: Block) -> None:
    standing = [block.block_id for block in model.blocks()]
    first, second = sorted((one, other), key=lambda block: standing.index(block.block_id))
    if standing.index(second.block_id) != standing.index(first.block_id) + 1:
        raise Refusal("blocks_not_neighbours")
    if first.type not in _SPOKEN or second.type not in _SPOKEN:
        raise Refusal("block_without_text")
    parted = not first.text or not second.text or first.text[-1].isspace() or second.text[0].isspace()
    text = first.text + ("" if parted else " ") + second.text
    _put(model, replace(first, text=text, restricted=first.restricted or second.restricted))
    model.gone.add(second.block_id)


def _put(model: SessionModel, block: Block) -> None:
    model.corrected[block.block_id] = block
