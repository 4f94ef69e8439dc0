"""A WebSocket client on a bare socket: it sends what no library would, and reads only when told."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.realtime.live_server import LiveServer

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
WITHIN_S = 15.0


class Gone(Exception):
    """The server has ended the connection without a close frame."""


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, rsv: int = 0, length: int | None = None
) -> bytes:
    """A frame as RFC 6455 writes it, or as it must not be written. `length` is what it claims to have."""
    said = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | rsv | opcode])
    mask_bit = 0x80 if masked else 0
    if said < 126:
        head += bytes([mask_bit | said])
    elif said < 2**16:
        head += bytes([mask_bit | 126]) + struct.pack("!H", said)
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", said)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return head + mask + mixed.to_bytes(len(payload), "big")


class Raw:
    """One connection after its handshake."""

    def __init__(self, sock: socket.socket, handshake: bytes) -> None:
        self.sock, self.handshake = sock, handshake
        self._read = b""

    def put(self, *frames: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(b"".join(frames))

    def say(self, **members: Any) -> None:
        """Send a JSON frame."""
        self.put(frame(TEXT, json.dumps(members).encode()))

    def next(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame; raises `Gone`."""
        first, second = self._take(2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._take(8))[0]
        return first & 0x0F, self._take(size)

    def hear(self, kind: str) -> dict[str, Any]:
        """Return the next JSON frame of a kind; the server's pings are left unanswered."""
        while True:
            opcode, payload = self.next()
            if opcode == TEXT and (told := json.loads(payload))["type"] == kind:
                return dict(told)

    def end(self) -> tuple[int, str]:
        """Read on to the close frame and return its code and reason; raises `Gone` where there is none."""
        while True:
            opcode, payload = self.next()
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    def break_off(self) -> None:
        """End the connection as a crash does: with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _take(self, size: int) -> bytes:
        while len(self._read) < size:
            try:
                piece = self.sock.recv(65536)
            except ConnectionError as error:
                raise Gone from error
            if not piece:
                raise Gone
            self._read += piece
        taken, self._read = self._read[:size], self._read[size:]
        return taken


@contextmanager
def raw(
    live: LiveServer,
    session_id: str,
    token: str | None,
    *,
    kind: str = "stream",
    headers: str = "",
    receive_buffer_bytes: int | None = None,
) -> Iterator[Raw]:
    """Open a connection and complete its handshake."""
    with socket.socket() as sock:
        if receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        sock.settimeout(WITHIN_S)
        sock.connect(("127.0.0.1", live.port))
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        sock.sendall(
            (
                f"GET /ws/v1/session/{session_id}/{kind} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                f"{bearer}{headers}\r\n"
            ).encode()
        )
        answer = b""
        deadline = time.monotonic() + WITHIN_S
        while b"\r\n\r\n" not in answer:
            assert time.monotonic() < deadline
            answer += sock.recv(1)
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        yield Raw(sock, answer)
