"""A session on the running product, and what is done to it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import redis
from psycopg import sql

from demo.client import Client
from demo.judge import verify
from demo.stack import Stack

WITHIN_S = 120.0
Recognised = list[tuple[str, str | None, str, Mapping[str, Any]]]
"""Block id, intent, text and data of every block."""


class Disturbed:
    """One session, its client and the stack it runs on."""

    def __init__(self, stack: Stack, client: Client, mode: str) -> None:
        self.stack = stack
        self.client = client
        self.session_id = client.start(mode, {"number": "1"})

    def close(self) -> Recognised:
        """Finalize, check the seal, and return what the minutes rest on."""
        closed = self.client.wait(self.finalize, lambda answer: answer["state"] == "CLOSED", WITHIN_S)
        evidence, keys = self.stack.folder / f"{self.session_id}.zip", self.stack.folder / "public_keys.json"
        evidence.write_bytes(self.client.download(closed["delivery"]["evidence_url"]))
        keys.write_text(self.stack.manage("export_public_keys"))
        holds, steps = verify(evidence, keys)
        assert holds, steps
        blocks = self.client.blocks(self.session_id)
        assert {block["status"] for block in blocks} == {"READY"}
        return [(block["block_id"], block["intent"], block["text"], block["data"]) for block in blocks]

    def finalize(self) -> Mapping[str, Any]:
        """Ask for the minutes."""
        return self.client.finalize(self.session_id)

    def jobs_at_work(self) -> Sequence[Mapping[str, Any]]:
        """The session's jobs that a worker holds."""
        return [job for job in self.client.jobs(self.session_id) if job["status"] == "PROCESSING"]

    def job_of(self, flow: str) -> Mapping[str, Any]:
        """The session's only job of a flow; empty before there is one."""
        found = [job for job in self.client.jobs(self.session_id) if job["flow"] == flow]
        assert len(found) < 2
        return found[0] if found else {}

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        """Kill the worker, which leaves jobs behind that nobody gave back; start another one at the end.

        Checks then that each of those jobs was taken from the dead worker when its lease ran out.
        """
        self.stack.kill("worker")
        try:
            orphans = self.jobs_at_work()
            assert orphans, "the worker was killed with nothing in hand"
            yield
        finally:
            self.stack.start_worker()
        for job in orphans:
            wait_for(partial(self._was_recovered, str(job["id"])), f"recovery of {job}")

    def _was_recovered(self, job_id: str) -> bool:
        return any(
            event["kind"] == "job_retrying" and event["details"]["error_code"] == "lease_expired"
            for event in self.client.job_events(job_id)
        )

    def empty_redis(self) -> None:
        """Lose everything that is in Redis."""
        with redis.Redis.from_url(self.stack.environment["REDIS_URL"]) as everything:
            everything.flushall()

    @contextmanager
    def unwritable(self, table: str) -> Iterator[None]:
        """Make everybody who writes to a table wait."""
        with psycopg.connect(self.stack.services.endpoints().superuser_url) as connection:
            connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(table)))
            yield


def wait_for(condition: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"never saw {what}"
