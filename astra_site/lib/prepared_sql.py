"""Statements of the hot path: bound and prepared by the server, on the connection and in the transaction of Django.

Django binds parameters on the client, so that every statement is parsed and planned anew. Where a statement runs for
each chunk of each live session, that is most of its time. They run in the open tenant scope, as the ORM's do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections

from astra_site.lib.database_pool import let_go_of_dead_connection
from astra_site.lib.scoped_postgresql.base import DatabaseWrapper


def fetch_one(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """Run a statement and return its first row, or None. Raises Django's database errors, as the ORM does."""
    connection = cast(DatabaseWrapper, connections[DEFAULT_DB_ALIAS])
    with connection.wrap_database_errors:
        connection.ensure_connection()
        connection.validate_no_broken_transaction()
        return connection.run_in_scope(partial(_execute, connection, sql, parameters))


def fetch_again(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """Do the same for a statement that only reads, on a fresh connection if the kept one turns out to be dead.

    A thread keeps its connection (`astra_site.lib.threads`) and does not ask each time whether it lives; so the first
    statement of a piece of work finds out. Nothing else is repeated: no statement that took too long, no wait for an
    exhausted pool, nothing inside a transaction.
    """
    try:
        return fetch_one(sql, parameters)
    except (OperationalError, InterfaceError):
        if not let_go_of_dead_connection():
            raise
    return fetch_one(sql, parameters)


def _execute(connection: DatabaseWrapper, sql: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql, parameters, prepare=settings.DATABASE_PREPARES)
        return cursor.fetchone()
