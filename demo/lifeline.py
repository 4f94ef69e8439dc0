"""Ends process groups when their owner is gone, even one that was killed and could end nothing itself.

The kernel's own way (`PR_SET_PDEATHSIG`) reaches a child only, not what that child has forked. So a small guard, the
program `python -m demo.lifeline`, holds the reading end of a pipe and is told which groups to watch over; when the
writing end closes, it ends those that are left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

_ROOT = Path(__file__).resolve().parent.parent
_GRACE_S = 5.0
_POLL_S = 0.05
_MARK = "ASTRA_STACK_FOLDER"


class Lifeline:
    """A guard for the process groups of this process."""

    def __init__(self) -> None:
        """Start the guard, in a session of its own."""
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "demo.lifeline"], cwd=_ROOT, stdin=subprocess.PIPE, start_new_session=True
        )

    def watch(self, group: int) -> None:
        """End this group when this process is gone."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Leave this group alone from now on: it has ended."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Let the guard end what is left of the watched groups, and wait for it."""
        if self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.close()
        self._guard.wait(timeout=_GRACE_S * 2)

    def _tell(self, line: str) -> None:
        if self._guard.stdin is not None:
            self._guard.stdin.write(line.encode())
            self._guard.stdin.flush()


def marked(folder: Path) -> dict[str, str]:
    """Return the environment variable by which `end_leftovers` knows the processes of a folder."""
    return {_MARK: str(folder)}


def end_leftovers(folder: Path) -> None:
    """End the processes that an earlier owner of the folder left behind (Linux; elsewhere nothing is found).

    To be called only by the folder's owner: every process marked with the folder is ended.
    """
    mark = f"{_MARK}={folder}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # another user's, or gone by now
            if mark in environment.read_bytes().split(b"\0"):
                os.kill(int(environment.parent.name), signal.SIGKILL)


def end_groups(groups: Iterable[int], grace_s: float = _GRACE_S) -> None:
    """Ask every group to end, wait for `grace_s` at most, and end by force what is left."""
    left = [group for group in groups if _signalled(group, signal.SIGTERM)]
    deadline = time.monotonic() + grace_s
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        left = [group for group in left if _signalled(group, 0)]
    for group in left:
        _signalled(group, signal.SIGKILL)


def _signalled(group: int, number: int) -> bool:
    """Send a signal (0: none) to a group; False when nobody is in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def _guard(told: BinaryIO) -> None:
    """Read groups until the owner is gone, then end those that were not forgotten."""
    watched: set[int] = set()
    for line in told:
        group = int(line[1:])
        (watched.add if line.startswith(b"+") else watched.discard)(group)
    end_groups(watched)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    _guard(sys.stdin.buffer)
