"""A light HTTP/1.1 client for load: its own time must not hide the server's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes


class Connection:
    """One kept-alive connection; sends requests that are ready-made bytes, one after the other."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(*self._address, limit=2**20)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._writer.close()

    async def send(self, request: bytes) -> Answer:
        """Send a request and read its answer, which must announce its length."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        return Answer(status, await self._reader.readexactly(length))


def request(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in {**headers, "Content-Length": str(len(body))}.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def multipart(fields: dict[str, str], file: bytes) -> tuple[str, bytes]:
    """Return the content type and the body of a form with a file called `audio`."""
    mark = "----astra-bench"
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    parts.append(
        f'--{mark}\r\nContent-Disposition: form-data; name="audio"; filename="chunk.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    return f"multipart/form-data; boundary={mark}", "".join(parts).encode() + file + f"\r\n--{mark}--\r\n".encode()
