"""Waiting for what becomes of an input, without holding a thread or a database connection meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any
from uuid import UUID

from django.db import DatabaseError

from astra_site.lib.threads import in_thread
from astra_site.lib.wake_ups import wake_ups
from sessions_app.models import EntryKind, JournalRow
from sessions_app.services.events import LOOK_AGAIN_S, channel_of

logger = logging.getLogger(__name__)

_RESULTS = (EntryKind.BLOCKS, EntryKind.RECOVERED, EntryKind.REVIEW)
READY = "READY"


async def blocks_within(session_id: UUID, sequence_id: int, wait_s: float) -> list[dict[str, Any]] | None:
    """Return the blocks of an accepted input as soon as they are journaled; None when they are not within `wait_s`.

    The newest result counts. Call it in the tenant's scope. Never raises for the database or Redis: the input is
    accepted whatever becomes of the wait.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    async with wake_ups().of(channel_of(session_id)) as woken:
        while True:
            woken.clear()
            try:
                blocks = await in_thread(_blocks_of, session_id, sequence_id)
            except DatabaseError:
                logger.warning("Nobody waits for the blocks any more: the database does not answer.")
                return None
            left_s = deadline - loop.time()
            if blocks is not None or left_s <= 0:
                return blocks
            # Not `wait_for`: it loses a cancellation that comes together with the event (Python 3.11).
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, LOOK_AGAIN_S)):
                    await woken.wait()


def status_of(blocks: list[dict[str, Any]]) -> str:
    """Return `READY`, or the status of the first block that is not; silence has no blocks and is ready."""
    return next((str(block["status"]) for block in blocks if block["status"] != READY), READY)


def _blocks_of(session_id: UUID, sequence_id: int) -> list[dict[str, Any]] | None:
    results = JournalRow.objects.filter(session_id=session_id, sequence_id=sequence_id, kind__in=_RESULTS)
    newest: JournalRow | None = results.order_by("-number").first()
    return list(newest.payload["blocks"]) if newest else None
