"""What `make serve` started ends with it: told to stop, or killed so hard that it could end nothing itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from astra_site.embedded.processes import command_line
from demo.stack import ROOT, free_port
from tests.running_stack import without_servers

PROC = Path("/proc")
STARTS_WITHIN_S = 120.0
ENDS_WITHIN_S = 30.0

pytestmark = pytest.mark.skipif(not (PROC / "self").exists(), reason="children are found in /proc")


def parents() -> dict[int, int]:
    """Every process and its parent."""
    found = {}
    for status in PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            found[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    return found


def descendants(pid: int) -> set[int]:
    """The children of a process, their children, and so on."""
    everybody = parents()
    found: set[int] = set()
    added = {pid}
    while added:
        added = {child for child, parent in everybody.items() if parent in added} - found
        found |= added
    return found


def alive(pids: dict[int, str]) -> list[str]:
    """The command lines of those that still run, as the programs that they were."""
    return [line for pid, line in pids.items() if command_line(pid) == line]


def wait_for(condition: Callable[[], bool], what: Callable[[], str], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what()
        threading.Event().wait(0.1)


@contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`make serve` on a folder of its own, once it says that it runs."""
    log = folder / "serve.log"
    environment = without_servers()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo.serve", "--folder", str(folder / "serve")],
            cwd=ROOT,
            env={**environment, "PORT": str(free_port())},
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    try:
        wait_for(
            lambda: process.poll() is not None or "ASTRA is running" in log.read_text(), log.read_text, STARTS_WITHIN_S
        )
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=ENDS_WITHIN_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_of_what_was_served(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as process:
        children = {pid: line for pid in descendants(process.pid) if (line := command_line(pid))}
        for part in ("uvicorn", "dramatiq", "run_sweeper", "postgres", "redis-server"):
            assert any(part in line for line in children.values()), children
        process.send_signal(number)
        process.wait(timeout=ENDS_WITHIN_S)
    assert process.returncode == (0 if number is not signal.SIGKILL else -signal.SIGKILL)
    wait_for(lambda: not alive(children), lambda: f"left behind: {alive(children)}", ENDS_WITHIN_S)


def test_a_stack_ends_what_an_owner_and_its_guard_left_behind(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    folder.mkdir()
    environment = {**os.environ, "ASTRA_STACK_FOLDER": str(folder)}
    left = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment)
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys; from pathlib import Path; from demo.lifeline import end_leftovers;"
                "end_leftovers(Path(sys.argv[1]))",
                str(folder),
            ],
            cwd=ROOT,
            check=True,
            timeout=ENDS_WITHIN_S,
        )
        assert left.wait(timeout=ENDS_WITHIN_S) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        for process in (left, other):
            process.kill()
            process.communicate(timeout=ENDS_WITHIN_S)
