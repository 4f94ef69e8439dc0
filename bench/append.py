"""The acknowledgement of a chunk, beside a bare ASGI app that makes the same writes: `make bench B=append`.

Each live session sends a 5 s chunk (16 kHz WAV, 160 kB) at its own pace, faster than live by `--speed`; 1, 10 and 50
sessions, at most 20 appends a second in all (fifty live sessions send ten). Product and baseline alternate, round by
round, on the same PostgreSQL, Redis and disk. No worker runs: this is the acknowledgement, not the model. The floor of
one append: one object of 160 kB with two fsyncs, one commit with one fsync, one Redis round trip.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import numpy as np

from demo.client import Client
from demo.stack import COUNCIL_SLUG, ROOT, Stack, free_port

CHUNK_S = 5
MOST_PER_S = 20.0
"""Appends a second in all: fifty live sessions send ten."""
Append = Callable[[httpx.AsyncClient, int, int], Awaitable[None]]


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


async def load(append: Append, sessions: int, chunks_each: int, interval_s: float, base_url: str) -> list[float]:
    """Let every session send its chunks, one per interval; return the latency of each in ms."""
    latencies: list[float] = []
    limits = httpx.Limits(max_connections=sessions, max_keepalive_connections=sessions)

    async def session(number: int, client: httpx.AsyncClient) -> None:
        begin = time.perf_counter() + interval_s * number / sessions
        for turn in range(chunks_each):
            await asyncio.sleep(max(0.0, begin + turn * interval_s - time.perf_counter()))
            started = time.perf_counter()
            await append(client, number, turn + 1)
            latencies.append((time.perf_counter() - started) * 1000)

    async with httpx.AsyncClient(base_url=base_url, timeout=60, limits=limits) as client:
        await asyncio.gather(*(session(number, client) for number in range(sessions)))
    return latencies


def product_append(stack: Stack, sessions: int) -> Append:
    """Start the sessions and return the product's append."""
    token = stack.manage("issue_dev_token", COUNCIL_SLUG)
    with Client(stack.url, token) as client:
        ids = [client.start("realtime", {"number": str(number)}) for number in range(sessions)]
    headers = {"Authorization": f"Bearer {token}"}

    async def append(http: httpx.AsyncClient, session: int, turn: int) -> None:
        response = await http.post(
            f"/v1/orchestrator/session/{ids[session]}/append",
            data={"sequence_id": str(turn)},
            files={"audio": ("chunk.wav", speech_like_chunk(session * 10_000 + turn))},
            headers=headers,
        )
        _must_be_accepted(response)

    return append


def bare_append(salt: str) -> Append:
    """Return the baseline's append."""

    async def append(http: httpx.AsyncClient, session: int, turn: int) -> None:
        response = await http.post(f"/{salt}{session}/{turn}", content=speech_like_chunk(session * 10_000 + turn))
        _must_be_accepted(response)

    return append


def _must_be_accepted(response: httpx.Response) -> None:
    """Stop the benchmark for an append that was refused: its latency would mean nothing."""
    if response.status_code != 202:
        raise RuntimeError(f"an append was answered {response.status_code}: {response.text}")


def start_baseline(stack: Stack, port: int) -> subprocess.Popen[bytes]:
    """Start the bare app under the product's server."""
    environment = {**stack.environment, "BENCH_OBJECTS": str(stack.folder / "bench-objects")}
    command = [sys.executable, "-m", "uvicorn", "bench.baseline.bare_append:application"]
    options = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-access-log",
        "--log-level",
        "warning",
        "--lifespan",
        "off",
    ]
    process = subprocess.Popen([*command, *options], cwd=ROOT, env=environment)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2)
            return process
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError("the baseline did not start")


def percentile(values: list[float], share: float) -> float:
    """Return a percentile by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    """Measure and print one line per figure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--speed", type=float, default=10.0, help="how much faster than live each session sends")
    given = options.parse_args()
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="astra-bench-") as folder, Stack(Path(folder)) as stack:
        stack.prepare(print)
        stack.start_web()
        stack.wait_until_ready()
        baseline_port = free_port()
        baseline = start_baseline(stack, baseline_port)
        try:
            _measure(stack, f"http://127.0.0.1:{baseline_port}", given.rounds, given.speed)
        finally:
            baseline.terminate()
            baseline.wait(timeout=10)


def _measure(stack: Stack, baseline_url: str, rounds: int, speed: float) -> None:
    for sessions in (1, 10, 50):
        interval_s = max(CHUNK_S / speed, sessions / MOST_PER_S)
        chunks_each = max(6, 20 // sessions)
        product: list[float] = []
        bare: list[float] = []
        for turn in range(-1, rounds):
            append = product_append(stack, sessions)
            one = asyncio.run(load(append, sessions, chunks_each, interval_s, stack.url))
            other = asyncio.run(
                load(bare_append(f"{sessions}x{turn}x"), sessions, chunks_each, interval_s, baseline_url)
            )
            if turn >= 0:  # the first round warms up
                product += one
                bare += other
        p50, p99 = statistics.median(product), percentile(product, 0.99)
        bare50, bare99 = statistics.median(bare), percentile(bare, 0.99)
        print(f"RESULT append_p50_{sessions}_sessions {p50:.1f} ms aim < 25")
        print(f"RESULT append_p99_{sessions}_sessions {p99:.1f} ms aim < {500 if sessions < 50 else 25}")
        print(f"RESULT append_bare_p50_{sessions}_sessions {bare50:.1f} ms aim < 25")
        print(f"RESULT append_bare_p99_{sessions}_sessions {bare99:.1f} ms aim < 25")
        print(f"RESULT append_p50_ratio_{sessions}_sessions {p50 / bare50:.2f} ratio aim < 5", flush=True)


if __name__ == "__main__":
    main()
