"""The first wall between two councils: no query without an open tenant scope.

A scope is opened once per request, socket, RPC, actor and command. Managers of tenant-owned models raise
`TenantScopeMissing` when none is open, filter by it when one is, and refuse to write another tenant's row.
The only way around is `all_tenants(reason=...)`, which is easy to find with a search. The second wall stands in the
database, which is told the same scope (`astra_site.lib.scoped_postgresql`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db import models

from astra_site.lib.errors import Forbidden, NotFound
from astra_site.lib.tenant_scope import (
    Scope,
    TenantScopeMissing,
    all_tenants,
    current_scope,
    current_tenant_id,
    tenant_scope,
)

__all__ = [
    "Scope",
    "TenantManager",
    "TenantOwned",
    "TenantQuerySet",
    "TenantScopeMissing",
    "all_tenants",
    "current_scope",
    "current_tenant_id",
    "get_owned",
    "tenant_scope",
]

_Owned = TypeVar("_Owned", bound="TenantOwned")


class TenantQuerySet(models.QuerySet[_Owned]):
    """Checks the scope on the ways of writing that pass by `Model.save`."""

    def bulk_create(self, objs: Iterable[_Owned], *args: Any, **kwargs: Any) -> list[_Owned]:
        """Insert many rows after checking the tenant of each."""
        rows = list(objs)
        for row in rows:
            row.check_scope()
        return super().bulk_create(rows, *args, **kwargs)


class TenantManager(models.Manager.from_queryset(TenantQuerySet)):  # type: ignore[misc]  # django-stubs: dynamic base
    """The manager of tenant-owned models: it sees the open scope and nothing else."""

    def get_queryset(self) -> models.QuerySet[Any]:
        """Filter by the open scope; raise `TenantScopeMissing` when there is none."""
        scope = current_scope()
        rows: models.QuerySet[Any] = super().get_queryset()
        return rows if scope.tenant_ids is None else rows.filter(tenant_id__in=scope.tenant_ids)


class TenantOwned(models.Model):
    """Base of every model whose rows belong to one tenant."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT, related_name="+")
    tenant_id: UUID

    objects: ClassVar[TenantManager] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def check_scope(self) -> None:
        """Fill in the tenant of a one-tenant scope; raise `Forbidden` for a row outside the scope."""
        scope = current_scope()
        if self.tenant_id is None:
            self.tenant_id = current_tenant_id()
        if not scope.allows(self.tenant_id):
            raise Forbidden("tenant_mismatch", "This row belongs to another tenant.")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save after checking the scope."""
        self.check_scope()
        super().save(*args, **kwargs)


def get_owned(model: type[_Owned], object_id: UUID) -> _Owned:
    """Return the object of the open scope; `Forbidden` for another tenant's, `NotFound` for none at all.

    The `403` of an existing foreign object is what the product promises; ids are UUIDv7, so that asking
    for ids can't enumerate a tenant.
    """
    name = model._meta.model_name
    row = model.objects.filter(pk=object_id).first()
    if row is not None:
        found: _Owned = row
        return found
    with all_tenants(reason="tell another tenant's object from a missing one"):
        exists = model.objects.filter(pk=object_id).exists()
    if exists:
        raise Forbidden(f"{name}_of_another_tenant", f"This {name} belongs to another tenant.")
    raise NotFound(f"{name}_not_found", f"There is no {name} with this id.")
