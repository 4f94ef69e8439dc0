"""Small work behind the answer: handed over by any thread, done in batches by one thread of the process.

For hints only: what waits here is lost when the process is killed, so something else must mend it. A process that
ends in order does what is waiting first: at its exit, and under a web server, which ends by its signal and has no exit,
at the end of its lifespan (`astra_site.lifespan`).
"""

from __future__ import annotations

import atexit
import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

_Item = TypeVar("_Item")
_finishes: list[Callable[[float], bool]] = []
_GATHERED_FOR_S = 0.02
"""How long the first item waits for others: a wake-up of a thread costs more than most items."""
_MOST_WAITING = 20_000
_MOST_AT_ONCE = 500
_END_WITHIN_S = 3.0
_REST_S = 1.0
"""How long a dependency that failed is left alone."""
_WARN_EVERY_S = 10.0


class Behind(Generic[_Item]):
    """Hands items over to `do`, in order, some at a time.

    Args:
        name: of the thread, and in the log.
        do: does the work of some items. It must have a timeout on everything and raise only what is in `expected`.
        expected: errors of a dependency: the items are dropped with a line in the log.
        at_once: so many items are done together at most, and lost together by an error that nobody expected.
    """

    def __init__(
        self,
        name: str,
        do: Callable[[list[_Item]], None],
        expected: tuple[type[Exception], ...],
        at_once: int = _MOST_AT_ONCE,
    ) -> None:
        self._name, self._do, self._expected, self._at_once = name, do, expected, at_once
        self._start_over()
        os.register_at_fork(after_in_child=self._start_over)
        atexit.register(self.finish, _END_WITHIN_S)
        _finishes.append(self.finish)

    def _start_over(self) -> None:
        self._waiting: deque[_Item] = deque()
        self._lock = threading.Condition()
        self._wanted = threading.Event()
        self._rest = threading.Event()
        self._is_working = False
        self._warned_s = -math.inf
        self._thread: threading.Thread | None = None

    def hand_over(self, item: _Item) -> None:
        """Have an item done soon. Never blocks; drops the item when far too many wait."""
        if len(self._waiting) >= _MOST_WAITING:
            self._warn_of_drops()
            return
        self._waiting.append(item)
        if not self._wanted.is_set():
            self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def _warn_of_drops(self) -> None:
        now_s = time.monotonic()
        if now_s - self._warned_s > _WARN_EVERY_S:
            self._warned_s = now_s
            logger.warning("%s: more than %d items wait; what comes is dropped", self._name, _MOST_WAITING)

    def finish(self, within_s: float) -> bool:
        """Wait until nothing waits and nothing is being done; False when it takes longer than `within_s`."""
        with self._lock:
            self._rest.set()  # nobody rests at the end
            return self._lock.wait_for(lambda: not self._waiting and not self._is_working, within_s)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                thread.start()
                self._thread = thread

    def _work(self) -> None:
        while True:
            self._wanted.wait()
            time.sleep(_GATHERED_FOR_S)
            self._wanted.clear()
            with self._lock:
                self._is_working = True
            try:
                self._do_all()
            finally:  # what nobody expected ends this thread, with its traceback; the next item starts another one
                with self._lock:
                    self._is_working = False
                    self._lock.notify_all()

    def _do_all(self) -> None:
        while items := self._some():
            try:
                self._do(items)
            except self._expected as error:
                logger.warning("%s: %d items were dropped: %s", self._name, len(items), error)
                self._rest.wait(_REST_S)

    def _some(self) -> list[_Item]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._at_once))]


def finish_all() -> None:
    """Do what waits in this process, for some seconds at most."""
    for finish in _finishes:
        finish(_END_WITHIN_S)
