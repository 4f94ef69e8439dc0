"""The stream over a WebSocket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from tests.transports.line import Given, Refused, Unanswered
from tests.transports.streamed import Answer, StreamedLine

_COME_BACK = {1001, 1006, 1011, 1012, 4409, 4429, 4503}


class WebSocketLine(StreamedLine):
    """Each answer carries the ticket of its frame: inputs are accepted side by side."""

    _connection: ClientConnection | None = None

    async def connect(self) -> None:
        """See `StreamedLine`."""
        url = f"{self.site.url.replace('http', 'ws', 1)}/ws/v1/session/{self.session_id}/stream"
        try:
            self._connection = await connect(
                url,
                additional_headers={"Authorization": f"Bearer {self.site.token}"},
                subprotocols=[Subprotocol("astra.stream.v1")],
                compression=None,
                open_timeout=5,
                close_timeout=1,
                proxy=None,
            )
        except (OSError, TimeoutError, InvalidHandshake) as error:
            raise Unanswered(f"ws {type(error).__name__}") from error
        await self._send(json.dumps({"type": "hello", "events": False}))
        if (await self._next())["type"] != "welcome":
            raise Unanswered("no welcome")

    async def send(self, ticket: int, what: Given | Mapping[str, Any]) -> None:
        """See `StreamedLine`."""
        if not isinstance(what, Given):
            await self._tell(ticket, type="context", **what)
        elif what.audio is None:
            await self._tell(ticket, type="text", sequence_id=what.sequence_id, text=what.text)
        else:
            await self._tell(ticket, type="audio", sequence_id=what.sequence_id)
            await self._send(what.audio)

    async def receive(self) -> Answer:
        """See `StreamedLine`."""
        frame = await self._next()
        ticket = int(frame.get("id") or 0)
        if frame["type"] != "error":
            return Answer(ticket, bool(frame.get("repeated")))
        if "retry_after_s" in frame:
            return Answer(ticket, Unanswered(f"ws {frame['code']}", float(frame["retry_after_s"])))
        return Answer(ticket, Refused(0, frame["code"], frame["detail"]))

    async def disconnect(self) -> None:
        """See `StreamedLine`. Nobody says goodbye: the client is gone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.transport.abort()

    async def _tell(self, ticket: int, **frame: Any) -> None:
        await self._send(json.dumps({**frame, "id": str(ticket)}))

    async def _send(self, frame: str | bytes) -> None:
        if self._connection is None:
            raise Unanswered("hung up")
        try:
            await self._connection.send(frame)
        except ConnectionClosed as closed:
            raise _what_closed(closed) from closed

    async def _next(self) -> dict[str, Any]:
        if self._connection is None:
            raise Unanswered("hung up")
        try:
            frame: dict[str, Any] = json.loads(await self._connection.recv())
        except ConnectionClosed as closed:
            raise _what_closed(closed) from closed
        return frame


def _what_closed(closed: ConnectionClosed) -> Unanswered | Refused:
    """Return what a close code means: come back, or never mind."""
    code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "broken")
    return Unanswered(f"ws {code} {reason}") if code in _COME_BACK else Refused(code, reason, "the socket was closed")
