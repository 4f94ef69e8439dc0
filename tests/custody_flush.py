"""Lets the test runner empty the tables between tests, which the product can't.

The application's role may not truncate, and the append-only triggers refuse it to everybody: there is deliberately no
setting that opens a door. Switching a trigger off is the right of the table's owner, so the owner runs the statements
of Django's `flush`, wrapped in exactly that: off, truncate, on again, in the one transaction in which Django runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db.backends.postgresql.operations import DatabaseOperations

from astra_site.lib.owner_connection import in_place_of_the_application
from astra_site.lib.scoped_postgresql.base import DatabaseWrapper

APPEND_ONLY = {
    "custody_snapshot": "custody_refuse_change",
    "custody_heldobject": "custody_refuse_change",
    "sessions_app_journalrow": "astra_append_only",
    "tenants_apiclientevent": "astra_append_only",
    "tenants_configedit": "astra_append_only",
    "tenants_configversion": "astra_append_only",
    "tenants_modelactivation": "astra_append_only",
    "tenants_quotaentry": "astra_append_only",
    "tenants_skeletonversion": "astra_append_only",
}
"""Tables that refuse TRUNCATE, with the trigger that does it."""


@contextmanager
def flush_as_owner(owner: Callable[[], DatabaseWrapper]) -> Iterator[None]:
    """Let the owner run every flush while this is open; nothing else may change append-only rows even then."""
    plain, execute = DatabaseOperations.sql_flush, DatabaseOperations.execute_sql_flush

    def sql_flush(operations: DatabaseOperations, style: Any, tables: Sequence[str], **options: Any) -> list[str]:
        statements = plain(operations, style, tables, **options)
        guarded = {table: trigger for table, trigger in APPEND_ONLY.items() if table in tables}
        off = [f"ALTER TABLE {table} DISABLE TRIGGER {trigger}" for table, trigger in guarded.items()]
        on = [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}" for table, trigger in guarded.items()]
        return [*off, *statements, *on] if statements else statements

    def execute_sql_flush(operations: DatabaseOperations, statements: Sequence[str]) -> None:
        with in_place_of_the_application(owner()):
            execute(owner().ops, statements)

    with (
        mock.patch.object(DatabaseOperations, "sql_flush", sql_flush),
        mock.patch.object(DatabaseOperations, "execute_sql_flush", execute_sql_flush),
    ):
        yield
