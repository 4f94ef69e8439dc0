"""Begin and end of a web server's process (ASGI's lifespan protocol): what waits behind answers is done first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from astra_site.lib.behind import finish_all


async def lifespan(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer the server's two questions."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await asyncio.to_thread(finish_all)
    await send({"type": "lifespan.shutdown.complete"})
