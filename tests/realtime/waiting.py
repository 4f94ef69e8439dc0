"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.conf import settings

from astra_site.lib import threads
from sessions_app.realtime.places import places

WITHIN_S = 15.0


def wait_until(happened: Callable[[], bool]) -> None:
    """Look again and again until it has happened."""
    deadline = time.monotonic() + WITHIN_S
    while not happened():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def nothing_is_open() -> bool:
    """Say whether this process holds no socket."""
    return places.open_count == 0


def wait_for_threads() -> None:
    """Wait until every thread for blocking work is free: a call goes on when its socket is gone."""
    together = threading.Barrier(settings.ASYNC_THREADS)
    waiting = [threads._threads().submit(together.wait, WITHIN_S) for _ in range(settings.ASYNC_THREADS)]
    for one in waiting:
        one.result(WITHIN_S)
