"""What was journaled or published stays: the database itself refuses, past every manager."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.db.models import ProtectedError

from astra_site.lib.tenancy import all_tenants, tenant_scope
from sessions_app.models import JournalRow
from tenants.models import ConfigVersion, Skeleton, SkeletonVersion
from tests.custody_flush import APPEND_ONLY
from tests.owner import as_the_owner
from tests.people import Person
from tests.sessions.minutes_client import OPENING, Minutes

pytestmark = pytest.mark.django_db
TABLES = {
    "sessions_app_journalrow": "actor = 'somebody else'",
    "tenants_configversion": "note = 'changed'",
    "tenants_skeletonversion": "size_bytes = 1",
}


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    return minutes


@pytest.mark.parametrize(("table", "change"), TABLES.items(), ids=TABLES)
def test_sql_can_neither_change_nor_delete(minutes: Minutes, table: str, change: str) -> None:
    for statement in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}"):
        with (
            connection.cursor() as cursor,
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
        ):
            cursor.execute(statement)
    with all_tenants(reason="a test counts"), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", [*APPEND_ONLY, "tenants_tenant"])
def test_nobody_empties_a_table_that_is_append_only(table: str) -> None:
    """The application has no right to; for the owner, who has it, the trigger stands in the way."""
    with connection.cursor() as cursor, pytest.raises(ProgrammingError, match="permission denied"):
        cursor.execute(f"TRUNCATE {table} CASCADE")
    with as_the_owner(), connection.cursor() as cursor, pytest.raises(DatabaseError, match="append-only"):
        cursor.execute(f"TRUNCATE {table} CASCADE")


def test_models_can_neither_change_nor_delete(minutes: Minutes, alice: Person) -> None:
    with tenant_scope(alice.tenant_id):
        for model in (JournalRow, ConfigVersion, SkeletonVersion):
            row = model.objects.get()
            for change in (row.save, row.delete):
                with pytest.raises(DatabaseError), transaction.atomic():
                    change()


def test_a_skeleton_with_versions_can_not_be_deleted(minutes: Minutes, alice: Person) -> None:
    with tenant_scope(alice.tenant_id), pytest.raises(ProtectedError):
        Skeleton.objects.get().delete()


def test_a_journal_number_is_given_once(minutes: Minutes, alice: Person) -> None:
    with tenant_scope(alice.tenant_id):
        row = JournalRow.objects.get()
        row.pk = None
        with pytest.raises(DatabaseError), transaction.atomic():
            row.save()
