"""The acknowledgement of a chunk, beside a bare ASGI app that makes the same durable writes: `make bench B=append`.

A chunk is 5 s of 16 kHz WAV (160 kB). Two loads, each product and baseline in turn within every round, on the same
PostgreSQL, Redis and disk; no worker runs, and the limits of rate are off. *Paced*: 1, 10 and 50 live sessions send at
their own pace, at most 20 a second in all (fifty live sessions send ten): the latency of an acknowledgement. *Full*:
some connections send as soon as they are answered: throughput. Then, append by append: how many commands Redis and how
many transactions PostgreSQL sees. The baseline `bare` writes the same object and the same rows; `floor` an object with
two fsyncs and one narrow row, the least that could be acknowledged. Both end with one Redis round trip.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
import uvloop

from bench.load.connection import Connection, multipart, request
from bench.load.counters import redis_commands, sql_transactions
from demo.client import Client
from demo.stack import COUNCIL_SLUG, ROOT, Stack, free_port

CHUNK_S = 5
MOST_PER_S = 20.0
SESSIONS = (1, 10, 50)
CONNECTIONS = (8, 32)
COUNTED = 200
NO_LIMITS = {
    "ASTRA_SESSION_RATE_PER_S": "0",
    "ASTRA_TENANT_RATE_PER_S": "0",
    "ASTRA_BACKLOG_INPUTS": "0",
    "ASTRA_BACKLOG_AGE_S": "0",
}
"""A benchmark is faster than any council, and without workers all its inputs wait."""
Make = Callable[[int, int], bytes]
"""The bytes of the append of a session (its number) and a sequence number."""


def speech_like_chunk(seed: int) -> bytes:
    """Return 5 s of WAV that no two calls with other seeds have in common."""
    noise = np.random.default_rng(seed).integers(-3000, 3000, CHUNK_S * 16_000, dtype=np.int16)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(noise.tobytes())
    return file.getvalue()


_CHUNK = speech_like_chunk(1)
_count = itertools.count(time.time_ns())


def fresh_chunk() -> bytes:
    """Return a chunk that was not sent before, at once: only its last samples differ."""
    return _CHUNK[:-16] + next(_count).to_bytes(16, "little")


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass
class Target:
    """One of those that take turns. `make_of` starts so many sessions and returns how to append to them."""

    name: str
    port: int
    make_of: Callable[[int], Make]
    paced_ms: dict[int, list[float]] = field(default_factory=dict)
    full_per_s: dict[int, list[float]] = field(default_factory=dict)
    full_ms: dict[int, list[float]] = field(default_factory=dict)


def targets_of(stack: Stack, baseline_port: int) -> list[Target]:
    """Return the product in two encodings, the floor, and last the baseline."""
    token = stack.manage("issue_dev_token", COUNCIL_SLUG)

    def started(sessions: int) -> list[str]:
        with Client(stack.url, token) as client:
            return [client.start("realtime", {"number": str(number)}) for number in range(sessions)]

    def bare_body(sessions: int) -> Make:
        ids = started(sessions)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "audio/wav"}
        path = "/v1/orchestrator/session/{}/append?sequence_id={}"
        return lambda session, turn: request("POST", path.format(ids[session], turn), headers, fresh_chunk())

    def form(sessions: int) -> Make:
        ids = started(sessions)
        path = "/v1/orchestrator/session/{}/append"

        def make(session: int, turn: int) -> bytes:
            media_type, body = multipart({"sequence_id": str(turn)}, fresh_chunk())
            headers = {"Authorization": f"Bearer {token}", "Content-Type": media_type}
            return request("POST", path.format(ids[session]), headers, body)

        return make

    def baseline(kind: str) -> Callable[[int], Make]:
        def make_of(sessions: int) -> Make:
            ids = [uuid4() for _ in range(sessions)]
            return lambda session, turn: request("POST", f"/{kind}/{ids[session]}/{turn}", {}, fresh_chunk())

        return make_of

    return [
        Target("raw", stack.port, bare_body),
        Target("multipart", stack.port, form),
        Target("floor", baseline_port, baseline("floor")),
        Target("bare", baseline_port, baseline("rows")),
    ]


async def paced(port: int, make: Make, sessions: int, chunks_each: int, interval_s: float) -> list[float]:
    """Let every session send its chunks, one per interval; return the latency of each in ms."""
    latencies: list[float] = []
    begin = time.perf_counter() + 0.1

    async def session(number: int) -> None:
        async with Connection("127.0.0.1", port) as connection:
            for turn in range(chunks_each):
                due = begin + interval_s * (number / sessions + turn)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                await _timed(connection, make(number, turn + 1), latencies)

    await asyncio.gather(*(session(number) for number in range(sessions)))
    return latencies


async def full(port: int, make: Make, connections: int, seconds: float) -> tuple[float, list[float]]:
    """Let every connection send as soon as it is answered; return appends per second, and each latency in ms."""
    latencies: list[float] = []
    begin = time.perf_counter()

    async def one(number: int) -> None:
        async with Connection("127.0.0.1", port) as connection:
            for turn in itertools.count(1):
                if time.perf_counter() - begin > seconds:
                    return
                await _timed(connection, make(number, turn), latencies)

    await asyncio.gather(*(one(number) for number in range(connections)))
    return len(latencies) / (time.perf_counter() - begin), latencies


async def _timed(connection: Connection, sent: bytes, latencies: list[float]) -> None:
    """Send one append; a refused one stops the benchmark: its latency would mean nothing."""
    started = time.perf_counter()
    answer = await connection.send(sent)
    latencies.append((time.perf_counter() - started) * 1000)
    if answer.status != 202:
        raise RuntimeError(f"an append was answered {answer.status}: {answer.body[:500]!r}")


@contextmanager
def serving_baseline(stack: Stack, port: int) -> Iterator[None]:
    """Run the bare app under the product's server."""
    # It makes tables of its own and copies a session, which the product's role may not.
    own = {
        "DATABASE_URL": stack.services.endpoints().superuser_url,
        "BENCH_OBJECTS": str(stack.folder / "bench-objects"),
    }
    environment = {**stack.environment, **own}
    command = ("-m", "uvicorn", "bench.baseline.bare_append:application", "--host", "127.0.0.1", "--port", str(port))
    options = ("--no-access-log", "--log-level", "warning", "--lifespan", "off")
    process = subprocess.Popen([sys.executable, *command, *options], cwd=ROOT, env=environment)
    deadline = time.monotonic() + 30
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2)
                break
            except httpx.HTTPError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def measure(targets: Sequence[Target], rounds: int, seconds: float, speed: float) -> None:
    """Run both loads, the targets in turn; the first round warms up and is not counted."""
    for turn in range(-1, rounds):
        for sessions in SESSIONS:
            interval_s = max(CHUNK_S / speed, sessions / MOST_PER_S)
            chunks_each = max(4, 20 // sessions)
            for target in targets:
                found = uvloop.run(paced(target.port, target.make_of(sessions), sessions, chunks_each, interval_s))
                if turn >= 0:
                    target.paced_ms.setdefault(sessions, []).extend(found)
        for connections in CONNECTIONS:
            for target in targets:
                per_s, ms = uvloop.run(full(target.port, target.make_of(connections), connections, seconds))
                if turn >= 0:
                    target.full_per_s.setdefault(connections, []).append(per_s)
                    target.full_ms.setdefault(connections, []).extend(ms)
        print(f"round {turn + 1} of {rounds}; load of the machine {os.getloadavg()[0]:.1f}", flush=True)


def report(targets: Sequence[Target]) -> None:
    """Print one line per figure. A ratio is the median of the rounds' own: it is steadier than what it is made of."""
    bare = targets[-1]
    for sessions in SESSIONS:
        for target in targets:
            p50, p99 = statistics.median(target.paced_ms[sessions]), percentile(target.paced_ms[sessions], 0.99)
            print(f"RESULT append_{target.name}_p50_{sessions}_sessions {p50:.1f} ms aim < 25")
            print(f"RESULT append_{target.name}_p99_{sessions}_sessions {p99:.1f} ms aim < 25")
    for connections in CONNECTIONS:
        for target in targets:
            per_s = statistics.median(target.full_per_s[connections])
            print(f"RESULT append_{target.name}_throughput_{connections}_connections {per_s:.0f} 1/s aim > 10")
            if target is not bare:
                pairs = zip(target.full_per_s[connections], bare.full_per_s[connections], strict=True)
                ratio = statistics.median(one / other for one, other in pairs)
                name = f"append_{target.name}_throughput_ratio_{connections}_connections"
                print(f"RESULT {name} {ratio:.2f} ratio aim >= 0.5", flush=True)


def count(stack: Stack, target: Target) -> None:
    """Print what PostgreSQL and Redis see of one append: all of it, behind the answer as well.

    What of it is on the way to the answer is counted, exactly, by tests/sessions/test_cost_of_an_append.py.
    """
    make = target.make_of(1)

    async def some(make: Make) -> None:
        async with Connection("127.0.0.1", target.port) as connection:
            for turn in range(1, COUNTED + 1):
                await _timed(connection, make(0, turn), [])

    transactions = sql_transactions(stack.environment["DATABASE_URL"], lambda: asyncio.run(some(make)))
    make = target.make_of(1)
    with redis_commands(stack.environment["REDIS_URL"]) as commands:
        asyncio.run(some(make))
    print(f"RESULT append_sql_statements {transactions / COUNTED:.2f} statements aim <= 2.2")
    print(f"RESULT append_redis_commands {len(commands) / COUNTED:.2f} commands aim <= 3", flush=True)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3.0, help="of each full load")
    options.add_argument("--speed", type=float, default=10.0, help="how much faster than live each session sends")
    given = options.parse_args()
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(NO_LIMITS)
    with tempfile.TemporaryDirectory(prefix="astra-bench-") as folder, Stack(Path(folder)) as stack:
        stack.prepare(print)
        stack.start_web()
        stack.wait_until_ready()
        baseline_port = free_port()
        with serving_baseline(stack, baseline_port):
            targets = targets_of(stack, baseline_port)
            measure(targets, given.rounds, given.seconds, given.speed)
            report(targets)
            count(stack, targets[0])


if __name__ == "__main__":
    main()
