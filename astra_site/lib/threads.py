"""Blocking work (Django's ORM, files) for async edges: WebSocket, gRPC, watchers.

`asgiref`'s thread-sensitive mode would run the work of all sockets of a process in one thread, one after the other.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections, transaction

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Parameters = ParamSpec("_Parameters")


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.ASYNC_THREADS, thread_name_prefix="astra-async")


async def in_thread(
    call: Callable[_Parameters, _Result], /, *args: _Parameters.args, **kwargs: _Parameters.kwargs
) -> _Result:
    """Run a blocking call in a pool of threads and return what it returns.

    It sees the caller's tenant scope and log context; its database connection goes back to the pool afterwards. A
    cancelled caller goes on at once, the call itself runs to its end.
    """
    context = contextvars.copy_context()
    work = partial(context.run, _with_connections_given_back, partial(call, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


def _with_connections_given_back(call: Callable[[], _Result]) -> _Result:
    close_old_connections()
    try:
        return call()
    finally:
        close_old_connections()


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
