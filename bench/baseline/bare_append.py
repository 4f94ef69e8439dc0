"""The floor of an append: a bare ASGI app with the same durable object write, one journal insert, one Redis round trip.

No framework, no authentication, no checks. Run by `bench.append` under the same uvicorn as the product.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg_pool
import redis.asyncio

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_TABLE = """
CREATE TABLE IF NOT EXISTS bench_journal (
    id bigserial PRIMARY KEY, session text NOT NULL, sequence_id int NOT NULL, sha256 text NOT NULL,
    payload jsonb NOT NULL, UNIQUE (session, sequence_id)
)
"""
_INSERT = "INSERT INTO bench_journal (session, sequence_id, sha256, payload) VALUES (%s, %s, %s, %s)"


class BareAppend:
    """`POST /<session>/<sequence>` with the audio as body → 202."""

    def __init__(self) -> None:
        self._folder = Path(os.environ["BENCH_OBJECTS"])
        self._folder.mkdir(parents=True, exist_ok=True)
        self._pool = psycopg_pool.AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=4, max_size=16, open=False)
        self._redis = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
        self._ready = False
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if scope["path"] != "/health/ready":
            _, session, sequence = scope["path"].split("/")
            await self.append(session, int(sequence), body)
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def append(self, session: str, sequence: int, body: bytes) -> None:
        """Make the writes of one append."""
        async with self._lock:
            if not self._ready:
                await self._pool.open()
                async with self._pool.connection() as connection:
                    await connection.execute(_TABLE)
                self._ready = True
        digest = hashlib.sha256(body).hexdigest()
        await asyncio.to_thread(self._write, f"{session}-{sequence}-{digest}", body)
        async with self._pool.connection() as connection:
            await connection.execute(_INSERT, (session, sequence, digest, "{}"))
        await self._redis.zadd(f"bench:{{{session}}}", {str(sequence): sequence})

    def _write(self, name: str, body: bytes) -> None:
        partial = self._folder / f".{name}"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


application = BareAppend()
