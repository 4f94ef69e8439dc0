"""Waiting for what another thread or process does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait for a condition; fail when it does not come about in time."""
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, "the condition did not come about in time"
        threading.Event().wait(0.02)
