"""The clerk's corrections: decided under the session's row lock, kept as entries of its journal.

Every block shows the number of the entry that last changed it. A correction names the numbers it was made from; if one
of them is not the present one, somebody else was first, and nothing is changed. So of two corrections of one block at
the same time exactly one is made. Who was first is decided by the lock of the session's row, nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never
from uuid import UUID

from django.db import transaction

from astra_site.lib.tenancy import get_owned
from sessions_app.block_order import key_after, key_before
from sessions_app.corrections import Correction, Edit, Merge, Move, Restrict, Retype, Split
from sessions_app.corrections.retyping import retyped
from sessions_app.corrections.spans import Word, spans_of
from sessions_app.corrections.wording import edited, merged, restricted, split
from sessions_app.errors import BlockMissing, CorrectionConflict, CorrectionInvalid
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.projection import Block, Projection, place_of
from sessions_app.services.journal import NewEntry, lock_for_entry, write
from sessions_app.services.pins import pins_of
from sessions_app.services.projecting import projected
from sessions_app.services.word_times import word_times

_CORRECTABLE = (State.OPEN, State.DRAINING)
_BLOCK_ID = re.compile(r"([0-9]{1,7})\.([0-9]{1,7})\Z")
_EDIT_ID = re.compile(r"[\x21-\x7e]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction came to: the blocks as they are now, the ids that are no more, the entry that says so.

    `number` is None when the correction changed nothing: then nothing is in the journal. `is_repeat` says that this
    `edit_id` was answered before; the answer is the same.
    """

    operation: str
    number: int | None
    blocks: Sequence[Mapping[str, Any]]
    removed: Sequence[str]
    is_repeat: bool = False

    @classmethod
    def of(cls, row: JournalRow, *, is_repeat: bool = False) -> Corrected:
        """Return what an entry says."""
        before, after = ([block["block_id"] for block in row.payload[side]] for side in ("before", "after"))
        removed = [block_id for block_id in before if block_id not in after]
        return cls(row.payload["operation"], row.number, row.payload["after"], removed, is_repeat)


def correct(session_id: UUID, correction: Correction, *, actor: str) -> Corrected:
    """Make a correction, or say why not.

    Raises, and changes nothing then:
    `Forbidden`, `NotFound` for the session; `BlockMissing` (`block_not_found`); `CorrectionInvalid` (see
    `sessions_app.corrections`); `CorrectionConflict`: `block_changed` with the block as it is now (None if it is no
    more), `block_processing`, `blocks_not_neighbours`, `block_without_text`, `merge_mixes_data`, `edit_id_reused`;
    `SessionStateConflict` (`session_not_open`) once the minutes are being made.
    """
    get_owned(Session, session_id)
    _check(correction)
    known = _known(session_id, correction)
    if known is not None:
        return known
    with transaction.atomic():
        session = lock_for_entry(session_id, _CORRECTABLE)
        known = _known(session_id, correction)
        if known is not None:
            return known
        return _make(session, correction, actor)


def current_block(session_id: UUID, block_id: str) -> Block:
    """Return a block as it is now. Raises as `get_owned`, and `BlockMissing` (`block_not_found`)."""
    session = get_owned(Session, session_id)
    return _found(projected(session, [input_of(block_id)]), block_id)


def _make(session: Session, correction: Correction, actor: str) -> Corrected:
    projection = _read(session, correction)
    block = _present(session, projection, correction, correction.block_id)
    if isinstance(correction.operation, Merge):
        other = _present(session, projection, correction, correction.operation.other_block_id)
        before = sorted((block, other), key=place_of)
    else:
        before = [block]
    after = _after(session, projection, correction, before)
    if [_content(one) for one in before] == [_content(one) for one in after]:
        return Corrected(correction.name, None, after, [])
    number = session.journal_length + 1
    payload = {
        "operation": correction.name,
        "edit_id": correction.edit_id,
        "based_on": dict(correction.based_on),
        "before": [dict(one) for one in before],
        "after": [{**one, "revision": number} for one in after],
    }
    return Corrected.of(write(session, NewEntry(EntryKind.EDIT, payload, None, actor, content=correction.fingerprint)))


def _after(
    session: Session, projection: Projection, correction: Correction, before: Sequence[Block]
) -> Sequence[Mapping[str, Any]]:
    """Return what the blocks become."""
    block, operation = before[0], correction.operation
    match operation:
        case Edit():
            return [edited(block, operation, pins_of(session))]
        case Split():
            order = key_after(block, projection.order_keys())
            part = projection.next_split_part(block["sequence_id"])
            return split(block, operation, _words(session, block), order=order, part=part)
        case Merge():
            if not projection.are_neighbours(*before):
                raise CorrectionConflict(
                    "blocks_not_neighbours",
                    "Only blocks that stand beside each other in the document can be put together: move one first.",
                    details={"block_ids": [one["block_id"] for one in before]},
                )
            return [merged(before[0], before[1], operation)]
        case Move():
            anchor = _found(projection, operation.anchor)
            key_beside = key_after if operation.after else key_before
            taken = (key for key in projection.order_keys() if key != block["order"])
            return [{**block, "order": key_beside(anchor, taken)}]
        case Retype():
            return [retyped(block, operation, pins_of(session))]
        case Restrict():
            return [restricted(block, operation)]
    assert_never(operation)


def _check(correction: Correction) -> None:
    """Refuse what can be refused without looking at the session's blocks."""
    operation = correction.operation
    named = {correction.block_id}
    if isinstance(operation, Merge):
        named.add(operation.other_block_id)
    if isinstance(operation, Move) and (operation.after is None) == (operation.before is None):
        raise CorrectionInvalid("move_ambiguous", "Say either after or before which block it is to stand.")
    anchor = operation.other_block_id if isinstance(operation, Merge) else getattr(operation, "anchor", None)
    if anchor == correction.block_id:
        raise CorrectionInvalid("block_named_twice", "A block can't be put together with itself or beside itself.")
    if not named <= correction.based_on.keys():
        raise CorrectionInvalid(
            "revision_missing",
            "Say on which revision of each block the correction is based.",
            details={"block_ids": sorted(named - correction.based_on.keys())},
        )
    if correction.edit_id is not None and not _EDIT_ID.match(correction.edit_id):
        raise CorrectionInvalid("edit_id_invalid", "edit_id has 1 to 64 printable ASCII characters, no spaces.")


def _known(session_id: UUID, correction: Correction) -> Corrected | None:
    """Return what was answered to this `edit_id` before; refuse one that meant something else."""
    if correction.edit_id is None:
        return None
    rows = JournalRow.objects.filter(session_id=session_id, kind=EntryKind.EDIT, payload__edit_id=correction.edit_id)
    row: JournalRow | None = rows.first()
    if row is None:
        return None
    if row.content_sha256 != str(correction.fingerprint):
        raise CorrectionConflict(
            "edit_id_reused",
            "This edit_id was used before for another correction; that one stays. Use a new one for each.",
            details={"number": row.number},
        )
    return Corrected.of(row, is_repeat=True)


def _read(session: Session, correction: Correction) -> Projection:
    """Return the blocks that the correction can have to do with, and not those of a whole day."""
    operation, named = correction.operation, [correction.block_id]
    if isinstance(operation, Move):
        named.append(operation.anchor)
    if isinstance(operation, Merge):
        named.append(operation.other_block_id)
    projection = projected(session, {input_of(block_id) for block_id in named})
    if not isinstance(operation, Merge):
        return projection
    blocks = [block for block in map(projection.get, named) if block is not None]
    places = [int(block["order"].partition(".")[0]) for block in blocks]
    between = range(min(places), max(places) + 1) if places else range(0)
    return projected(session, {*between, *(block["sequence_id"] for block in blocks)})


def input_of(block_id: str) -> int:
    """Return the number of the input that a block comes from; raise `BlockMissing` for what is no id of a block."""
    return _numbers_of(block_id)[0]


def part_of(block_id: str) -> int:
    """Return which part of its input a block is; raises as `input_of`."""
    return _numbers_of(block_id)[1]


def _numbers_of(block_id: str) -> tuple[int, int]:
    match = _BLOCK_ID.match(block_id)
    if match is None:
        raise block_missing(block_id)
    return int(match.group(1)), int(match.group(2))


def _found(projection: Projection, block_id: str) -> Block:
    block = projection.get(block_id)
    if block is None:
        raise block_missing(block_id)
    return block


def block_missing(block_id: str) -> BlockMissing:
    """Return the error of an id that no block of the session has or had."""
    return BlockMissing(
        "block_not_found", "The session has no block with this id.", details={"block_id": block_id[:40]}
    )


def _present(session: Session, projection: Projection, correction: Correction, block_id: str) -> Block:
    """Return the block if it is the one that the person saw."""
    block = projection.get(block_id)
    if block is None:
        taken_up = _taken_up(session, block_id)
        if taken_up is None:
            raise block_missing(block_id)
        raise _changed(block_id, None, taken_up)
    if block["revision"] != correction.based_on[block_id]:
        raise _changed(block_id, block, ())
    if block["status"] == "PROCESSING":
        raise CorrectionConflict(
            "block_processing",
            "This audio is being worked on: its block can be corrected as soon as it is there.",
            details={"block_id": block_id},
        )
    return block


def _taken_up(session: Session, block_id: str) -> Sequence[Mapping[str, Any]] | None:
    """Return the blocks that a correction made of a block that is no more; None if there never was one."""
    rows = JournalRow.objects.filter(
        session_id=session.id, kind=EntryKind.EDIT, payload__before__contains=[{"block_id": block_id}]
    )
    row: JournalRow | None = rows.order_by("-number").first()
    return None if row is None else row.payload["after"]


def _changed(
    block_id: str, block: Mapping[str, Any] | None, taken_up: Sequence[Mapping[str, Any]]
) -> CorrectionConflict:
    return CorrectionConflict(
        "block_changed",
        "Somebody changed this block meanwhile. Look at it as it is now, and correct that.",
        details={
            "block_id": block_id,
            "block": dict(block) if block else None,
            "replaced_by": [dict(one) for one in taken_up],
        },
    )


def _content(block: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in block.items() if name != "revision"}


def _words(session: Session, block: Block) -> Sequence[Word]:
    """Return when the words of a block were spoken, where the transcript says so."""
    spans = spans_of(block)
    if len(spans) != 1:
        return ()
    span = spans[0]
    words = word_times(session, span["sequence_id"], span["sha256"])
    return [word for word in words if span["start_ms"] <= word[0] and word[1] <= span["end_ms"]]
