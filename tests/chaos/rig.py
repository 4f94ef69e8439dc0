"""A running product of the suite's own, whose every part can be killed, frozen and started again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from astra_site.embedded import RedisServer
from demo.stack import Stack
from tests.chaos.disorder import FILE_VARIABLE, Disorder
from tests.transports.line import await_grpc, grpc_target_of

PARTS = ("web", "grpc", "worker", "sweeper")
LEASE_S = 4
RESEND_AFTER_S = 2


class Rig(Stack):
    """A stack with gRPC beside the web server, short leases, and a broker that can be told to misbehave."""

    def __post_init__(self) -> None:
        """Add the suite's own settings to the stack's environment."""
        super().__post_init__()
        self.environment |= {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            FILE_VARIABLE: str(self._disorder_path),
            "ASTRA_JOB_LEASE_S": str(LEASE_S),
            "ASTRA_JOB_RESEND_AFTER_S": str(RESEND_AFTER_S),
            "ASTRA_LOG_LEVEL": "WARNING",
        }

    @property
    def _disorder_path(self) -> Path:
        return self.folder / "disorder.json"

    def start(self, report: Callable[[str], None]) -> None:
        """Start part after part, and wait until gRPC answers too."""
        super().start(report)
        self.start_grpc()
        await_grpc(grpc_target_of(self))
        report(f"gRPC runs at {grpc_target_of(self)}")

    def start_part(self, name: str) -> None:
        """Start a part again."""
        starts = {
            "web": self.start_web,
            "grpc": self.start_grpc,
            "worker": self.start_worker,
            "sweeper": self.start_sweeper,
        }
        starts[name]()

    def signal_part(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a part and all its processes."""
        os.killpg(self.processes[name].pid, number)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop a part in its tracks, as a starved or swapped-out machine would."""
        self.signal_part(name, signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal_part(name, signal.SIGCONT)

    @contextmanager
    def frozen_redis(self) -> Iterator[None]:
        """Let Redis take connections and answer nothing."""
        pid = self.services.redis.pid or 0
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def kill_redis(self, *, aof: bool, unflushed_s: float = 0.0) -> None:
        """Kill Redis; without the append-only file nothing of it is left.

        With it, what was written in the last `unflushed_s` is missing: `everysec` promises no more to whoever loses the
        machine and not only the process.
        """
        with self._redis() as client:
            client.config_set("appendonly", "yes" if aof else "no")
        written_bytes = {path: path.stat().st_size for path in self._append_only_files()}
        pause(unflushed_s)
        self.services.redis.kill()
        if unflushed_s:
            for path, size_bytes in written_bytes.items():
                os.truncate(path, size_bytes)
        self.services.redis = RedisServer(self.services.redis.home, aof=aof, bound=True)

    def _append_only_files(self) -> list[Path]:
        """Return the growing file: Redis 6 has one, Redis 7 names its pieces."""
        found = self.services.redis.data_folder.rglob("appendonly.aof*")
        return [path for path in found if path.suffix == ".aof" and ".base." not in path.name]

    def start_redis(self) -> None:
        """Start Redis from what is left, and let it keep an append-only file from now on."""
        self.services.redis.start()
        with self._redis() as client:
            client.config_set("appendonly", "yes")

    def empty_redis(self) -> None:
        """Lose everything that is in Redis."""
        with self._redis() as client:
            client.flushall()

    @contextmanager
    def disorder(self, disorder: Disorder) -> Iterator[None]:
        """Double, delay, reorder and lose messages meanwhile."""
        disorder.begin(self._disorder_path)
        try:
            yield
        finally:
            self._disorder_path.unlink()

    def _redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.environment["REDIS_URL"], socket_timeout=5, socket_connect_timeout=5)


def pause(seconds: float, unless: Callable[[], bool] = lambda: False) -> None:
    """Let a fault last; it ends early when it has nothing left to disturb."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not unless():
        time.sleep(0.05)
