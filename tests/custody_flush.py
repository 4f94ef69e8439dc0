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
def flush_past_custody_triggers() -> Iterator[None]:
    """Wrap the SQL of every flush while this is open; nothing else may change custody rows even then."""
    plain = DatabaseOperations.sql_flush

    def sql_flush(operations: DatabaseOperations, style: Any, tables: Sequence[str], **options: Any) -> list[str]:
        statements = plain(operations, style, tables, **options)
        guarded = {table: trigger for table, trigger in APPEND_ONLY.items() if table in tables}
        off = [f"ALTER TABLE {table} DISABLE TRIGGER {trigger}" for table, trigger in guarded.items()]
        on = [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}" for table, trigger in guarded.items()]
        return [*off, *statements, *on] if statements else statements

    with mock.patch.object(DatabaseOperations, "sql_flush", sql_flush):
        yield
