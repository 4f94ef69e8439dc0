"""Dead connections to the database: this thread's, and those that wait in the pool."""

from __future__ import annotations

from django.db import connection


def let_go_of_dead_connection() -> bool:
    """If this thread's connection is found dead, give it up, and all that wait in the pool; say whether it was.

    A server that was restarted leaves a pool full of dead connections. The pool would find one at each request and wait
    longer each time before it looks at the next (a second, two, four): a caller that met four of them would be refused.
    Does nothing inside a transaction, and asks no server: what was cut off is known.
    """
    raw = connection.connection
    if raw is None or not raw.closed or connection.in_atomic_block:
        return False
    connection.close()
    pool = connection.pool  # type: ignore[attr-defined]  # django-stubs: the base class has none
    if pool is not None and not pool.closed:
        pool.drain()
    return True
