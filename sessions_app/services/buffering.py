"""Keeping the Redis buffer in step with the journal, and rebuilding it when it is gone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from astra_site.lib.clock import iso_utc, utc_now
from astra_site.lib.errors import Unavailable
from astra_site.lib.redis_client import redis_client
from sessions_app.block_order import key_of
from sessions_app.blocks import image_block, processing_block
from sessions_app.buffer.store import BufferMissing, Page, SessionBuffer, Slot, slot_name
from sessions_app.models import SEQUENCED_INPUTS, EntryKind, JournalRow, Session
from sessions_app.services.projecting import projected

logger = logging.getLogger(__name__)

WORK_LEASE = timedelta(minutes=15)
BLOCKS_PER_SLOT = 10
_Answer = TypeVar("_Answer")


def buffer_of(session: Session) -> SessionBuffer:
    """Return the buffer of a session."""
    return SessionBuffer(redis_client(), session.id, settings.SESSION_BUFFER_TTL_S)


def open_buffer(session: Session) -> None:
    """Create the buffer of a session. Redis may be down: the buffer is then built when somebody needs it."""
    try:
        rebuild_buffer(session)
    except Unavailable:
        logger.warning("The session starts without a buffer: Redis does not answer.")


def show_in_buffer(session: Session, row: JournalRow) -> None:
    """Mirror a journal entry that was just committed.

    Never raises for Redis: what was acknowledged is in the journal, and the next reader rebuilds what is missing.
    """
    try:
        if _is_corrected(session):
            buffer_of(session).drop()
            rebuild_buffer(session)
        elif slots := slots_of(row, session):
            with_buffer(session, lambda buffer: buffer.put(slots))
    except Unavailable:
        logger.warning("An entry is not in the buffer: Redis does not answer.", extra={"entry": row.number})


def read_page(session: Session, first: int, limit: int) -> Page:
    """Return a page of the session's blocks; from the journal when Redis does not answer.

    A buffer that shows more work in progress than the journal knows has missed a result (a crash after the commit):
    it is brought up to date first.
    """
    try:
        page = with_buffer(session, lambda buffer: buffer.page(first, limit))
        if page.processing_count > waiting_inputs(session).count():
            rebuild_buffer(session)
            page = buffer_of(session).page(first, limit)
        return page
    except Unavailable:
        logger.warning("Blocks are read from the journal: Redis does not answer.")
        slots = sorted(journal_slots(session), key=lambda slot: (slot.sequence_id, slot.name))
        blocks = [dict(block) for slot in slots[first : first + limit] for block in slot.blocks]
        return Page(blocks, len(slots), sum(slot.leased_until_ms is not None for slot in slots))


def waiting_inputs(session: Session) -> QuerySet[JournalRow]:
    """Return the accepted inputs that have no blocks yet, in their order."""
    rows = JournalRow.objects.filter(session_id=session.id)
    understood = rows.filter(kind=EntryKind.BLOCKS, sequence_id=OuterRef("sequence_id"))
    waiting: QuerySet[JournalRow] = rows.filter(~Exists(understood), kind__in=SEQUENCED_INPUTS)
    return waiting.order_by("sequence_id")


def with_buffer(session: Session, call: Callable[[SessionBuffer], _Answer]) -> _Answer:
    """Call with the session's buffer; rebuild it first where it is gone. Raises `Unavailable`."""
    buffer = buffer_of(session)
    try:
        return call(buffer)
    except BufferMissing:
        rebuild_buffer(session)
        return call(buffer)


def rebuild_buffer(session: Session) -> int:
    """Write the whole buffer from the journal; returns the number of slots. Raises `Unavailable`."""
    slots = buffer_of(session).load(journal_slots(session), iso_utc(utc_now()))
    logger.info("The buffer was built from the journal.", extra={"slots": slots})
    return slots


def journal_slots(session: Session) -> Iterator[Slot]:
    """Return the slots of a session as the journal has them: the newest entry of each input wins.

    Corrections may have put any block anywhere: then every block has a slot of its own.
    """
    if _is_corrected(session):
        return (_slot_of(block) for block in projected(session).ordered())
    kinds = [*SEQUENCED_INPUTS, EntryKind.BLOCKS, EntryKind.RECOVERED, EntryKind.REVIEW, EntryKind.ASSET]
    rows = JournalRow.objects.filter(session_id=session.id, kind__in=kinds).order_by("number")
    newest: dict[str, list[Slot]] = {}
    for row in rows.iterator(chunk_size=1000):
        if slots := slots_of(row, session):
            newest[slots[0].name] = slots
    return (slot for slots in newest.values() for slot in slots)


def _is_corrected(session: Session) -> bool:
    kinds = [EntryKind.EDIT, EntryKind.INHERITED]
    found: bool = JournalRow.objects.filter(session_id=session.id, kind__in=kinds).exists()
    return found


def _slot_of(block: Mapping[str, Any]) -> Slot:
    in_work = block["status"] == "PROCESSING"
    leased_until_ms = int((utc_now() + WORK_LEASE).timestamp() * 1000) if in_work else None
    place = block["order"]
    return Slot(place, int(place.partition(".")[0]), block["revision"], [block], leased_until_ms)


def _stamped(block: Mapping[str, Any], row: JournalRow) -> dict[str, Any]:
    return {**block, "order": key_of(block), "revision": row.number}


def slots_of(row: JournalRow, session: Session) -> list[Slot]:
    """Return the slots that a journal entry fills: none, one, or for a long recording one per few blocks.

    An entry that supersedes another one fills at least its slots: pending or processing input has one.
    """
    if row.kind == EntryKind.ASSET:
        after, number = row.payload["after_sequence_id"], row.payload["number"]
        zone = session.config_version.content.get("image_zone") or session.config_version.content["default_zone"]
        block = image_block(after, number, row.payload, zone, row.payload["restricted"])
        return [Slot(slot_name(after, asset_number=number), after, row.number, [_stamped(block, row)])]
    if row.sequence_id is None:
        return []
    if row.kind in (EntryKind.BLOCKS, EntryKind.RECOVERED, EntryKind.REVIEW):
        blocks = [_stamped(block, row) for block in row.payload["blocks"]]
        starts = range(0, max(len(blocks), 1), BLOCKS_PER_SLOT)
        return [
            Slot(slot_name(row.sequence_id, piece=piece), row.sequence_id, row.number, blocks[start:][:BLOCKS_PER_SLOT])
            for piece, start in enumerate(starts)
        ]
    if row.kind in SEQUENCED_INPUTS:
        leased_until_ms = int((row.recorded_at + WORK_LEASE).timestamp() * 1000)
        block = processing_block(row.sequence_id)
        return [Slot(slot_name(row.sequence_id), row.sequence_id, row.number, [_stamped(block, row)], leased_until_ms)]
    return []
