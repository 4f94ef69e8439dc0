"""Keeps a lease alive from a thread of its own, so that native code that holds the worker's thread doesn't lose it."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)


class ThreadedLeaseKeeper:
    """See `jobs.core.ports.LeaseKeeper`. The thread sees the caller's tenant scope and log context."""

    @contextmanager
    def hold(self, extend: Callable[[], bool], every_s: float, at_most_s: float) -> Iterator[None]:
        """Extend in the background until the block ends, the lease is lost, or `at_most_s` are over."""
        done = threading.Event()
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(_extend_until, done, extend, every_s, at_most_s), name="lease-keeper", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(timeout=every_s)


def _extend_until(done: threading.Event, extend: Callable[[], bool], every_s: float, at_most_s: float) -> None:
    end_s = time.monotonic() + at_most_s
    while not done.wait(every_s) and time.monotonic() < end_s:
        try:
            if not extend():
                return
        except DatabaseError as error:
            # An outage shorter than the lease does no harm; a longer one loses it, and then the sweeper decides.
            logger.warning("lease not extended: %s", error)
        finally:
            connection.close()
