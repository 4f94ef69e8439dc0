"""Start, recognise and end one server process.

A pid alone proves nothing: after a crash, or in a container, the same number soon belongs to another program. A process
counts as ours only if its command line names our data folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from astra_site.embedded.errors import EmbeddedServerFailed

_POLL_S = 0.02
_LOG_TAIL_LINES = 15


def command_line(pid: int) -> str | None:
    """The arguments of a live process joined by spaces; None when there is none, or only its zombie is left."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            raw = (proc / str(pid) / "cmdline").read_bytes()
        except OSError:
            return None
        return raw.replace(b"\0", b" ").decode(errors="replace").strip() or None
    listing = subprocess.run(  # noqa: S603 - fixed program, numeric argument
        ["ps", "-p", str(pid), "-o", "command="],  # noqa: S607 - systems without /proc have ps on the PATH
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return listing.stdout.strip() or None


def is_ours(pid: int, program: str, mark: Path) -> bool:
    """True if the live process `pid` runs `program` and names the path `mark` among its arguments."""
    line = command_line(pid)
    return line is not None and program in line and str(mark) in line


def children(pid: int) -> list[int]:
    """The processes that a process has started and that live (Linux; elsewhere none are found)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # gone by now
            # The program's name stands in parentheses and may hold anything; the parent is the second field after it.
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def signal_if_alive(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone by now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Poll `condition` until it holds; False after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def spawn(
    command: Sequence[str],
    *,
    log_path: Path,
    environment: Mapping[str, str],
    ids: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that Ctrl-C in the terminal reaches it only through its owner.

    `ids` is the (uid, gid) to run under. Standard output and error are appended to `log_path`.
    """
    user, group = ids or (None, None)
    with log_path.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - the command is composed here, never from input
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=[] if ids else None,
        )


def bound_to_owner(number: signal.Signals) -> tuple[str, ...]:
    """The words before a command that make Linux send it a signal when the thread that started it ends.

    Empty where util-linux's `setpriv` is not there: then a killed owner's servers wait for the next one.
    """
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", number.name.removeprefix("SIG")) if setpriv else ()


def end(pid: int, child: subprocess.Popen[bytes] | None, signals: Sequence[signal.Signals], timeout_s: float) -> None:
    """Send the signals one after the other, each with `timeout_s` to take effect; return once the process is gone.

    Raises `EmbeddedServerFailed` (`embedded_server_survived`) when it outlives the last one.
    """
    for number in signals:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            break
        if wait_until(lambda: _gone(pid, child), timeout_s):
            return
    if not _gone(pid, child):
        raise EmbeddedServerFailed("embedded_server_survived", f"Process {pid} did not end within {timeout_s:.0f} s.")


def _gone(pid: int, child: subprocess.Popen[bytes] | None) -> bool:
    if child is not None and child.pid == pid:
        return child.poll() is not None
    return command_line(pid) is None


def log_tail(log_path: Path) -> str:
    """The last lines of a log, for an error message."""
    try:
        return "\n".join(log_path.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
    except OSError:
        return "(no log)"


def log_since(log_path: Path, position_bytes: int) -> str:
    """What a log got after a position."""
    try:
        with log_path.open("rb") as log:
            log.seek(position_bytes)
            return log.read().decode(errors="replace")
    except OSError:
        return ""
