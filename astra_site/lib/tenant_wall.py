"""Row-level security on every tenant-owned table: how it is raised, and how it is seen whether it stands.

`raise_walls` runs after the migrations, as the owner of the tables (`astra_site.management.commands.migrate`): a table
is given to the application together with its policy, so that a new one without it can't be read at all. See ADR 19.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from astra_site.lib.errors import AstraError, ErrorKind
from astra_site.lib.scoped_postgresql.standing import SETTING
from astra_site.lib.tenant_scope import EVERY_TENANT

POLICY: Final = "astra_tenant"
_TOLD: Final = f"current_setting('{SETTING}', true)"
RULE: Final = (
    # In sub-selects, so that the setting is read once in a statement and not for each row.
    f"(SELECT {_TOLD}) = '{EVERY_TENANT}' OR tenant_id = ANY "
    f"((SELECT string_to_array(nullif({_TOLD}, '{EVERY_TENANT}'), ','))::uuid[])"
)
"""Which rows are seen and taken. A setting that was never made is null, and no row fits it."""
_MARK: Final = hashlib.sha256(RULE.encode()).hexdigest()
"""The policy's comment: PostgreSQL keeps a rule in words of its own, which are not compared easily."""

_TABLES: Final = """
SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
       (SELECT array_agg(obj_description(p.oid, 'pg_policy')) FROM pg_policy p WHERE p.polrelid = c.oid),
       pg_has_role(current_user, c.relowner, 'MEMBER')
FROM pg_class c WHERE pg_table_is_visible(c.oid) AND c.relkind IN ('r', 'p')
"""
_ROLE: Final = "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"


class TenantWallMissing(AstraError):
    """The database would show every council's rows to a mistake of the program; production does not work on it."""

    kind = ErrorKind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class _Table:
    is_forced: bool
    marks: Sequence[str | None]
    """The comment of each policy: a second one would let through what the first refuses."""
    is_own: bool

    @property
    def is_walled(self) -> bool:
        return self.is_forced and list(self.marks) == [_MARK]


def owned_tables() -> set[str]:
    """Return every table of a model that has a tenant, whether the model stands behind the first wall or not."""
    return {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if any(field.column == "tenant_id" for field in model._meta.concrete_fields)
    }


def raise_walls(owner: BaseDatabaseWrapper, application_role: str) -> list[str]:
    """Put each tenant-owned table behind its policy, then give the tables to the application.

    Returns the tables whose wall is new: no other is locked, so that a migration that changes nothing disturbs nobody.
    The application gets the right to read and write rows; to truncate or change tables it does not.
    """
    with owner.cursor() as cursor:
        existing = _tables(cursor)
        open_ones = sorted(name for name in owned_tables() & existing.keys() if not existing[name].is_walled)
        for table in open_ones:
            cursor.execute("SELECT polname FROM pg_policy WHERE polrelid = %s::regclass", [table])
            policies = [str(name) for (name,) in cursor.fetchall()]
            with owner.connection.transaction():  # at no moment is the table without a policy
                for statement in _wall(owner.ops.quote_name(table), map(owner.ops.quote_name, policies)):
                    cursor.execute(statement)
        cursor.execute("SELECT current_user")
        if cursor.fetchone() != (application_role,):
            known = {*owner.introspection.django_table_names(), MigrationRecorder.Migration._meta.db_table}
            for statement in _grants(owner, application_role, sorted(known & existing.keys())):
                cursor.execute(statement)
    return open_ones


def gaps_of_the_wall(connection: BaseDatabaseWrapper) -> list[str]:
    """Say in sentences what would let the role of this connection see other tenants' rows; empty when nothing would."""
    with connection.cursor() as cursor:
        cursor.execute(_ROLE)
        role, bypasses = cursor.fetchone()
        tables = _tables(cursor)
    known = tables.keys() & set(connection.introspection.django_table_names())
    own = sorted(name for name in known if tables[name].is_own)
    unwalled = sorted(name for name in owned_tables() & tables.keys() if not tables[name].is_walled)
    missing = sorted(owned_tables() - tables.keys())
    found = []
    if bypasses:
        found.append(f"The role {role} is a superuser or has BYPASSRLS: row-level security does not bind it.")
    elif own:
        found.append(f"The role {role} owns tables ({', '.join(own)}): it could take their policies away.")
    if missing:
        found.append(f"These tables are not there: {', '.join(missing)}. Run manage.py migrate.")
    if unwalled:
        found.append(f"These tables are not behind their policy: {', '.join(unwalled)}. Run manage.py migrate.")
    return found


def _tables(cursor: Any) -> dict[str, _Table]:
    cursor.execute(_TABLES)
    return {name: _Table(forced, marks or (), own) for name, forced, marks, own in cursor.fetchall()}


def _wall(table: str, policies: Iterator[str]) -> Iterator[str]:
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    for policy in policies:
        yield f"DROP POLICY {policy} ON {table}"
    yield f"CREATE POLICY {POLICY} ON {table} USING ({RULE}) WITH CHECK ({RULE})"
    yield f"COMMENT ON POLICY {POLICY} ON {table} IS '{_MARK}'"


def _grants(owner: BaseDatabaseWrapper, role: str, tables: Sequence[str]) -> Iterator[str]:
    """Rows to read and write, and the list of migrations to read. Serial keys are identities, which need no right."""
    quote = owner.ops.quote_name
    for table in tables:
        rights = "SELECT" if table == MigrationRecorder.Migration._meta.db_table else "SELECT, INSERT, UPDATE, DELETE"
        yield f"GRANT {rights} ON {quote(table)} TO {quote(role)}"
