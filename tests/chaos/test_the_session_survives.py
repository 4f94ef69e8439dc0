"""Redis is emptied, or the worker killed, in the middle of a session: its minutes say the same as without."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

from demo.client import Client
from demo.judge import verify
from demo.recorded_session import Chunk, RecordedSession
from demo.stack import Stack

CHUNKS = 6
Spoken = list[tuple[str, str | None, str]]


class Run:
    """One session on a running stack, sent backwards with one chunk twice, and disturbed after each chunk."""

    def __init__(self, stack: Stack, client: Client) -> None:
        self.stack = stack
        self.client = client
        self.session_id = client.start("realtime", {"number": "1"})

    def to_the_end(self, chunks: Sequence[Chunk], disturb: Callable[[Run, int], None]) -> Spoken:
        for sent, chunk in enumerate(reversed(chunks), start=1):
            self.client.append(self.session_id, chunk)
            disturb(self, sent)
        assert self.client.append(self.session_id, chunks[0])["repeated"]
        closed = self.client.wait(self._finalize, lambda answer: answer["state"] == "CLOSED", within_s=90)
        self._assert_seal_holds(closed)
        blocks = self.client.blocks(self.session_id)
        assert {block["status"] for block in blocks} == {"READY"}
        return [(block["block_id"], block["intent"], block["text"]) for block in blocks]

    def job_count(self, status: str) -> int:
        return Counter(job["status"] for job in self.client.jobs(self.session_id))[status]

    def _finalize(self) -> Mapping[str, Any]:
        return self.client.finalize(self.session_id)

    def _assert_seal_holds(self, closed: Mapping[str, Any]) -> None:
        folder: Path = self.stack.folder
        evidence, keys = folder / f"{self.session_id}.zip", folder / "public_keys.json"
        evidence.write_bytes(self.client.download(closed["delivery"]["evidence_url"]))
        keys.write_text(self.stack.manage("export_public_keys"))
        holds, steps = verify(evidence, keys)
        assert holds, steps


@pytest.fixture(scope="module")
def chunks() -> Sequence[Chunk]:
    return RecordedSession().chunks()[:CHUNKS]


@pytest.fixture(scope="module")
def undisturbed(stack: Stack, stack_client: Client, chunks: Sequence[Chunk]) -> Spoken:
    """What the minutes say when nothing happens."""
    blocks = Run(stack, stack_client).to_the_end(chunks, lambda run, sent: None)
    assert len(blocks) >= CHUNKS
    return blocks


def test_redis_emptied_in_the_middle(
    stack: Stack, stack_client: Client, chunks: Sequence[Chunk], undisturbed: Spoken
) -> None:
    def empty(run: Run, sent: int) -> None:
        if sent in (2, CHUNKS):
            with redis.Redis.from_url(run.stack.environment["REDIS_URL"]) as everything:
                everything.flushall()

    assert Run(stack, stack_client).to_the_end(chunks, empty) == undisturbed


def test_worker_killed_in_the_middle(
    stack: Stack, stack_client: Client, chunks: Sequence[Chunk], undisturbed: Spoken
) -> None:
    def kill(run: Run, sent: int) -> None:
        if sent == CHUNKS // 2:
            wait_for(lambda: run.job_count("PROCESSING") > 0, "a job in work")
            run.stack.kill("worker")
        if sent == CHUNKS:
            assert run.job_count("COMPLETED") < CHUNKS
            run.stack.start_worker()

    assert Run(stack, stack_client).to_the_end(chunks, kill) == undisturbed


def wait_for(condition: Callable[[], bool], what: str, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"never saw {what}"
