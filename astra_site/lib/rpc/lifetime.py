"""How long a stream may stay open: until its token expires, or the server stops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from time import monotonic
from typing import Any, Final, TypeVar

from django.db import InterfaceError, OperationalError

from astra_site.lib.auth_tokens import Principal
from astra_site.lib.callers import check_active
from astra_site.lib.clock import utc_now
from astra_site.lib.errors import Unauthenticated, Unavailable
from astra_site.lib.threads import in_thread

_Result = TypeVar("_Result")
_TENANT_AGAIN_S: Final = 30.0
"""How often an open stream asks whether its tenant may still work."""
_LAST_WORD_S: Final = 5.0
"""How long an answer may take that is sent when the end has come: what was accepted should be acknowledged."""


class Lifetime:
    """The end of one stream.

    It comes between two steps, never in the middle of one: an input in hand is stored and acknowledged first.
    """

    def __init__(self, caller: Principal, stopping: asyncio.Event) -> None:
        """Remember who calls, until when, and what tells that the server stops."""
        self._caller = caller
        self._expires_at = caller.expires_at
        self._stopping = stopping
        self._asked_s = monotonic()

    async def next(self, waited_for: Awaitable[_Result]) -> _Result:
        """Return what it returns; when the end has come or comes first, cancel it and raise.

        Raises `Unauthenticated` (`token_expired`), `Forbidden` (`tenant_inactive`) or `Unauthenticated`
        (`client_revoked`), both noticed within half a minute, or `Unavailable` (`server_stopping`).
        """
        waiting = asyncio.ensure_future(waited_for)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            while not waiting.done():
                patience_s = min(self._left_s(), _TENANT_AGAIN_S)
                await asyncio.wait({waiting, stopping}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
                self._check()
                await self._check_tenant()
            return waiting.result()
        finally:
            await _ended(waiting, stopping)

    async def finish(self, answering: Awaitable[_Result]) -> _Result:
        """Return what it returns; raise `Unauthenticated` when it is still not done well after the token expired.

        A client that does not read can't keep a stream open with an old token. (One that holds up a server that stops
        is cut off by the server's own patience.)
        """
        try:
            async with asyncio.timeout(max(self._left_s(), _LAST_WORD_S)):
                return await answering
        except TimeoutError:
            self._check()
            raise

    def _left_s(self) -> float:
        return max(0.0, (self._expires_at - utc_now()).total_seconds())

    async def _check_tenant(self) -> None:
        """Ask from time to time whether the tenant may still work; a database that does not answer changes nothing."""
        if monotonic() - self._asked_s >= _TENANT_AGAIN_S:
            self._asked_s = monotonic()
            with contextlib.suppress(OperationalError, InterfaceError):
                await in_thread(check_active, self._caller)

    def _check(self) -> None:
        if self._stopping.is_set():
            raise Unavailable(
                "server_stopping", "The server is being restarted: connect again.", details={"retry_after_s": 1}
            )
        if not self._left_s():
            raise Unauthenticated("token_expired", "The token has expired: connect again with a new one.")


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks, once, and return when they have ended; who is cancelled meanwhile is told afterwards.

    They must have ended before whoever owns what they work on (a generator, a call) goes on with it. And they tidy up:
    being cancelled again in the middle of that would leave connections behind.
    """
    for task in tasks:
        task.cancel()
    ending = asyncio.gather(*tasks, return_exceptions=True)
    cancelled: asyncio.CancelledError | None = None
    while not ending.done():
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
