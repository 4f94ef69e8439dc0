"""One WebSocket as a conversation: frames in, frames out, each with a time limit."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from astra_site.lib.errors import AstraError
from astra_site.lib.problems import PROBLEM_TYPE
from sessions_app.realtime.closing import ClientGone, Closing, error_frame, problem_told, too_slow

Scope = Mapping[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_LAST_WORDS_S: Final = 3.0
_MAX_REASON_BYTES: Final = 123
_SERVER_HAS_CLOSED: Final = (OSError, RuntimeError)
"""What servers raise for a frame after the end: uvicorn, where it has closed by itself, a RuntimeError."""


class Socket:
    """Wraps what an ASGI server gives. Frames leave one at a time, in the order asked for."""

    def __init__(self, receive: Receive, send: Send, send_timeout_s: float) -> None:
        self._receive, self._send = receive, send
        self._send_timeout_s = send_timeout_s
        self._sending = asyncio.Lock()

    async def begin(self) -> None:
        """Take the server's `websocket.connect`: the handshake waits for an answer."""
        await self._receive()

    async def accept(self, subprotocol: str | None) -> None:
        """Complete the handshake."""
        await self._out({"type": "websocket.accept", "subprotocol": subprotocol})

    async def deny(self, scope: Scope, error: AstraError) -> None:
        """Refuse the handshake with problem JSON, or with a bare 403 where the server can't."""
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await self._send({"type": "websocket.close"})
            return
        problem = problem_told(error)
        given = {"Content-Type": PROBLEM_TYPE, **problem.headers}
        headers = [(name.lower().encode(), value.encode()) for name, value in given.items()]
        await self._send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
        await self._send({"type": "websocket.http.response.body", "body": json.dumps(problem.body).encode()})
        # uvicorn takes the handshake for unfinished, and complains, until it has said both that it is refused and that
        # the connection is gone.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._receive()
                await self._receive()

    async def next(self) -> str | bytes:
        """Return the next frame: text or binary. Raises `ClientGone`."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise ClientGone
        text: str | None = message.get("text")
        return text if text is not None else message.get("bytes") or b""

    async def tell(self, frame: Mapping[str, Any]) -> None:
        """Send a frame; raises `Closing` (4429) when the client does not read, `ClientGone` when it is not there."""
        text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
        try:
            async with asyncio.timeout(self._send_timeout_s), self._sending:
                await self._out({"type": "websocket.send", "text": text})
        except TimeoutError as error:
            raise too_slow() from error

    async def close(self, end: Closing) -> None:
        """Tell why, and close. A client that does not read is not waited for long."""
        reason = end.reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
        with contextlib.suppress(TimeoutError, ClientGone):
            async with asyncio.timeout(_LAST_WORDS_S):
                if end.problem is not None:
                    await self._out({"type": "websocket.send", "text": json.dumps(error_frame(end.problem))})
                await self._out({"type": "websocket.close", "code": end.code, "reason": reason})

    async def _out(self, message: Message) -> None:
        try:
            await self._send(message)
        except _SERVER_HAS_CLOSED as error:
            raise ClientGone from error
