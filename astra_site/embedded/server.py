"""What the embedded servers have in common: a folder of their own, and one process on it."""

from __future__ import annotations

import signal
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from astra_site.embedded import processes

_STOP_TIMEOUT_S = 15


class FolderServer(ABC):
    """A server whose data and log live in `home`, whoever started its process."""

    def __init__(self, home: Path, *, bound: bool) -> None:
        self.home = home.resolve()
        self._bound = bound
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def data_folder(self) -> Path:
        """Where the server keeps its data."""
        return self.home / "data"

    @property
    def log_path(self) -> Path:
        """The server's own log."""
        return self.home / "server.log"

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """The pid of the running server, also of one that an earlier process left behind; None when it is down."""

    def _child_died(self) -> bool:
        return self._child is not None and self._child.poll() is not None

    def _end_process(self, signals: list[signal.Signals]) -> None:
        """Send the signals one after the other until the server is gone."""
        pid = self.pid or (self._child.pid if self._child is not None and not self._child_died() else None)
        if pid is not None:
            processes.end(pid, self._child, signals, timeout_s=_STOP_TIMEOUT_S)
        self._child = None
