"""Of many threads that want the same thing one fetches it, and nobody depends on that one."""

from __future__ import annotations

from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from astra_site.lib.flights import Flights
from tests.waiting import until

WAIT_S = 30.0


class Counted(Flights[str]):
    """Counts who waits for another one."""

    waiting = 0

    def _result_of(self, key: Hashable, other: Future[str | None], wait_s: float) -> str | None:
        self.waiting += 1
        return super()._result_of(key, other, wait_s)


def never() -> str:
    raise AssertionError("this one should not fetch for itself")


def test_one_fetches_for_all_and_the_next_to_ask_fetches_again() -> None:
    flights = Counted()
    fetching, may_land = Event(), Event()

    def fetch() -> str:
        fetching.set()
        may_land.wait(WAIT_S)
        return "first"

    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(flights.fetch, "key", fetch, never, WAIT_S)
        assert fetching.wait(WAIT_S)
        others = [threads.submit(flights.fetch, "key", never, never, WAIT_S) for _ in range(4)]
        until(lambda: flights.waiting == len(others), WAIT_S)
        assert flights.fetch("another key", lambda: "its own", never, WAIT_S) == "its own"
        may_land.set()
        assert {first.result(WAIT_S), *(other.result(WAIT_S) for other in others)} == {"first"}
    assert flights.fetch("key", lambda: "second", never, WAIT_S) == "second"


def test_a_first_one_that_fails_fails_alone() -> None:
    flights = Counted()
    fetching, may_fail = Event(), Event()

    def fail() -> str:
        fetching.set()
        may_fail.wait(WAIT_S)
        raise ConnectionResetError

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(flights.fetch, "key", fail, never, WAIT_S)
        assert fetching.wait(WAIT_S)
        other = threads.submit(flights.fetch, "key", never, lambda: "alone", WAIT_S)
        until(lambda: flights.waiting == 1, WAIT_S)
        may_fail.set()
        assert other.result(WAIT_S) == "alone"
        with pytest.raises(ConnectionResetError):
            first.result(WAIT_S)


def test_one_that_never_comes_back_is_waited_for_once() -> None:
    flights: Flights[str] = Flights()
    flights._under_way["key"] = Future()  # as a thread leaves it that a time limit has ended
    assert flights.fetch("key", never, lambda: "alone", 0.01) == "alone"
    assert flights.fetch("key", lambda: "first again", never, WAIT_S) == "first again"
    assert flights._under_way == {}
