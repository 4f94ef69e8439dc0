"""Both servers of one checkout, started and stopped together."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from astra_site.embedded.errors import DataFolderInUse
from astra_site.embedded.postgres_server import PostgresServer
from astra_site.embedded.redis_server import RedisServer


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the servers listen: values for the variables of these names, and the superuser's address."""

    database_url: str
    database_owner_url: str
    redis_url: str
    superuser_url: str


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One server as it is now; `pid` is None when it is down."""

    name: str
    pid: int | None
    answers: bool
    log_path: Path


class EmbeddedServices:
    """PostgreSQL and Redis in `data_dir`, owned by at most one live process at a time.

    Servers that a killed owner left behind are taken over by the next `start()`. Everything is addressed by unix
    sockets inside the folder, so any number of checkouts run side by side.

    Args:
        data_dir: created when missing; relative paths are resolved now.
        redis_aof: keep Redis's append-only file.
        durable: False for tests: PostgreSQL does not wait for the disk.
        bound: both end with the thread that starts them, even when it is killed (Linux); for runs in a temporary
            folder, which nobody would take over.
    """

    def __init__(self, data_dir: Path, *, redis_aof: bool = True, durable: bool = True, bound: bool = False) -> None:
        self.data_dir = data_dir.resolve()
        self.postgres = PostgresServer(self.data_dir / "postgres", durable=durable, bound=bound)
        self.redis = RedisServer(self.data_dir / "redis", aof=redis_aof, bound=bound)
        self._ownership: TextIO | None = None

    def start(self) -> Endpoints:
        """Own the folder and return once both servers answer.

        Raises `DataFolderInUse` when another live process owns it, and what the two servers raise; then nothing that
        was started stays behind.
        """
        self._own()
        try:
            self.postgres.start()
            self.redis.start()
        except BaseException:
            self.stop()
            raise
        return self.endpoints()

    def endpoints(self) -> Endpoints:
        """The addresses, the same before and after a restart."""
        return Endpoints(self.postgres.url, self.postgres.owner_url, self.redis.url, self.postgres.superuser_url)

    def status(self) -> tuple[ServiceStatus, ServiceStatus]:
        """PostgreSQL and Redis as they are now; changes nothing."""
        return (
            ServiceStatus("PostgreSQL", self.postgres.pid, self._up(self.postgres), self.postgres.log_path),
            ServiceStatus("Redis", self.redis.pid, self._up(self.redis), self.redis.log_path),
        )

    def stop(self) -> None:
        """End both servers in order and give the folder up; nothing happens when they are down.

        Raises `DataFolderInUse` when another live process owns the folder.
        """
        self._own()
        try:
            self.redis.stop()
        finally:
            self.postgres.stop()
            self.release()

    def release(self) -> None:
        """Give the folder up and leave the servers running for a later process to take over."""
        if self._ownership is not None:
            self._ownership.close()
            self._ownership = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @staticmethod
    def _up(server: PostgresServer | RedisServer) -> bool:
        return server.pid is not None and server.answers()

    def _own(self) -> None:
        """Hold a lock that the kernel drops with this process, however it ends."""
        if self._ownership is not None:
            return
        self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = (self.data_dir / "owner.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise DataFolderInUse(
                "embedded_folder_in_use",
                f"{self.data_dir} is in use by process {owner}: stop it first, or use another data folder.",
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._ownership = lock
