"""From the journal to the buffer's slots: every block has one, named by its key of the order.

What an entry does to the blocks is `sessions_app.projection`'s to say, for the buffer as for the dump, the corrections
and the watchers. A key holds one block at most, and `change_of` tells of an entry which keys it fills and which it
leaves empty; so the newest writer of each key is the same in whatever order entries are mirrored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from sessions_app.buffer.slots import Block, Slot
from sessions_app.models import JournalRow, Session
from sessions_app.projection import PROJECTED_KINDS
from sessions_app.services.projecting import change_of, projected

WORK_LEASE = timedelta(minutes=15)


def journal_slots(session: Session, upto: int | None = None) -> list[Slot]:
    """Return the slots of a session, in order, as the journal (or its first `upto` entries) has them."""
    blocks = projected(session, upto=upto).ordered()
    begun = _begun(session, [block["revision"] for block in blocks if _is_in_work(block)])
    return [_slot_of(block, begun) for block in blocks]


def slots_of(row: JournalRow, session: Session) -> list[Slot]:
    """Return the slots that an entry fills, and those that it leaves empty; for a kind that shows no blocks none."""
    if row.kind not in PROJECTED_KINDS:
        return []
    change = change_of(session, row)
    filled = [_slot_of(block, {row.number: row.recorded_at}) for block in change.blocks]
    return [*filled, *(Slot(key, _score(key), row.number, [], is_gone=True) for key in change.vacated)]


def shown_rows(session: Session, numbers: Collection[int]) -> Iterator[JournalRow]:
    """Yield, in order, those of these entries that show in the blocks; the others need not be read."""
    rows = JournalRow.objects.filter(session_id=session.id, kind__in=PROJECTED_KINDS, number__in=numbers)
    yield from rows.order_by("number").iterator(chunk_size=1000)


def _slot_of(block: Block, begun: Mapping[int, datetime]) -> Slot:
    """Return the slot of a block; one in work is leased from when its entry was written."""
    key, revision = str(block["order"]), int(block["revision"])
    leased_until_ms = int((begun[revision] + WORK_LEASE).timestamp() * 1000) if _is_in_work(block) else None
    return Slot(key, _score(key), revision, [block], leased_until_ms)


def _score(key: str) -> int:
    return int(key.partition(".")[0])


def _is_in_work(block: Block) -> bool:
    return bool(block["status"] == "PROCESSING")


def _begun(session: Session, numbers: Collection[int]) -> dict[int, datetime]:
    rows = (
        JournalRow.objects.filter(session_id=session.id, number__in=numbers) if numbers else JournalRow.objects.none()
    )
    return dict(rows.values_list("number", "recorded_at"))
