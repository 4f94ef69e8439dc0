"""The second wall between councils: the database itself shows and takes only rows of the open scope."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.core.checks import Error, Warning
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction
from pytest_django import Settings

from astra_site.checks import check_tenant_wall, refuse_without_wall
from astra_site.lib.owner_connection import owner_connection
from astra_site.lib.tenancy import TenantOwned, all_tenants, tenant_scope
from astra_site.lib.tenant_wall import TenantWallMissing, gaps_of_the_wall, owned_tables
from tests.owner import as_the_owner
from tests.people import Person
from tests.sessions.minutes_client import OPENING, Minutes, finish_jobs
from tests.sessions.samples import WAV

pytestmark = pytest.mark.django_db(transaction=True)
OWNED = sorted(
    model._meta.db_table for model in apps.get_models() if issubclass(model, TenantOwned) and not model._meta.proxy
)


def ask(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def run(sql: str, *values: Any) -> int:
    """Run a statement and return how many rows it hit."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


@pytest.fixture
def closed(alice: Person, charlie: Person) -> None:
    """Rows in nearly every table, of two councils."""
    for person in (charlie, alice):
        minutes = Minutes.start(person)
        minutes.say(1, OPENING)
        minutes.send_audio(2, WAV)
        finish_jobs()
        minutes.close()


# -- What stands --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", OWNED)
def test_every_table_of_a_tenant_owned_model_has_one_policy_that_binds_everybody(table: str) -> None:
    """Asked of PostgreSQL's own catalogue, for each model there is: a new one is here by itself."""
    assert ask("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", table) == [
        (True, True)
    ]
    [policy] = ask(
        "SELECT cmd, roles::text[], permissive, qual, with_check FROM pg_policies WHERE tablename = %s", table
    )
    assert policy[:3] == ("ALL", ["public"], "PERMISSIVE")
    assert policy[3] == policy[4]
    assert "astra.tenant_ids" in policy[3]


def test_no_other_table_could_hold_a_councils_rows() -> None:
    """No model has a tenant and no wall; no table between two models of a tenant has no tenant."""
    assert owned_tables() == set(OWNED)
    between = [
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if model._meta.auto_created
        and any(
            issubclass(field.related_model, TenantOwned)
            for field in model._meta.concrete_fields
            if isinstance(field.related_model, type)
        )
    ]
    assert between == []


def test_the_application_is_bound_and_owns_nothing() -> None:
    [(role, *powers)] = ask(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    )
    assert not any(powers)
    assert ask("SELECT relname FROM pg_class WHERE pg_has_role(%s, relowner, 'MEMBER')", role) == []
    assert gaps_of_the_wall(connection) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE jobs_job DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE jobs_job NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY astra_tenant ON jobs_job",
        "CREATE POLICY open ON jobs_job USING (true)",
        "ALTER TABLE custody_snapshot DISABLE TRIGGER ALL",
        "TRUNCATE jobs_job CASCADE",
        "DROP TABLE jobs_jobevent",
        "CREATE TABLE own (id int)",
        "SET row_security = off; SELECT count(*) FROM jobs_job",
        "SET ROLE astra_owner",
        "DELETE FROM django_migrations",
    ],
)
def test_the_application_can_not_take_the_wall_down(statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"must be owner|permission denied|affected by row-level security"):
        run(statement)


def test_a_table_that_migrations_made_is_closed_until_its_wall_is_raised(owned_by_hand: None) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        ask("SELECT * FROM made_by_hand")


@pytest.fixture
def owned_by_hand() -> Iterator[None]:
    with as_the_owner():
        run("CREATE TABLE made_by_hand (tenant_id uuid NOT NULL)")
    yield
    with as_the_owner():
        run("DROP TABLE made_by_hand")


DAMAGES = {
    "security off": "ALTER TABLE sessions_app_session DISABLE ROW LEVEL SECURITY",
    "the owner is not bound": "ALTER TABLE sessions_app_session NO FORCE ROW LEVEL SECURITY",
    "no policy": "DROP POLICY astra_tenant ON sessions_app_session",
    "a second policy": "CREATE POLICY open ON sessions_app_session USING (true)",
    "another rule": "COMMENT ON POLICY astra_tenant ON sessions_app_session IS 'of an older version'",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_gap_is_reported_and_the_next_migration_closes_it(damage: str, settings: Settings) -> None:
    with as_the_owner():
        run(damage)
    try:
        [gap] = gaps_of_the_wall(connection)
        assert "sessions_app_session" in gap
        assert [type(found) for found in check_tenant_wall(databases=["default"])] == [Warning]
        settings.PRODUCTION = True
        assert [type(found) for found in check_tenant_wall(databases=["default"])] == [Error]
    finally:
        call_command("migrate", verbosity=0)
    assert check_tenant_wall(databases=["default"]) == []
    test_every_table_of_a_tenant_owned_model_has_one_policy_that_binds_everybody("sessions_app_session")


def test_production_closes_the_connection_of_a_role_that_could_get_around() -> None:
    plain = owner_connection()
    plain.settings_dict["OF_THE_OWNER"] = False  # the same role, as an application
    plain.ensure_connection()
    with pytest.raises(TenantWallMissing, match="owns tables"):
        refuse_without_wall(plain)
    assert plain.connection is None


# -- What is seen and taken, past every manager -------------------------------------------------------------------


def counts() -> dict[str, int]:
    return {table: int(ask(f"SELECT count(*) FROM {table}")[0][0]) for table in OWNED}


def test_plain_sql_sees_the_scope_and_nothing_without_one(closed: None, alice: Person, charlie: Person) -> None:
    with all_tenants(reason="a test counts"):
        everything = counts()
        of_alice = {
            table: int(ask(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", alice.tenant_id)[0][0])
            for table in OWNED
        }
    with tenant_scope(alice.tenant_id):
        assert counts() == of_alice
    with tenant_scope(charlie.tenant_id, alice.tenant_id):
        assert counts() == everything
    assert sum(of_alice.values()) < sum(everything.values())
    assert {table for table, number in of_alice.items() if number} >= {"sessions_app_journalrow", "custody_snapshot"}
    nothing = dict.fromkeys(OWNED, 0)
    assert counts() == nothing
    with tenant_scope():
        assert counts() == nothing


CHANGEABLE = ["sessions_app_session", "jobs_job", "tenants_skeleton", "custody_chainhead"]


@pytest.mark.parametrize("table", CHANGEABLE)
def test_plain_sql_changes_no_row_outside_the_scope(closed: None, alice: Person, charlie: Person, table: str) -> None:
    for scope in ([charlie.tenant_id], []):
        with tenant_scope(*scope):
            assert run(f"UPDATE {table} SET id = id WHERE tenant_id = %s", alice.tenant_id) == 0
            assert run(f"DELETE FROM {table} WHERE tenant_id = %s", alice.tenant_id) == 0
    with tenant_scope(alice.tenant_id):
        assert run(f"UPDATE {table} SET id = id") > 0
        with pytest.raises(ProgrammingError, match="row-level security"):
            run(f"UPDATE {table} SET tenant_id = %s", charlie.tenant_id)


def test_plain_sql_can_not_make_a_row_of_another_council(alice: Person, charlie: Person) -> None:
    insert = (
        "INSERT INTO tenants_skeleton (id, code, name, is_default, created_at, tenant_id) "
        "VALUES (gen_random_uuid(), %s, 'x', false, now(), %s)"
    )

    def insert_for(tenant_id: UUID) -> int:
        return run(insert, "OTHER", tenant_id)

    for scope in ([charlie.tenant_id], []):
        with tenant_scope(*scope), pytest.raises(ProgrammingError, match="row-level security"):
            insert_for(alice.tenant_id)
    with pytest.raises(ProgrammingError, match="row-level security"):
        insert_for(alice.tenant_id)
    with tenant_scope(alice.tenant_id):
        assert insert_for(alice.tenant_id) == 1
