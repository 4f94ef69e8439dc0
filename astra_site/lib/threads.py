"""Blocking work (Django's ORM, files) for async edges: HTTP's fast path, WebSocket, gRPC, watchers.

`asgiref`'s thread-sensitive mode would run the work of all sockets of a process in one thread, one after the other.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from time import monotonic
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from astra_site.lib.database_pool import let_go_of_dead_connection

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Parameters = ParamSpec("_Parameters")

_KEPT_FOR_S = 60.0
_TRUSTED_FOR_S = 1.0
"""A connection that answered a moment ago is not asked again whether it lives."""


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.ASYNC_THREADS, thread_name_prefix="astra-async")


async def in_thread(
    call: Callable[_Parameters, _Result], /, *args: _Parameters.args, **kwargs: _Parameters.kwargs
) -> _Result:
    """Run a blocking call in a pool of threads and return what it returns.

    It sees the caller's tenant scope and log context. Its thread keeps its database connection for the next call, for a
    minute at most: taking one from the pool and asking it whether it lives takes as long as a statement. A cancelled
    caller goes on at once, the call itself runs to its end.
    """
    context = contextvars.copy_context()
    work = partial(context.run, _on_kept_connections, partial(call, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


def each_at_once(work: Callable[[_Item], _Result], items: Sequence[_Item], at_once: int) -> Iterator[_Result]:
    """Do the same blocking work on many items, a few at once; yield what it returns, in the order of the items.

    Every thread sees the caller's tenant scope and log context. The first error, in the order of the items, is raised
    as soon as its turn comes; what has not begun then is not begun any more. Inside a transaction, which no other
    thread can share, the items are done one after the other.
    """
    if at_once <= 1 or len(items) <= 1 or transaction.get_connection().in_atomic_block:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="astra-each") as threads:
        waiting = [
            threads.submit(contextvars.copy_context().run, _with_connections_given_back, partial(work, item))
            for item in items
        ]
        try:
            for done in waiting:
                yield done.result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


def _with_connections_given_back(call: Callable[[], _Result]) -> _Result:
    close_old_connections()
    try:
        return call()
    finally:
        close_old_connections()


def give_connections_back() -> None:
    """Return the kept connections of all threads to the pool. Only while no call is running: at the end of tests."""
    for connection in list(_kept):
        connection.inc_thread_sharing()
        try:
            _give_back(connection)
        finally:
            connection.dec_thread_sharing()


class _Times(threading.local):
    """When this thread's connection was taken from the pool, and last used (monotonic, s)."""

    taken_s = 0.0
    used_s = 0.0


_times = _Times()
_kept: set[BaseDatabaseWrapper] = set()


def _on_kept_connections(call: Callable[[], _Result]) -> _Result:
    now_s = monotonic()
    is_old, is_rested = now_s - _times.taken_s > _KEPT_FOR_S, now_s - _times.used_s > _TRUSTED_FOR_S
    for connection in _open_connections():
        if is_old:
            _give_back(connection)
        elif is_rested and not connection.is_usable():
            let_go_of_dead_connection()
            _give_back(connection)
    try:
        return call()
    finally:
        _keep_what_is_well()


def _keep_what_is_well() -> None:
    _times.used_s = monotonic()
    for connection in _open_connections():
        if connection.errors_occurred or connection.in_atomic_block or not connection.get_autocommit():
            _give_back(connection)
        elif connection not in _kept:
            _times.taken_s = _times.used_s
            _kept.add(connection)


def _open_connections() -> list[BaseDatabaseWrapper]:
    return [one for one in connections.all(initialized_only=True) if one.connection is not None]


def _give_back(connection: BaseDatabaseWrapper) -> None:
    _kept.discard(connection)
    connection.close()
