"""The database's connections that nobody uses at the moment."""

from __future__ import annotations

from django.db import connection


def drop_dead_connections() -> None:
    """Replace all unused connections that are dead, at once. Called where one was found dead.

    A server that was restarted leaves a pool full of them. The pool finds one at each request and waits longer each
    time before it looks at the next (a second, two, four), so a caller that met four of them would be refused.
    """
    pool = connection.pool  # type: ignore[attr-defined]  # django-stubs: the base class has none
    if pool is not None and not pool.closed:
        pool.check()
