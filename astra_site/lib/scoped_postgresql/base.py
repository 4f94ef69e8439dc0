"""Django's connection to PostgreSQL, which tells the server the open tenant scope before a statement needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from astra_site.lib.scoped_postgresql.standing import forget, tell
from astra_site.lib.tenant_scope import scope_setting

_Result = TypeVar("_Result")
_TAKES_BACK_WHAT_WAS_TOLD = ("ROLLBACK TO", "RESET", "DISCARD")


class DatabaseWrapper(base.DatabaseWrapper):
    """See the package. Every statement passes here: the ORM's and those of cursors by `run_in_scope`.

    What was told stays with the connection, in the pool too; it is compared before each statement, so the next user of
    a connection sees by his own scope, and a connection that serves one tenant again and again is told once.

    Where a pooler shares connections between transactions (`SHARED_BETWEEN_TRANSACTIONS` in the database's settings),
    what one client says between transactions would hold for the next. There each transaction is told for itself, and a
    statement on its own becomes one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shared = bool(self.settings_dict.get("SHARED_BETWEEN_TRANSACTIONS"))
        self.execute_wrappers.append(self._execute_in_scope)

    def run_in_scope(self, call: Callable[[], _Result]) -> _Result:
        """Run a statement on the open connection in the open tenant scope; without one it sees and writes no tenant's.

        Raises Django's database errors.
        """
        connection: psycopg.Connection[Any] = self.connection
        with self.wrap_database_errors:
            if self._shared and connection.autocommit and _is_idle(connection):
                forget(connection, lasting=True)
                with connection.transaction():
                    tell(connection, scope_setting(), lasting=False)
                    return call()
            tell(connection, scope_setting(), lasting=not self._shared)
        return call()

    def _execute_in_scope(
        self, execute: Callable[..., _Result], sql: Any, params: Any, many: bool, context: Mapping[str, Any]
    ) -> _Result:
        done = self.run_in_scope(partial(execute, sql, params, many, context))
        if isinstance(sql, str) and sql.startswith(_TAKES_BACK_WHAT_WAS_TOLD):
            forget(self.connection, lasting=not sql.startswith("ROLLBACK"))
        return done


def _is_idle(connection: psycopg.Connection[Any]) -> bool:
    return connection.pgconn.transaction_status == TransactionStatus.IDLE
