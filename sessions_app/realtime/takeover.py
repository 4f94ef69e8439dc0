"""One live stream per session: the newest socket takes over, the older one gives way.

A client that lost its network connects again while the server still believes in the old, half-open socket. The two find
each other through the channel layer. It carries hints only: with Redis down both go on, and the journal decides about
every input as always.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from sessions_app.realtime.closing import replaced

logger = logging.getLogger(__name__)

_AGAIN_S: Final = 2.0
_AGAIN_AT_LAST_S: Final = 30.0
_SETTLED_AFTER_S: Final = 1.0
_LAYER_IS_DOWN: Final = (RedisError, OSError)
_posts: set[asyncio.Task[None]] = set()
"""Keeps running posts from being collected; each ends by itself once its socket is over."""


async def give_way(session_id: UUID) -> None:
    """Announce this socket as its session's stream; raise `Closing` when a newer one announces itself."""
    post = _Post(session_id)
    task = asyncio.create_task(post.hold())
    _posts.add(task)
    task.add_done_callback(_posts.discard)
    try:
        await post.overtaken.wait()
        raise replaced()
    finally:
        post.over.set()


@dataclass
class _Post:
    """A socket's place in the channel layer.

    It has a task of its own, which is told to end and never cancelled: a call of the layer that is cut off in the
    middle leaves the connection that all sockets of the process share in an unknown state.
    """

    session_id: UUID
    overtaken: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self) -> None:
        """Stay in the session's group until it is over, through failures of Redis."""
        pause_s = _AGAIN_S
        while not self.over.is_set():
            try:
                await self._hold_once()
            except _LAYER_IS_DOWN as error:
                logger.warning("A stream is not announced for a moment: %s", error)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self.over.wait()
                pause_s = min(2 * pause_s, _AGAIN_AT_LAST_S)

    async def _hold_once(self) -> None:
        layer = get_channel_layer()
        group = f"stream.{self.session_id.hex}"
        own_name: str = await layer.new_channel()
        receiving = asyncio.create_task(layer.receive(own_name))
        over = asyncio.create_task(self.over.wait())
        try:
            await layer.group_add(group, own_name)
            await layer.group_send(group, {"type": "stream.taken", "by": own_name})
            order = _Order(own_name, asyncio.get_running_loop().time() + _SETTLED_AFTER_S)
            while True:
                await asyncio.wait({receiving, over}, return_when=asyncio.FIRST_COMPLETED)
                if over.done():
                    return
                message, receiving = receiving.result(), asyncio.create_task(layer.receive(own_name))
                if order.is_overtaken(message["by"], asyncio.get_running_loop().time()):
                    self.overtaken.set()
        finally:
            over.cancel()
            await _forget(layer, own_name, receiving)
            await layer.group_discard(group, own_name)


@dataclass(slots=True)
class _Order:
    """Who came first, by the order of the messages; no clock of another machine is asked.

    Whoever hears another one after hearing itself is the older. Its own announcement may have left before its
    subscription was in force, so after a moment everyone else is newer.
    """

    own_name: str
    settled_at: float
    heard_itself: bool = False

    def is_overtaken(self, name: str, now: float) -> bool:
        """Say whether the socket of this name is newer than ours."""
        self.heard_itself = self.heard_itself or name == self.own_name or now > self.settled_at
        return self.heard_itself and name != self.own_name


async def _forget(layer: Any, name: str, receiving: asyncio.Task[Any]) -> None:
    """Give a channel up: the layer forgets it when a reception is cancelled in the middle, and in no other way."""
    while True:
        await asyncio.sleep(0)
        receiving.cancel()
        await asyncio.wait({receiving})
        if receiving.cancelled() or receiving.exception() is not None:
            return
        receiving = asyncio.create_task(layer.receive(name))
