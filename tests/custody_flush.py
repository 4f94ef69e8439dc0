"""Lets the test runner empty the custody tables between tests, which production can't.

The append-only triggers refuse TRUNCATE, and there is deliberately no setting that opens a door. Switching a trigger
off is the right of the table's owner, so the statements of Django's `flush` are wrapped in exactly that: off, truncate,
on again, in the one transaction in which Django runs them. For `conftest.py`:

    @pytest.fixture(scope="session", autouse=True)
    def custody_tables_can_be_flushed() -> Iterator[None]:
        with flush_past_custody_triggers():
            yield
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db.backends.postgresql.operations import DatabaseOperations

APPEND_ONLY_TABLES = ("custody_snapshot", "custody_heldobject")
TRIGGER = "custody_refuse_change"


@contextmanager
def flush_past_custody_triggers() -> Iterator[None]:
    """Wrap the SQL of every flush while this is open; nothing else may change custody rows even then."""
    plain = DatabaseOperations.sql_flush

    def sql_flush(operations: DatabaseOperations, style: Any, tables: Sequence[str], **options: Any) -> list[str]:
        statements = plain(operations, style, tables, **options)
        guarded = [table for table in APPEND_ONLY_TABLES if table in tables]
        off = [f"ALTER TABLE {table} DISABLE TRIGGER {TRIGGER}" for table in guarded]
        on = [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {TRIGGER}" for table in guarded]
        return [*off, *statements, *on] if statements else statements

    with mock.patch.object(DatabaseOperations, "sql_flush", sql_flush):
        yield
