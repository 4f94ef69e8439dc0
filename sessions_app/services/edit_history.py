"""What was done to a session's blocks, by whom and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from astra_site.lib.tenancy import get_owned
from sessions_app.blocks import ASSET_PART_BASE
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.services.corrections import block_missing, input_of, part_of
from sessions_app.services.projecting import change_of

EDITS_PER_PAGE = 200


@dataclass(frozen=True, slots=True)
class Revision:
    """One entry that changed blocks: `operation` is the correction's, or the entry's kind where nobody corrected."""

    number: int
    at: datetime
    operation: str
    actor: str | None
    edit_id: str | None = None
    before: Sequence[Any] = field(default_factory=tuple)
    after: Sequence[Any] = field(default_factory=tuple)


def edits_of(session_id: UUID, *, after: int = 0, limit: int = EDITS_PER_PAGE) -> list[Revision]:
    """Return a session's corrections in the order in which they were made, from behind entry `after`."""
    get_owned(Session, session_id)
    rows = JournalRow.objects.filter(session_id=session_id, kind=EntryKind.EDIT, number__gt=after)
    return [_correction(row) for row in rows.order_by("number")[: min(limit, EDITS_PER_PAGE)]]


def history_of(session_id: UUID, block_id: str) -> list[Revision]:
    """Return all that happened to a block, from its beginning on.

    What was cut off another block has that block's history up to the cut; what was put together has that of both. A
    block that is no more has its history too. Raises `BlockMissing` (`block_not_found`) for one that never was.
    """
    session = get_owned(Session, session_id)
    edits = JournalRow.objects.filter(session_id=session_id, kind=EntryKind.EDIT).order_by("-number")
    tracked, found = {block_id}, []
    for row in edits.iterator(chunk_size=500):
        before, after = ({block["block_id"] for block in row.payload[side]} for side in ("before", "after"))
        if tracked & (before | after):
            found.append(_correction(row))
        if tracked & after:
            tracked |= before
    found += _origins(session, tracked)
    if not found:
        raise block_missing(block_id)
    return sorted(found, key=lambda revision: revision.number)


def _origins(session: Session, block_ids: set[str]) -> list[Revision]:
    """Return the entries, other than corrections, that made these blocks."""
    inputs = {input_of(block_id) for block_id in block_ids}
    rows = JournalRow.objects.filter(
        session_id=session.id, kind__in=[EntryKind.BLOCKS, EntryKind.RECOVERED, EntryKind.REVIEW, EntryKind.INHERITED]
    )
    made = [*rows.filter(sequence_id__in=inputs), *_of_images(session, block_ids)]
    found = []
    for row in made:
        after = [block for block in change_of(session, row).blocks if block["block_id"] in block_ids]
        if after:
            found.append(Revision(row.number, row.recorded_at, str(row.kind), row.actor, after=after))
    return found


def _of_images(session: Session, block_ids: set[str]) -> list[JournalRow]:
    kinds = [EntryKind.ASSET, EntryKind.INHERITED]
    rows = JournalRow.objects.filter(session_id=session.id, kind__in=kinds, sequence_id=None)
    return list(rows) if any(part_of(block_id) > ASSET_PART_BASE for block_id in block_ids) else []


def _correction(row: JournalRow) -> Revision:
    payload = row.payload
    return Revision(
        number=row.number,
        at=row.recorded_at,
        operation=payload["operation"],
        actor=row.actor,
        edit_id=payload["edit_id"],
        before=payload["before"],
        after=payload["after"],
    )
