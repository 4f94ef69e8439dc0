"""What both sockets of a session share: the handshake, who calls, what runs beside the conversation, how it ends.

A consumer is an ASGI application behind Channels' routers, one instance per connection. It does not build on Channels'
own `AsyncConsumer`, whose sockets end with the channel layer (Redis is heat here) and which asks a thread to clean up
database connections before every frame (docs/adr/0014).
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings

from astra_site.lib.auth_tokens import Principal
from astra_site.lib.errors import AstraError, Unauthenticated
from astra_site.lib.logs import log_context
from astra_site.lib.middleware import trace_id_from
from astra_site.lib.tenancy import get_owned, tenant_scope
from astra_site.lib.threads import in_thread
from sessions_app.models import Session
from sessions_app.realtime.caller import Caller, authenticate
from sessions_app.realtime.closing import (
    ClientGone,
    CloseCode,
    Closing,
    SocketEnd,
    closing_of,
    closing_on_refusals,
    hello_timeout,
    malformed,
)
from sessions_app.realtime.frames import Frame, FrameRefused, Hello, read_frame
from sessions_app.realtime.handshake import Handshake, header, read_handshake
from sessions_app.realtime.places import places
from sessions_app.realtime.socket import Application, Receive, Scope, Send, Socket

logger = logging.getLogger(__name__)


class SessionConsumer(ABC):
    """One socket on one session. Subclasses say who may open it and what is said on it."""

    subprotocol: ClassVar[str]
    token_scope: ClassVar[str]
    wants_hello: ClassVar[bool]
    """Whether a client that gave its token in the handshake says hello all the same."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.session_id: UUID = scope["url_route"]["kwargs"]["session_id"]
        self.socket = Socket(receive, send, settings.SOCKET_SEND_TIMEOUT_S)
        self.caller: Caller

    @classmethod
    def as_asgi(cls) -> Application:
        """Return the application that serves each connection with an instance of its own."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await cls(scope, receive, send).serve()

        return application

    @abstractmethod
    async def converse(self, hello: Hello | None, beside: asyncio.TaskGroup) -> None:
        """Talk until somebody ends it. What is started in `beside` ends with the socket, and can end it."""

    async def serve(self) -> None:
        """Serve the connection from its handshake to its end."""
        with log_context(trace_id=trace_id_from(header(self.scope, b"traceparent")), session_id=self.session_id):
            await self.socket.begin()
            with ExitStack() as held:
                try:
                    held.enter_context(places.one())
                    handshake = read_handshake(self.scope, self.subprotocol)
                except AstraError as error:
                    await self.socket.deny(self.scope, error)
                    return
                await self._serve(handshake)

    async def _serve(self, handshake: Handshake) -> None:
        """Accept first, so that a browser can be told why it is refused; close with the code of whatever ends it."""
        try:
            await self.socket.accept(handshake.subprotocol)
            await self._talk(handshake)
        except ClientGone:
            return
        except Closing as closing:
            logger.info("A socket is closed: %d %s", closing.code, closing.reason)
            await self.socket.close(closing)
        except Exception:
            await self.socket.close(Closing(CloseCode.INTERNAL, "internal_error"))
            raise

    async def _talk(self, handshake: Handshake) -> None:
        hello = await self._admit(handshake)
        tenant_id = self.caller.principal.tenant_id
        with ExitStack() as held:
            held.enter_context(tenant_scope(tenant_id))
            held.enter_context(log_context(tenant_id=tenant_id))
            with closing_on_refusals():
                held.enter_context(places.one_of(tenant_id))
            ends: list[SocketEnd] = []
            try:
                async with asyncio.TaskGroup() as beside:
                    beside.create_task(self.caller.watch())
                    with closing_on_refusals():
                        await self.converse(hello, beside)
            except* SocketEnd as group:
                ends = list(_leaves(group))
        # A reason of ours says more than that the client is gone.
        raise next((end for end in ends if isinstance(end, Closing)), ends[0])

    async def _admit(self, handshake: Handshake) -> Hello | None:
        """Find out who calls, from the handshake or from the first frame, which is the `Hello` that this returns."""
        with closing_on_refusals():
            if handshake.token is not None:
                self.caller = await self._authenticated(handshake.token)
                return await self._hello() if self.wants_hello else None
            with places.waiting():
                hello = await self._hello()
                if hello.token is None:
                    raise Unauthenticated("token_missing", "Send a token: in the handshake, or in the first frame.")
                self.caller = await self._authenticated(hello.token)
                return hello

    async def _authenticated(self, token: str) -> Caller:
        return Caller(await in_thread(self._let_in, token), self.token_scope)

    def _let_in(self, token: str) -> Principal:
        """Return who calls. Raises as `authenticate`, and as `get_owned` for a session that is not the caller's."""
        principal = authenticate(token, self.token_scope)
        with tenant_scope(principal.tenant_id):
            get_owned(Session, self.session_id)
        return principal

    async def _hello(self) -> Hello:
        """Return the first frame; whoever does not say hello in time, or says something else, is not served."""
        try:
            async with asyncio.timeout(settings.SOCKET_HELLO_TIMEOUT_S):
                given = await self.socket.next()
        except TimeoutError as error:
            raise hello_timeout() from error
        frame = read_text(given)
        if not isinstance(frame, Hello):
            raise malformed("hello_expected", "The first frame must be a hello.")
        return frame


def read_text(given: str | bytes) -> Frame:
    """Read a frame where only a right one will do: whatever else it is ends the connection."""
    if isinstance(given, bytes):
        raise malformed("binary_unexpected", "A binary frame has no place here.")
    try:
        return read_frame(given)
    except FrameRefused as refused:
        raise closing_of(refused.error) from refused


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[Any]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
