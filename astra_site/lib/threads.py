"""Blocking work (Django's ORM, files) for async edges: WebSocket, gRPC, watchers.

`asgiref`'s thread-sensitive mode would run the work of all sockets of a process in one thread, one after the other.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections

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
