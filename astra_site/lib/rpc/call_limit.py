"""A limit to the calls and streams that a server has at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc

from astra_site.lib.errors import RateLimited
from astra_site.lib.rpc.behaviour import Call, Method, inside, refusing, service_of

_RETRY_AFTER_S = 2


class CallLimit(grpc.aio.ServerInterceptor):
    """Tells one call too many to come back later, before it costs anything. gRPC's own limit does not say when.

    Args:
        limit: calls and streams at the same time.
        public: services that are not counted: health must answer when the server is busy.
    """

    def __init__(self, limit: int, public: frozenset[str]) -> None:
        """Start with none."""
        self._limit = limit
        self._public = public
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def idle(self) -> None:
        """Wait until no behaviour runs any more; one may still tidy up when its caller has long gone."""
        await self._idle.wait()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Method | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Method | None:
        """Refuse, or count while the behaviour runs."""
        if service_of(handler_call_details) in self._public:
            return await continuation(handler_call_details)
        if self._running >= self._limit:
            return refusing(
                RateLimited(
                    "server_busy",
                    "The server has as many calls as it takes: come back in a moment.",
                    details={"retry_after_s": _RETRY_AFTER_S},
                )
            )
        handler = await continuation(handler_call_details)
        return None if handler is None else inside(handler, self._counted)

    @asynccontextmanager
    async def _counted(self, call: Call) -> AsyncIterator[None]:
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()
