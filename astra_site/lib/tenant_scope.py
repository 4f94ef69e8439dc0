"""The tenants whose rows may be seen and written at the moment: opened once per request, socket, RPC, actor, command.

Apart from the models (`astra_site.lib.tenancy`), because the database's connections follow it before there are any.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from astra_site.lib.errors import AstraError

NO_TENANT: Final = ""
EVERY_TENANT: Final = "*"


class TenantScopeMissing(AstraError):
    """Tenant data was touched with no scope open: a programming error, never the caller's."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The tenants whose rows may be seen; `tenant_ids` is None for every tenant."""

    tenant_ids: frozenset[UUID] | None
    reason: str = ""

    def allows(self, tenant_id: UUID) -> bool:
        """Say whether a row of this tenant may be seen and written."""
        return self.tenant_ids is None or tenant_id in self.tenant_ids

    def as_setting(self) -> str:
        """Return the scope as the database is told it (`astra_site.lib.tenant_wall`)."""
        return EVERY_TENANT if self.tenant_ids is None else ",".join(sorted(map(str, self.tenant_ids)))


_scope: ContextVar[Scope | None] = ContextVar("astra_tenant_scope", default=None)


@contextmanager
def tenant_scope(*tenant_ids: UUID) -> Iterator[None]:
    """Open a scope on the given tenants; with no tenant given, nothing is visible."""
    token = _scope.set(Scope(frozenset(tenant_ids)))
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def all_tenants(*, reason: str) -> Iterator[None]:
    """Open a scope on every tenant. The reason stands in the code for whoever reviews it."""
    token = _scope.set(Scope(None, reason))
    try:
        yield
    finally:
        _scope.reset(token)


def current_scope() -> Scope:
    """Return the open scope; raise `TenantScopeMissing` when there is none."""
    scope = _scope.get()
    if scope is None:
        raise TenantScopeMissing("tenant_scope_missing", "Tenant data was asked for with no tenant scope open.")
    return scope


def scope_setting() -> str:
    """Return the open scope as the database is told it: nothing where none is open, so that nothing is seen there."""
    scope = _scope.get()
    return NO_TENANT if scope is None else scope.as_setting()


def current_tenant_id() -> UUID:
    """Return the tenant of a scope on exactly one tenant."""
    scope = current_scope()
    if scope.tenant_ids is None or len(scope.tenant_ids) != 1:
        raise TenantScopeMissing("tenant_scope_ambiguous", "This needs a scope on exactly one tenant.")
    return next(iter(scope.tenant_ids))
