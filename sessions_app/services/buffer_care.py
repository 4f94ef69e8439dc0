"""Looking after the buffers of open sessions: what is behind is brought up to date, what waits too long is looked at.

A request that meets a buffer that is behind mends it itself. The sweep is for the sessions that nobody reads at the
moment, so that their next reader finds everything there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from django.conf import settings

from astra_site.lib.clock import utc_now
from astra_site.lib.errors import Unavailable
from astra_site.lib.logs import log_context
from astra_site.lib.tenancy import tenant_scope
from jobs import services as jobs
from sessions_app.buffer.store import BufferBehind
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.services.buffering import bring_up_to_date, buffer_of, rested
from sessions_app.services.journal_slots import journal_slots
from sessions_app.services.rotation import Rotation
from sessions_app.services.waiting import inputs_after, last_understood

logger = logging.getLogger(__name__)

LOOK_AFTER_SESSION = "look_after_session"
_SESSIONS_PER_ROUND = 50
_LOOK_AGAIN = timedelta(minutes=5)
_SWEEPER = f"sweeper-{uuid4().hex}"
_PAGE = 500


_rotation = Rotation(_SESSIONS_PER_ROUND)


def sweep_buffers() -> Iterator[Callable[[], None]]:
    """Look at the next few open sessions: one round trip each where all is well. A silent Redis is left alone.

    Only sessions that were used within the buffer's time to live: the others leave Redis by themselves.
    """
    silent: Unavailable | None = None
    used_since = utc_now() - timedelta(seconds=settings.SESSION_BUFFER_TTL_S)
    in_use = Session.objects.filter(
        state__in=(State.OPEN, State.DRAINING), last_activity_at__gte=used_since, journal_length__gt=0
    )
    for session in _rotation.take(in_use):
        now_ms = int(utc_now().timestamp() * 1000)
        try:
            with rested(session):
                standing = buffer_of(session).standing(now_ms)
        except Unavailable as error:
            silent = error
            continue
        if standing.complete_to < session.journal_length:
            yield partial(_in_scope, session, bring_up)
        elif standing.expired:
            yield partial(_in_scope, session, partial(look_at_expired, slots=standing.expired, now_ms=now_ms))
    if silent is not None:
        logger.warning("Buffers were not looked at: %s", silent)


def _in_scope(session: Session, mend: Callable[[Session], object]) -> None:
    with tenant_scope(session.tenant_id), log_context(tenant_id=session.tenant_id, session_id=session.id):
        mend(session)


def bring_up(session: Session) -> None:
    """Bring a buffer up to date, unless somebody else is just rebuilding it."""
    try:
        bring_up_to_date(session)
    except BufferBehind:
        logger.info("The buffer is being rebuilt by somebody else.")


def look_at_expired(session: Session, slots: list[str], now_ms: int) -> None:
    """Look at inputs that have been in work for longer than their lease.

    Their jobs have leases of their own in the database, and are recovered by them. What only shows here is an input
    whose job has ended and whose blocks were not made (a crash at the wrong line): a job is made that does it. Each
    slot is looked at by one sweeper, and again a few minutes later.
    """
    buffer, until_ms = buffer_of(session), now_ms + int(_LOOK_AGAIN.total_seconds() * 1000)
    taken = [slot for slot in slots if buffer.claim(slot, _SWEEPER, until_ms, now_ms)]
    if taken and _has_ready_input(session):
        logger.warning("Inputs wait although they are heard: they are looked after.", extra={"slots": len(taken)})
        jobs.submit(
            LOOK_AFTER_SESSION, {}, session_id=session.id, dedup_key=f"{LOOK_AFTER_SESSION}:{session.id}:{now_ms}"
        )


def _has_ready_input(session: Session) -> bool:
    """Say whether the next input in the order has been heard and has no blocks."""
    row = inputs_after(session, last_understood(session)).first()
    if row is None:
        return False
    heard = JournalRow.objects.filter(
        session_id=session.id, sequence_id=row.sequence_id, kind__in=(EntryKind.TRANSCRIPT, EntryKind.FAILURE)
    )
    return row.kind == EntryKind.TEXT or heard.exists()


@dataclass(frozen=True, slots=True)
class BufferReport:
    """What a buffer holds beside what the journal says; blocks are named by their ids, in order."""

    entry_count: int
    slot_count: int
    block_count: int
    processing_count: int
    unseen_entry_count: int = 0
    missing: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    is_other_order: bool = False

    @property
    def is_equal(self) -> bool:
        """Whether the buffer shows exactly what the journal says."""
        return not (self.unseen_entry_count or self.missing or self.surplus or self.different or self.is_other_order)


def compare_buffer(session: Session) -> BufferReport:
    """Compare a buffer with the journal block by block; changes nothing. Raises `Unavailable`."""
    journal_length = Session.objects.values_list("journal_length", flat=True).get(pk=session.id)
    slots = journal_slots(session, upto=journal_length)
    expected = {block["block_id"]: dict(block) for slot in slots for block in slot.blocks}
    shown = _shown_blocks(session)
    unseen = sum(last - first + 1 for first, last in buffer_of(session).missing(journal_length, ranges=10_000))
    common = [block_id for block_id in expected if block_id in shown]
    return BufferReport(
        entry_count=journal_length,
        slot_count=len(slots),
        block_count=len(expected),
        processing_count=sum(slot.leased_until_ms is not None for slot in slots),
        unseen_entry_count=unseen,
        missing=[block_id for block_id in expected if block_id not in shown],
        surplus=[block_id for block_id in shown if block_id not in expected],
        different=[block_id for block_id in common if expected[block_id] != shown[block_id]],
        is_other_order=common != [block_id for block_id in shown if block_id in expected],
    )


def _shown_blocks(session: Session) -> dict[str, dict[str, Any]]:
    """Return what the buffer shows now, complete or not, by block id and in its order."""
    shown: dict[str, dict[str, Any]] = {}
    first = 0
    while True:
        page = buffer_of(session).page(first, _PAGE)
        shown |= {block["block_id"]: block for block in page.blocks}
        first += _PAGE
        if first >= page.slot_count:
            return shown
