"""One live stream per session: the newest socket takes over, the older one gives way.

A client that lost its network connects again while the server still believes in the old, half-open socket. The two find
each other through the channel layer. It carries hints only: with Redis down both go on, and the journal decides about
every input as always.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from astra_site.lib.errors import Conflict
from sessions_app.realtime.closing import CloseCode, Closing

logger = logging.getLogger(__name__)

_AGAIN_S: Final = 2.0
_SETTLED_AFTER_S: Final = 1.0
_LAYER_IS_DOWN: Final = (RedisError, OSError, ChannelFull)


async def give_way(session_id: UUID) -> None:
    """Announce this socket as its session's stream; raise `Closing` when a newer one announces itself."""
    while True:
        try:
            await _give_way_once(session_id)
        except _LAYER_IS_DOWN as error:
            logger.warning("A stream is not announced for a moment: %s", error)
            await asyncio.sleep(_AGAIN_S)


async def _give_way_once(session_id: UUID) -> None:
    layer = get_channel_layer()
    group = f"stream.{session_id.hex}"
    own_name: str = await layer.new_channel()
    receiving = asyncio.create_task(layer.receive(own_name))
    try:
        await layer.group_add(group, own_name)
        await layer.group_send(group, {"type": "stream.taken", "by": own_name})
        order = _Order(own_name, asyncio.get_running_loop().time() + _SETTLED_AFTER_S)
        while True:
            message = await receiving
            receiving = asyncio.create_task(layer.receive(own_name))
            if order.is_overtaken(message["by"], asyncio.get_running_loop().time()):
                error = Conflict("stream_replaced", "Another socket streams this session now.")
                raise Closing(CloseCode.REPLACED, error.code, error)
    finally:
        with contextlib.suppress(asyncio.CancelledError, *_LAYER_IS_DOWN):
            await _stop(receiving)
        with contextlib.suppress(*_LAYER_IS_DOWN):
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
        self.heard_itself = self.heard_itself or name == self.own_name or now > self.settled_at
        return self.heard_itself and name != self.own_name


async def _stop(receiving: asyncio.Task[Any]) -> None:
    """End a reception: the layer forgets a channel when it is cancelled in the middle, and in no other way."""
    if not receiving.done():
        await asyncio.sleep(0)
    receiving.cancel()
    await receiving
