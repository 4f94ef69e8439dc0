"""Wake-ups over Redis publish/subscribe: one connection per event loop, any number of waiters.

A wake-up may be lost (Redis down, emptied, reconnecting): whoever waits must look again by itself from time to time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any
from weakref import WeakKeyDictionary

import redis.asyncio
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from astra_site.lib.redis_client import session_redis_nodes

logger = logging.getLogger(__name__)

_RECONNECT_S = 1.0
_CONNECT_TIMEOUT_S = 1.0
_LISTEN_S = 1.0
_HEALTH_CHECK_S = 15.0


class WakeUps:
    """Subscriptions of one event loop. The connection is opened with the first waiter and closed after the last."""

    def __init__(self, addresses: Sequence[str]) -> None:
        """Remember the addresses, tried in turn: one of each node of a cluster. Nothing is opened yet."""
        self._addresses = cycle(addresses)
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._in_force: set[str] = set()
        # These two hold on to the loop, so they go when nobody waits: else no loop that ended could be forgotten.
        self._changed: asyncio.Event | None = None
        self._listener: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def of(self, channel: str) -> AsyncIterator[asyncio.Event]:
        """Yield an event that is set by every message on the channel, and once the subscription is in force.

        It is set too when the subscription is renewed after an interruption: messages may have been lost. When the
        last waiter has left there is no task and no connection any more.
        """
        woken = asyncio.Event()
        self._waiting.setdefault(channel, set()).add(woken)
        if channel in self._in_force:
            woken.set()
        if self._listener is None or self._listener.done():
            self._changed = asyncio.Event()
            self._listener = asyncio.create_task(self._listen(self._changed), name="wake-ups")
        elif self._changed is not None:
            self._changed.set()
        try:
            yield woken
        finally:
            await self._leave(channel, woken)

    async def _leave(self, channel: str, woken: asyncio.Event) -> None:
        self._waiting[channel].discard(woken)
        if not self._waiting[channel]:
            del self._waiting[channel]
        if self._waiting:
            if self._changed is not None:
                self._changed.set()
            return
        listener, self._listener, self._changed = self._listener, None, None
        await _ended(listener)

    async def _listen(self, changed: asyncio.Event) -> None:
        """Keep the subscriptions as they are wanted until nobody waits any more."""
        while self._waiting:
            try:
                await self._listen_once(next(self._addresses), changed)
            except (RedisError, OSError) as error:
                logger.warning("Wake-ups are off for a moment: %s", error)
                await asyncio.sleep(_RECONNECT_S)

    async def _listen_once(self, address: str, changed: asyncio.Event) -> None:
        client = redis.asyncio.Redis.from_url(
            address,
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            health_check_interval=_HEALTH_CHECK_S,
            decode_responses=True,
        )
        pubsub = client.pubsub()
        subscribed: set[str] = set()
        self._in_force = in_force = set[str]()
        reading: asyncio.Task[Any] | None = None
        waiting: asyncio.Task[Any] | None = None
        try:
            while self._waiting:
                await self._follow(pubsub, subscribed, in_force, changed)
                # A reading that has begun is never cancelled while the connection is in use: it may hold a message.
                reading = reading or asyncio.create_task(pubsub.get_message(timeout=_LISTEN_S))
                waiting = asyncio.create_task(changed.wait())
                await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
                await _ended(waiting)
                if reading.done():
                    message, reading = reading.result(), None
                    self._take(message, in_force)
        finally:
            in_force.clear()
            try:
                await _ended(reading, waiting)
            finally:
                await _hang_up(pubsub, client)

    async def _follow(self, pubsub: PubSub, subscribed: set[str], in_force: set[str], changed: asyncio.Event) -> None:
        changed.clear()
        wanted = set(self._waiting)
        if new := wanted - subscribed:
            await pubsub.subscribe(*new)
        if gone := subscribed - wanted:
            in_force -= gone
            await pubsub.unsubscribe(*gone)
        subscribed ^= new | gone

    def _take(self, message: dict[str, str] | None, in_force: set[str]) -> None:
        if message is None or message["type"] not in ("message", "subscribe"):
            return
        channel = message["channel"]
        if message["type"] == "subscribe" and channel in self._waiting:
            in_force.add(channel)
        for woken in self._waiting.get(channel, ()):
            woken.set()


async def _ended(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and return when they have ended; what they raised then concerns nobody."""
    started = [task for task in tasks if task is not None]
    for task in started:
        task.cancel()
    await asyncio.gather(*started, return_exceptions=True)


async def _hang_up(pubsub: PubSub, client: redis.asyncio.Redis) -> None:
    """Close the connection also when this is cancelled: one that is forgotten is never closed."""
    with contextlib.suppress(RedisError, OSError):
        try:
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py: untyped
        finally:
            await client.aclose()


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, WakeUps] = WeakKeyDictionary()


def wake_ups() -> WakeUps:
    """Return the wake-ups of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = WakeUps(session_redis_nodes())
    return _by_loop[loop]
