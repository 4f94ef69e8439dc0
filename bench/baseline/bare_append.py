"""An append's writes in a bare ASGI app, under the same uvicorn as the product: no framework, no tokens, no checks.

`POST /rows/<session>/<sequence>` makes the durable writes that the product makes: the object with its two fsyncs, and
in one commit the session's counters, a row of the journal, of the jobs and of their events, in tables with the
product's columns and indexes, but without its foreign keys. `POST /floor/…` makes the least that could be
acknowledged: the object, one narrow row, one commit. Both then make one Redis round trip.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

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
_LIKE = "CREATE TABLE IF NOT EXISTS bench_{0} (LIKE {1} INCLUDING ALL)"
_SAME = {
    "session": "sessions_app_session",
    "entry": "sessions_app_journalrow",
    "job": "jobs_job",
    "event": "jobs_jobevent",
}
_SESSION = """
INSERT INTO bench_session SELECT (jsonb_populate_record(s, jsonb_build_object('id', %s::text))).*
FROM sessions_app_session s LIMIT 1 ON CONFLICT DO NOTHING
"""
_ROWS = """
WITH seen AS (
    UPDATE bench_session SET journal_length = %(n)s, highest_sequence_id = %(n)s
    WHERE id = %(session)s RETURNING tenant_id, id
), entry AS (
    INSERT INTO bench_entry (
        tenant_id, session_id, number, kind, sequence_id, payload, actor, content_sha256, sha256, audio_key,
        audio_sha256, audio_size_bytes, audio_media_type, audio_duration_ms, recorded_at
    ) SELECT tenant_id, id, %(n)s, 'audio', %(n)s, %(payload)s, 'client', %(sha256)s, %(sha256)s, %(key)s, %(sha256)s,
        %(size)s, 'audio/wav', 5000, now() FROM seen
), job AS (
    INSERT INTO bench_job (
        tenant_id, id, session_id, flow, queue, payload, facts, status, attempts, progress, not_before, resend_at,
        created_at, dedup_key, revision
    ) SELECT tenant_id, %(job)s, id, 'transcribe_chunk', 'realtime', %(payload)s, '{}', 'QUEUED', 0, '{}', now(), now(),
        now(), %(key)s, 0 FROM seen
)
INSERT INTO bench_event (tenant_id, job_id, number, kind, at, details)
SELECT tenant_id, %(job)s, 1, 'job_queued', now(), '{}' FROM seen
"""
_PAYLOAD = '{"codec": "pcm", "captured_at": null, "captured_duration_ms": null}'
_INSERT = "INSERT INTO bench_journal (session, sequence_id, sha256, payload) VALUES (%s, %s, %s, %s)"


class BareAppend:
    """`POST /<rows or floor>/<session>/<sequence>` with the audio as body → 202."""

    def __init__(self) -> None:
        self._folder = Path(os.environ["BENCH_OBJECTS"])
        self._folder.mkdir(parents=True, exist_ok=True)
        self._pool = psycopg_pool.AsyncConnectionPool(
            os.environ["DATABASE_URL"], min_size=4, max_size=16, open=False, kwargs={"autocommit": True}
        )
        self._redis = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
        self._ready = False
        self._known: set[str] = set()
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
            _, kind, session, sequence = scope["path"].split("/")
            await self.append(kind, session, int(sequence), body)
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def append(self, kind: str, session: str, sequence: int, body: bytes) -> None:
        """Make the writes of one append."""
        async with self._lock:
            if not self._ready:
                await self._prepare()
                self._ready = True
            if kind == "rows" and session not in self._known:
                async with self._pool.connection() as connection:
                    await connection.execute(_SESSION, (session,))
                self._known.add(session)
        digest = hashlib.sha256(body).hexdigest()
        key = f"{session}-{sequence}-{digest}"
        await asyncio.to_thread(self._write, key, body)
        async with self._pool.connection() as connection:
            if kind == "rows":
                row = {"n": sequence, "session": session, "job": uuid4(), "key": key, "size": len(body)}
                await connection.execute(_ROWS, {**row, "sha256": digest, "payload": _PAYLOAD})
            else:
                await connection.execute(_INSERT, (session, sequence, digest, "{}"))
        await self._redis.zadd(f"bench:{{{session}}}", {str(sequence): sequence})

    async def _prepare(self) -> None:
        await self._pool.open()
        async with self._pool.connection() as connection:
            await connection.execute(_TABLE)
            for name, model in _SAME.items():
                await connection.execute(_LIKE.format(name, model))

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
