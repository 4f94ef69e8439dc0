"""From the journal to the blocks of the document: the one place that says what an entry does to them. Pure.

Entries are applied in the order of their numbers. The buffer, the dump and the corrections all read blocks from here,
so that they can't differ.

**Who wins.** The newest result of an input stands: blocks replace the block in work, recovered ones the pending one. A
clerk's correction stands over every result that comes later for the same input. One exception keeps words from getting
lost: as long as an input has no text, and the clerk only said where it goes and what holds for it (moved, restricted,
speaker, topic, zone), the text that is found later takes that place and keeps what was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sessions_app.block_order import key_of, keys_within
from sessions_app.blocks import SPLIT_PART_BASE, image_block, processing_block

Block = Mapping[str, Any]

ATTRIBUTES = ("order", "restricted", "speaker", "topic", "target_placeholder")
"""What can be said of a block before there are words in it."""

_INPUTS = frozenset({"audio", "recording", "text"})
_RESULTS = frozenset({"blocks", "recovered", "review"})
_OF_NO_INPUT = frozenset({"IMAGE", "SYSTEM_NOTE"})
"""Blocks that stay when the words of an input are replaced: a pause before it is a pause whatever is heard later."""
PROJECTED_KINDS = (*sorted(_INPUTS | _RESULTS), "asset", "edit", "inherited")
"""The kinds of entries that change blocks; others may be left out."""


class Entry(Protocol):
    """What is read of a journal entry; a `JournalRow` is one."""

    number: int
    kind: str
    sequence_id: int | None
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What one entry did: the ids that are no more, and the blocks that are new or other than before.

    `vacated` are the keys of the order at which nothing stands any more. At a key there is never more than one block,
    so whoever keeps blocks by their key, each with the number of the entry that wrote it last, may apply changes in any
    order: what the highest number says of a key stands.
    """

    removed: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    vacated: tuple[str, ...] = ()


class Projection:
    """The blocks of a session after the entries that were applied.

    Every block carries `order` (it sorts as text) and `revision` (the number of the entry that last changed it).
    Reading only some inputs is allowed: with all corrections and all other entries of these inputs, their blocks are
    right.
    """

    def __init__(self, image_zone: str) -> None:
        """Start without blocks; `image_zone` is where images go."""
        self._image_zone = image_zone
        self._live: dict[str, Block] = {}
        self._of_input: dict[int, set[str]] = {}
        self._settled: set[int] = set()
        self._said: dict[int, dict[str, Any]] = {}
        self._splits: dict[int, int] = {}

    def apply(self, entry: Entry) -> Change:
        """Apply the next entry and return what it changed. Kinds that change no blocks change nothing."""
        sequence_id, payload = entry.sequence_id, entry.payload
        if entry.kind in _INPUTS and sequence_id is not None:
            return self._replace(entry, self._ids_of(sequence_id), [processing_block(sequence_id)])
        if entry.kind in _RESULTS and sequence_id is not None and "blocks" in payload:
            return self._result(entry, sequence_id, payload["blocks"])
        if entry.kind == "asset":
            after, number = payload["after_sequence_id"], payload["number"]
            block = image_block(after, number, payload, self._image_zone, payload["restricted"])
            return self._replace(entry, (), [block])
        if entry.kind == "inherited":
            return self._replace(entry, (), payload.get("blocks", ()))
        if entry.kind == "edit":
            return self._edit(entry)
        return Change()

    def assume(self, blocks: Iterable[Block]) -> None:
        """Take blocks as they are, without the entries that made them."""
        for block in blocks:
            self._put({**block, "order": key_of(block)})

    def ordered(self) -> list[dict[str, Any]]:
        """Return the blocks in the order of the document, as copies."""
        return [dict(block) for block in sorted(self._live.values(), key=place_of)]

    def get(self, block_id: str) -> Block | None:
        """Return a block that is there now."""
        return self._live.get(block_id)

    def order_keys(self) -> list[str]:
        """Return the keys of the order that are in use."""
        return [key_of(block) for block in self._live.values()]

    def are_neighbours(self, first: Block, second: Block) -> bool:
        """Say whether nothing stands between two blocks, given in their order."""
        low, high = place_of(first), place_of(second)
        return not any(low < place_of(block) < high for block in self._live.values())

    def is_settled(self, sequence_id: int) -> bool:
        """Say whether a clerk's correction stands over every result that may still come for an input."""
        return sequence_id in self._settled

    def next_split_part(self, sequence_id: int) -> int:
        """Return the part number of the next block that is cut off one of an input; none is used twice."""
        return self._splits.get(sequence_id, SPLIT_PART_BASE) + 1

    def _result(self, entry: Entry, sequence_id: int, blocks: Iterable[Block]) -> Change:
        if sequence_id in self._settled:
            return Change()
        said = self._said.get(sequence_id)
        if entry.kind != "blocks":
            blocks = [block for block in blocks if block["type"] not in _OF_NO_INPUT]
        return self._replace(entry, self._ids_of(sequence_id), _as_said(list(blocks), said) if said else blocks)

    def _edit(self, entry: Entry) -> Change:
        before, after = entry.payload["before"], entry.payload["after"]
        spoken = [block for block in before if block["type"] not in _OF_NO_INPUT]
        said = _only_said(spoken, after)
        for block in spoken:
            sequence_id = block["sequence_id"]
            if said is not None and self._ids_of(sequence_id) <= {block["block_id"]}:
                self._said.setdefault(sequence_id, {}).update(said)
            else:
                self._settled.add(sequence_id)
        return self._replace(entry, [block["block_id"] for block in before], after)

    def _replace(self, entry: Entry, old: Iterable[str], new: Iterable[Block]) -> Change:
        gone = {block_id: self._live.pop(block_id) for block_id in list(old) if block_id in self._live}
        for block_id, block in gone.items():
            self._of_input.get(block["sequence_id"], set()).discard(block_id)
        placed = tuple({**block, "order": key_of(block), "revision": entry.number} for block in new)
        for block in placed:
            self._put(block)
        removed = gone.keys() - {block["block_id"] for block in placed}
        vacated = {key_of(block) for block in gone.values()} - {key_of(block) for block in placed}
        return Change(tuple(sorted(removed)), placed, tuple(sorted(vacated)))

    def _put(self, block: Block) -> None:
        sequence_id, part = block["sequence_id"], block["part"]
        self._live[block["block_id"]] = block
        if block["type"] not in _OF_NO_INPUT:
            self._of_input.setdefault(sequence_id, set()).add(block["block_id"])
        if part > SPLIT_PART_BASE:
            self._splits[sequence_id] = max(part, self._splits.get(sequence_id, 0))

    def _ids_of(self, sequence_id: int) -> set[str]:
        """Return the ids of the blocks that come from an input, wherever they stand; see `_OF_NO_INPUT`."""
        return set(self._of_input.get(sequence_id, ()))


def project(entries: Iterable[Entry], image_zone: str) -> list[dict[str, Any]]:
    """Return the blocks of a session in the order of the document, from its entries in the order of their numbers."""
    projection = Projection(image_zone)
    for entry in entries:
        projection.apply(entry)
    return projection.ordered()


def place_of(block: Block) -> tuple[str, int, int]:
    """Return what blocks sort by: the key of the order; the natural place decides between equal ones."""
    return key_of(block), block["sequence_id"], block["part"]


def sealed_form(block: Block) -> dict[str, Any]:
    """Return a block as the dump has it: with its place, without its revision, which the order of arrival decides."""
    return {**{name: value for name, value in block.items() if name != "revision"}, "order": key_of(block)}


def _only_said(before: list[Block], after: list[Block]) -> dict[str, Any] | None:
    """Return what a correction said of one block without touching its content; None for every other correction."""
    if len(before) != 1 or len(after) != 1 or before[0]["type"] != "AUDIO_PENDING":
        return None
    old, new = before[0], after[0]
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} - {"revision"}
    if old["block_id"] != new["block_id"] or not changed <= set(ATTRIBUTES):
        return None
    return {name: new.get(name) for name in changed}


def _as_said(blocks: list[Block], said: Mapping[str, Any]) -> list[Block]:
    """Return blocks that take the place of a pending one of which somebody had said something."""
    same = {name: value for name, value in said.items() if name != "order"}
    keys = keys_within(said["order"], len(blocks)) if "order" in said else [key_of(block) for block in blocks]
    return [{**block, **same, "order": key} for block, key in zip(blocks, keys, strict=True)]
