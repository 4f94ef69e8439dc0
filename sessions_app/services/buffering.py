"""Keeping the Redis buffer in step with the journal, and bringing it up to date when it is behind."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from django.conf import settings
from redis.crc import key_slot

from astra_site.lib.clock import utc_now
from astra_site.lib.errors import Unavailable
from astra_site.lib.redis_client import session_redis
from sessions_app.buffer.slots import Page, Slot
from sessions_app.buffer.store import BufferBehind, SessionBuffer
from sessions_app.models import JournalRow, Session
from sessions_app.services.events import channel_of
from sessions_app.services.journal_slots import journal_slots, shown_rows, slots_of

__all__ = ["buffer_of", "journal_slots", "open_buffer", "read_page", "show_in_buffer", "slots_of"]

logger = logging.getLogger(__name__)

_FEW = 64
"""So many entries are brought up one by one; for more of them everything is written anew."""
_SLOW_S = 0.25
_REST_S = 2.0


def buffer_of(session: Session) -> SessionBuffer:
    """Return the buffer of a session. Raises `Unavailable` when no node of a cluster answers."""
    return SessionBuffer(session_redis(), session.id, settings.SESSION_BUFFER_TTL_S)


def open_buffer(session: Session) -> None:
    """Show what a session begins with. Redis may be down: its first reader does it then."""
    try:
        bring_up_to_date(session)
    except Unavailable:
        logger.warning("The session starts without a buffer: Redis does not answer.")


def show_in_buffer(session: Session, row: JournalRow) -> None:
    """Mirror a journal entry that was just committed and wake who watches: one round trip for both.

    Never raises for Redis: what was acknowledged is in the journal, and the next reader brings the buffer up to date.
    """
    try:
        with rested(session):
            buffer_of(session).apply(row.number, row.number, slots_of(row, session), channel_of(session.id))
    except Unavailable:
        logger.warning(
            "An entry is not in the buffer: Redis does not answer.",
            extra={"session_id": str(session.pk), "entry": row.number},
        )


def read_page(session: Session, first: int, limit: int) -> Page:
    """Return a page of the session's blocks with every entry that `session` knows of.

    A buffer that has missed entries (Redis was emptied, a process died between commit and mirror) is brought up to
    date first. Where Redis does not answer, or somebody else is rebuilding, the journal answers.
    """
    try:
        with rested(session):
            try:
                return buffer_of(session).page(first, limit, session.journal_length)
            except BufferBehind:
                bring_up_to_date(session)
                return buffer_of(session).page(first, limit, session.journal_length)
    except Unavailable as error:
        logger.warning("Blocks are read from the journal: %s", error.code)
        slots = journal_slots(session)
        blocks = [dict(block) for slot in slots[first : first + limit] for block in slot.blocks]
        return Page(blocks, len(slots), sum(slot.leased_until_ms is not None for slot in slots))


def bring_up_to_date(session: Session) -> int:
    """Let the buffer see every entry that the journal has now; return how many it had missed.

    A few are applied one by one; where more are missing the buffer is written anew. Raises `BufferBehind` when
    somebody else is rebuilding it, and `Unavailable`.
    """
    journal_length = Session.objects.values_list("journal_length", flat=True).get(pk=session.id)
    buffer = buffer_of(session)
    ranges = buffer.missing(journal_length, _FEW)
    missing = [number for first, last in ranges for number in range(first, min(last, first + _FEW) + 1)]
    if not missing:
        return 0
    if len(missing) > _FEW:
        rebuild_buffer(session)
        return sum(last - first + 1 for first, last in ranges)
    slots: dict[int, list[Slot]] = {number: [] for number in missing}
    for row in shown_rows(session, missing):
        slots[row.number] = slots_of(row, session)
    for number in missing:
        buffer.apply(number, number, slots[number])
    logger.info("The buffer was brought up to date.", extra={"entries": len(missing)})
    return len(missing)


def rebuild_buffer(session: Session) -> int:
    """Write the whole buffer anew from the journal; return the number of slots. Raises as `bring_up_to_date`."""
    journal_length = Session.objects.values_list("journal_length", flat=True).get(pk=session.id)
    now_ms = int(utc_now().timestamp() * 1000)
    slots = journal_slots(session)
    buffer_of(session).rebuild(slots, journal_length, now_ms)
    logger.info("The buffer was built from the journal.", extra={"slots": len(slots)})
    return len(slots)


_rests: dict[int, float] = {}
"""Until when (monotonic, s) a part of the session Redis is left alone that kept us waiting."""


@contextmanager
def rested(session: Session) -> Iterator[None]:
    """Let Redis rest after a call that failed slowly: nobody waits for a dead one at every input."""
    started_s = monotonic()
    # Neighbouring hash slots live on one node: the other nodes of a cluster go on.
    is_cluster = "+cluster" in settings.SESSION_REDIS_URL
    part = key_slot(str(session.id).encode()) // 1024 if is_cluster else 0
    if started_s < _rests.get(part, 0.0):
        raise Unavailable("redis_unavailable", "Redis did not answer a moment ago; nothing is lost.")
    try:
        yield
    except BufferBehind:
        raise
    except Unavailable:
        if monotonic() - started_s > _SLOW_S:
            _rests[part] = monotonic() + _REST_S
        raise
