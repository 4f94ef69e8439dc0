"""Telling a watcher what happens in a session, as fast as it reads and no faster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import UUID

from astra_site.lib.rpc.lifetime import Lifetime
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.messages import event_message
from sessions_app.services.events import watch


async def tell_events(
    session_id: UUID, after: int, lifetime: Lifetime, send: Callable[[pb.SessionEvent], Awaitable[None]]
) -> None:
    """Send every event after number `after`, and then what happens, until the session is closed.

    The next event is read when the last one was sent: a slow reader holds up its own events and nothing else. Raises
    as `watch` and `Lifetime.next`.
    """
    async with aclosing(watch(session_id, after)) as events:
        while True:
            try:
                event = await lifetime.next(anext(events))
            except StopAsyncIteration:
                return
            await send(event_message(event))
