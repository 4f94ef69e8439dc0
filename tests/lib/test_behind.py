"""Work behind the answer: in order, together, never at the cost of who hands it over."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from astra_site.lib.behind import Behind
from astra_site.web_server import UVICORN
from tests.waiting import until

DEADLINE_S = 20.0
ROOT = Path(__file__).parents[2]


class Broken(Exception):
    """A dependency that does not answer."""


def test_everything_is_done_in_order_and_in_few_goes() -> None:
    goes: list[list[int]] = []
    behind = Behind("test", goes.append, ())
    for number in range(1000):
        behind.hand_over(number)
    assert behind.finish(DEADLINE_S)
    assert [number for go in goes for number in go] == list(range(1000))
    assert len(goes) < 100


def test_from_many_threads_each_item_is_done_once() -> None:
    done: list[int] = []
    behind = Behind("test", done.extend, ())

    def hand_over(who: int) -> None:
        for number in range(200):
            behind.hand_over(who * 1000 + number)

    threads = [threading.Thread(target=hand_over, args=[who]) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert behind.finish(DEADLINE_S)
    assert sorted(done) == sorted(who * 1000 + n for who in range(8) for n in range(200))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_nobody_expected_ends_a_go_and_not_the_sender() -> None:
    done: list[int] = []
    fails = [True, False]

    def do(items: list[int]) -> None:
        if fails.pop(0):
            raise ValueError("a mistake")
        done.extend(items)

    behind = Behind("mistaken", do, (Broken,))
    behind.hand_over(1)
    assert behind.finish(DEADLINE_S)
    deadline_s = time.monotonic() + DEADLINE_S
    while any(thread.name == "mistaken" and thread.is_alive() for thread in threading.enumerate()):
        assert time.monotonic() < deadline_s
    behind.hand_over(2)
    assert behind.finish(DEADLINE_S)
    assert done == [2]


def test_after_a_failure_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    fails = [True, False]

    def do(items: list[int]) -> None:
        if fails.pop(0):
            raise Broken("no answer")
        done.extend(items)

    behind = Behind("test", do, (Broken,))
    behind.hand_over(1)
    assert behind.finish(DEADLINE_S)
    behind.hand_over(2)
    assert behind.finish(DEADLINE_S)
    assert done == [2]
    assert "test: 1 items were dropped: no answer" in caplog.text


def test_handing_over_never_waits_and_memory_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    go_on, done = threading.Event(), []
    begun = threading.Event()

    def do(items: list[int]) -> None:
        begun.set()
        assert go_on.wait(DEADLINE_S)
        done.extend(items)

    behind = Behind("test", do, ())
    behind.hand_over(0)
    assert begun.wait(DEADLINE_S)
    for number in range(1, 25_000):
        behind.hand_over(number)
    assert not behind.finish(0.01)
    go_on.set()
    assert behind.finish(DEADLINE_S)
    assert done == list(range(20_001))
    assert caplog.text.count("what comes is dropped") == 1


def test_a_process_that_ends_in_order_finishes_first(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from astra_site.lib.behind import Behind
file = Path({str(tmp_path / "done")!r}).open("w", buffering=1)
behind = Behind("test", lambda items: file.writelines(str(n) + "\\n" for n in items), ())
for number in range(50):
    behind.hand_over(number)
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=DEADLINE_S)
    assert (tmp_path / "done").read_text().split() == [str(number) for number in range(50)]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_thread_of_its_own(tmp_path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from astra_site.lib.behind import Behind
file = Path({str(tmp_path / "done")!r}).open("a", buffering=1)
behind = Behind("test", lambda items: file.writelines(f"{{os.getpid() == parent}} {{n}}\\n" for n in items), ())
parent = os.getpid()
behind.hand_over("before")
assert behind.finish(10)
child = os.fork()
behind.hand_over("after")
assert behind.finish(10)
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=DEADLINE_S)
    lines = sorted((tmp_path / "done").read_text().splitlines())
    assert lines == ["False after", "True after", "True before"]
    assert os.getpid()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_one_at_once_keeps_the_others_from_a_mistake() -> None:
    done: list[int] = []

    def do(items: list[int]) -> None:
        if items == [2]:
            raise ValueError("a mistake")
        done.extend(items)

    behind = Behind("alone", do, (), at_once=1)
    for number in range(1, 8):
        behind.hand_over(number)
    until(lambda: done[:1] == [1], DEADLINE_S)
    until(lambda: not any(thread.name == "alone" for thread in threading.enumerate()), DEADLINE_S)
    behind.hand_over(8)
    assert behind.finish(DEADLINE_S)
    assert done == [1, 3, 4, 5, 6, 7, 8]


def test_a_web_server_that_is_told_to_stop_does_what_waits_first(tmp_path: Path) -> None:
    """It ends by the signal, without the exit of a Python program."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    written = tmp_path / "lines"
    program = (sys.executable, *(part.replace("astra_site.asgi", "tests.lib.answering_behind") for part in UVICORN))
    process = subprocess.Popen(
        (*program, "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
        cwd=ROOT,
        env={**os.environ, "BEHIND_FILE": str(written)},
    )

    def answers() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/first").status_code == 200
        return False

    try:
        until(answers, DEADLINE_S)
        until(written.exists, DEADLINE_S)
        httpx.get(f"http://127.0.0.1:{port}/last")
        process.terminate()
        process.wait(DEADLINE_S)
    finally:
        process.kill()
    assert written.read_text().splitlines() == ["/first", "/last"]
