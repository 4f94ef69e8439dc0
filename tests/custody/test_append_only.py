"""G6: the database refuses to change custody rows, on every way that SQL offers."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from astra_site.lib.tenancy import tenant_scope
from custody.models import HeldObject, Snapshot
from custody.services import seal_session
from tests.custody.ground import BuiltSession, council, store_in
from tests.custody.samples import SIGNER

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed(tmp_path: Path) -> Snapshot:
    tenant = council()
    with tenant_scope(tenant.id):
        session, store = BuiltSession.of(tenant), store_in(tmp_path)
        session.hand_over(store)
        return seal_session(session.request(store), store=store, signer=SIGNER)


@pytest.mark.parametrize("table", ["custody_snapshot", "custody_heldobject"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET session_id = gen_random_uuid()",
        "UPDATE {table} SET session_id = session_id WHERE false",
        "DELETE FROM {table}",
        "DELETE FROM {table} WHERE false",
    ],
)
def test_sql_that_changes_custody_rows_is_refused(sealed: Snapshot, table: str, statement: str) -> None:
    with connection.cursor() as cursor:
        # Deferred foreign keys of this very transaction would refuse TRUNCATE for another reason.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table=table))
    with tenant_scope(sealed.tenant_id):
        sealed.refresh_from_db()
        assert sealed.integrity_hash == str(sealed.signed.integrity_hash)
        assert HeldObject.objects.count() == 2


def as_replica(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)


def test_replication_role_does_not_open_a_door(sealed: Snapshot) -> None:
    # A plain role may not take it (ProgrammingError); for one that may, the triggers stay on (IntegrityError).
    with pytest.raises((ProgrammingError, IntegrityError), match=r"permission denied|append-only"):
        as_replica("DELETE FROM custody_snapshot")


def test_the_orm_can_not_change_a_row_either(sealed: Snapshot) -> None:
    with tenant_scope(sealed.tenant_id):
        sealed.number = 7
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            sealed.save()
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            Snapshot.objects.all().delete()


@pytest.mark.parametrize(
    ("number", "previous"), [(3, "last"), (2, ""), (2, "sha256:" + "0" * 64), (1, "last")], ids=str
)
def test_a_row_that_does_not_continue_the_chain_is_refused(sealed: Snapshot, number: int, previous: str) -> None:
    row = {field.attname: getattr(sealed, field.attname) for field in Snapshot._meta.concrete_fields}
    row.update(
        id=BuiltSession.of(sealed.tenant).session_id,
        session_id=BuiltSession.of(sealed.tenant).session_id,
        number=number,
        previous_hash=sealed.integrity_hash if previous == "last" else previous,
        integrity_hash="sha256:" + "1" * 64,
    )
    with (
        tenant_scope(sealed.tenant_id),
        pytest.raises(IntegrityError, match="does not continue the chain"),
        transaction.atomic(),
    ):
        Snapshot.objects.create(**row)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", [1, 2])
def test_the_test_runner_empties_the_tables_and_leaves_the_triggers_on(round_number: int, tmp_path: Path) -> None:
    tenant = council()
    with tenant_scope(tenant.id):
        session, store = BuiltSession.of(tenant), store_in(tmp_path)
        session.hand_over(store)
        assert seal_session(session.request(store), store=store, signer=SIGNER).number == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgenabled FROM pg_trigger WHERE tgname = 'custody_refuse_change'")
        assert cursor.fetchall() == [("A",), ("A",)]
