"""Live streams over WebSockets, beside a bare Channels consumer, and daphne beside uvicorn: `make bench B=streams`.

1, 10 and 50 sockets, a 5 s chunk (16 kHz WAV, 160 kB) each time, PostgreSQL, Redis, disk and load on one machine; no
worker runs. Two loads: *paced*, every socket at its own pace and at most 20 chunks a second in all (fifty live sessions
send ten): the latency of an acknowledgement; and *full*, every socket sends as soon as it is acknowledged: throughput.
The servers take turns within each round, so that what else the machine does meets all of them. The baseline makes the
same writes (an object with two fsyncs, one commit, one Redis round trip) without authentication, checks or order.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from astra_site.web_server import UVICORN
from bench.append import NO_LIMITS, percentile, speech_like_chunk
from demo.client import Client
from demo.stack import COUNCIL_SLUG, ROOT, Stack, free_port

SOCKETS = (1, 10, 50)
MOST_PER_S = 20.0
CHUNKS = [speech_like_chunk(seed) for seed in range(8)]
READY_WITHIN_S = 60.0
Send = Callable[[ClientConnection, int], Awaitable[None]]


@dataclass
class Server:
    """One of those that take turns."""

    name: str
    port: int
    command: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    paced_ms: dict[int, list[float]] = field(default_factory=dict)
    full_per_s: dict[int, list[float]] = field(default_factory=dict)
    full_ms: dict[int, list[float]] = field(default_factory=dict)

    @property
    def is_bare(self) -> bool:
        """Whether it is a baseline."""
        return self.name.startswith("bare")

    @property
    def hears_events(self) -> bool:
        """Whether each socket is also told what happens in its session."""
        return self.name.endswith("events")

    @property
    def rss_mb(self) -> float:
        """The most memory that the process has had."""
        status = Path(f"/proc/{self.process.pid if self.process else 'self'}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


@dataclass(frozen=True)
class Load:
    """So many sockets for so long. `interval_s` is the pace of one socket, None for as fast as it goes."""

    sockets: int
    seconds: float
    interval_s: float | None

    async def run(self, open_socket: Callable[[int], Awaitable[tuple[ClientConnection, Send]]]) -> list[float]:
        """Return the latency of every acknowledgement in ms."""
        latencies: list[float] = []
        opened = [await open_socket(number) for number in range(self.sockets)]
        begin = time.perf_counter() + 0.1

        async def one(number: int, socket: ClientConnection, send: Send) -> None:
            turn = 0
            while (due := self._due(begin, number, turn)) < begin + self.seconds:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                turn += 1
                started = time.perf_counter()
                await send(socket, turn)
                while (answer := json.loads(await socket.recv()))["type"] == "event":
                    pass
                if answer.get("sequence_id") != turn or answer["type"] != "ack":
                    raise RuntimeError(f"a chunk was answered {answer}")
                latencies.append((time.perf_counter() - started) * 1000)

        await asyncio.gather(*(one(number, *pair) for number, pair in enumerate(opened)))
        await asyncio.gather(*(socket.close() for socket, _ in opened))
        return latencies

    def _due(self, begin: float, number: int, turn: int) -> float:
        if self.interval_s is None:
            return max(begin, time.perf_counter())
        return begin + self.interval_s * (number / self.sockets + turn)


async def send_to_product(socket: ClientConnection, number: int) -> None:
    """Send a chunk as the product takes it."""
    await socket.send(json.dumps({"type": "audio", "sequence_id": number}))
    await socket.send(CHUNKS[number % len(CHUNKS)])


async def send_to_bare(socket: ClientConnection, number: int) -> None:
    """Send a chunk as the baseline takes it."""
    await socket.send(struct.pack("!I", number) + CHUNKS[number % len(CHUNKS)])


def run_load(server: Server, stack: Stack, token: str, load: Load) -> list[float]:
    """Open the sockets on fresh sessions and put the load on them."""
    with Client(stack.url, token) as client:
        ids = [client.start("realtime", {"number": str(number)}) for number in range(load.sockets)]

    async def open_socket(number: int) -> tuple[ClientConnection, Send]:
        url = f"ws://127.0.0.1:{server.port}"
        options: dict[str, Any] = {"compression": None, "max_size": None, "ping_interval": None}
        if server.is_bare:
            return await connect(f"{url}/{ids[number]}", **options), send_to_bare
        headers = {"Authorization": f"Bearer {token}"}
        address = f"{url}/ws/v1/session/{ids[number]}/stream"
        socket = await connect(address, additional_headers=headers, **options)
        await socket.send(json.dumps({"type": "hello", "events": server.hears_events}))
        await socket.recv()
        return socket, send_to_product

    return asyncio.run(load.run(open_socket))


@contextmanager
def serving(stack: Stack) -> Iterator[list[Server]]:
    """Start the servers that take turns."""
    environment = {**stack.environment, **NO_LIMITS, "BENCH_OBJECTS": str(stack.folder / "bench-objects")}
    # It makes tables of its own and copies a session, which the product's role may not.
    bares = {**environment, "DATABASE_URL": stack.services.endpoints().superuser_url}
    product, bare = "astra_site.asgi:application", "bench.baseline.bare_consumer:application"
    uvicorn = ("--host", "127.0.0.1", "--log-level", "warning", "--port")
    servers = [
        Server("uvicorn", port := free_port(), (*UVICORN, *uvicorn, str(port))),
        Server("daphne", port := free_port(), ("-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), product)),
        Server(
            "bare", port := free_port(), (*[bare if part == product else part for part in UVICORN], *uvicorn, str(port))
        ),
    ]
    try:
        for server in servers:
            told = bares if server.name == "bare" else environment
            server.process = subprocess.Popen([sys.executable, *server.command], cwd=ROOT, env=told)
        for server in servers:
            _wait_for(server)
        first = servers[0]
        yield [*servers, Server(f"{first.name}_with_events", first.port, (), first.process)]
    finally:
        for server in servers:
            if server.process is not None:
                server.process.terminate()
                server.process.wait(timeout=20)


def _wait_for(server: Server) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{server.port}/health/ready", timeout=2)
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError(f"{server.name} did not start")


def main() -> None:
    """Measure and print one line per figure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=8.0, help="of each load")
    given = options.parse_args()
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(NO_LIMITS)
    with tempfile.TemporaryDirectory(prefix="astra-bench-") as folder, Stack(Path(folder)) as stack:
        stack.prepare(print)
        stack.start_web()
        stack.wait_until_ready()
        token = stack.manage("issue_dev_token", COUNCIL_SLUG, "--ttl-s", "36000")
        with serving(stack) as servers:
            for sockets in SOCKETS:
                _measure(servers, stack, token, sockets, given.rounds, given.seconds)
                _report(servers, sockets)
            for server in servers[:3]:
                print(f"RESULT streams_{server.name}_peak_memory {server.rss_mb:.0f} MB aim < 300")
    print(f"The load of the machine in the last 15 minutes was {os.getloadavg()[2]:.1f}, on {os.cpu_count()} cores.")


def _measure(servers: list[Server], stack: Stack, token: str, sockets: int, rounds: int, seconds: float) -> None:
    paced = Load(sockets, seconds, max(0.5, sockets / MOST_PER_S))
    full = Load(sockets, seconds, None)
    for turn in range(-1, rounds):
        for server in servers if turn % 2 else servers[::-1]:
            slow = run_load(server, stack, token, paced)
            fast = run_load(server, stack, token, full)
            if turn >= 0:  # the first round warms up
                server.paced_ms.setdefault(sockets, []).extend(slow)
                server.full_ms.setdefault(sockets, []).extend(fast)
                server.full_per_s.setdefault(sockets, []).append(len(fast) / seconds)


def _report(servers: list[Server], sockets: int) -> None:
    bare = next(server for server in servers if server.is_bare)
    for server in servers:
        paced, full = server.paced_ms[sockets], server.full_ms[sockets]
        per_s = percentile(server.full_per_s[sockets], 0.5)
        name = f"streams_{server.name}_{sockets}_sockets"
        print(f"RESULT {name}_ack_p50 {percentile(paced, 0.5):.1f} ms aim < 25")
        print(f"RESULT {name}_ack_p99 {percentile(paced, 0.99):.1f} ms aim < {25 if sockets == 50 else 500}")
        print(f"RESULT {name}_full_ack_p99 {percentile(full, 0.99):.0f} ms aim < 5000")
        print(f"RESULT {name}_full_throughput {per_s:.1f} chunks/s aim > 10")
        if server is not bare:
            share = per_s / percentile(bare.full_per_s[sockets], 0.5)
            print(f"RESULT {name}_share_of_bare {share:.2f} ratio aim >= 0.5", flush=True)


if __name__ == "__main__":
    main()
