"""Wake-ups over Redis publish/subscribe: one connection per event loop, any number of waiters.

A wake-up may be lost (Redis down, emptied, reconnecting): whoever waits must look again by itself from time to time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

_RECONNECT_S = 1.0
_CONNECT_TIMEOUT_S = 1.0
_LISTEN_S = 1.0


class WakeUps:
    """Subscriptions of one event loop. The connection is opened with the first waiter and closed after the last."""

    def __init__(self, url: str) -> None:
        """Remember the address; nothing is opened yet."""
        self._url = url
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._changed = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def of(self, channel: str) -> AsyncIterator[asyncio.Event]:
        """Yield an event that is set by every message on the channel, and once the subscription is in force."""
        woken = asyncio.Event()
        self._waiting.setdefault(channel, set()).add(woken)
        self._changed.set()
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        try:
            yield woken
        finally:
            self._waiting[channel].discard(woken)
            if not self._waiting[channel]:
                del self._waiting[channel]
            self._changed.set()

    async def _listen(self) -> None:
        """Keep the subscriptions as they are wanted until nobody waits any more."""
        while self._waiting:
            try:
                await self._listen_once()
            except (RedisError, OSError) as error:
                logger.warning("Wake-ups are off for a moment: %s", error)
                await asyncio.sleep(_RECONNECT_S)

    async def _listen_once(self) -> None:
        client = redis.asyncio.Redis.from_url(
            self._url, socket_connect_timeout=_CONNECT_TIMEOUT_S, decode_responses=True
        )
        reading: asyncio.Task[dict[str, str] | None] | None = None
        try:
            async with client.pubsub() as pubsub:
                subscribed: set[str] = set()
                while self._waiting:
                    await self._follow(pubsub, subscribed)
                    # A reading that has begun is never cancelled while the connection is in use: it may hold a message.
                    reading = reading or asyncio.create_task(pubsub.get_message(timeout=_LISTEN_S))
                    changed = asyncio.create_task(self._changed.wait())
                    await asyncio.wait({reading, changed}, return_when=asyncio.FIRST_COMPLETED)
                    changed.cancel()
                    if reading.done():
                        self._wake(reading.result())
                        reading = None
        finally:
            if reading is not None:
                reading.cancel()
            with contextlib.suppress(RedisError, OSError):
                await client.aclose()

    async def _follow(self, pubsub: redis.asyncio.client.PubSub, subscribed: set[str]) -> None:
        self._changed.clear()
        wanted = set(self._waiting)
        if new := wanted - subscribed:
            await pubsub.subscribe(*new)
        if gone := subscribed - wanted:
            await pubsub.unsubscribe(*gone)
        subscribed ^= new | gone

    def _wake(self, message: dict[str, str] | None) -> None:
        if message and message["type"] in ("message", "subscribe"):
            for woken in self._waiting.get(message["channel"], ()):
                woken.set()


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, WakeUps] = WeakKeyDictionary()


def wake_ups() -> WakeUps:
    """Return the wake-ups of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = WakeUps(settings.REDIS_URL)
    return _by_loop[loop]
