"""Single flight within a process: of many threads that want the same thing, one fetches it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillInTheAir
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class Flights(Generic[_Result]):
    """Safe to share between threads."""

    def __init__(self) -> None:
        """Nothing is being fetched."""
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Future[_Result | None]] = {}

    def fetch(
        self, key: Hashable, fetch: Callable[[], _Result], alone: Callable[[], _Result], wait_s: float
    ) -> _Result:
        """Return what `fetch` returns, called by the first thread that asks for a key; others wait for it.

        Who has waited for `wait_s`, or sees the first one fail, calls `alone` for itself; the next to ask is a first
        one again. Errors are those of the call that the thread made itself.
        """
        own: Future[_Result | None] = Future()
        with self._lock:
            other = self._under_way.setdefault(key, own)
        if other is not own:
            return self._result_of(key, other, wait_s) or alone()
        fetched: _Result | None = None
        try:
            fetched = fetch()
            return fetched
        finally:
            self._end(key, own)
            own.set_result(fetched)

    def _result_of(self, key: Hashable, other: Future[_Result | None], wait_s: float) -> _Result | None:
        try:
            return other.result(wait_s)
        except StillInTheAir:  # or never to land: a worker's time limit can end a thread anywhere
            self._end(key, other)
            return None

    def _end(self, key: Hashable, flight: Future[_Result | None]) -> None:
        with self._lock:
            if self._under_way.get(key) is flight:
                del self._under_way[key]
