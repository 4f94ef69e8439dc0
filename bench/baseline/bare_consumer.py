"""The floor of a live stream: a bare Channels consumer that makes the writes of `bare_append`, and acknowledges.

No authentication, no checks, no order. Run by `bench.streams` under the product's server.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import django
from channels.generic.websocket import AsyncWebsocketConsumer

from bench.baseline.bare_append import BareAppend

django.setup()
_writes = BareAppend()


class BareStream(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels publishes no types
    """`/<session>`: binary frames of a number (4 bytes) and audio → a text frame with the number, once it is stored."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Store a chunk and acknowledge it."""
        (number,) = struct.unpack("!I", (bytes_data or b"")[:4])
        await _writes.append("rows", self.scope["path"].strip("/"), number, (bytes_data or b"")[4:])
        await self.send(json.dumps({"type": "ack", "sequence_id": number}))


_stream = BareStream.as_asgi()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve sockets, and say over HTTP that the server is up."""
    await (_stream if scope["type"] == "websocket" else _writes)(scope, receive, send)
