"""Bases of the admin pages: the tenant scope says which rows, the member's role says which actions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import ForeignKey
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from astra_site.lib.tenancy import current_scope

ADMIN_ROLE = "admin"


def roles_of(request: HttpRequest) -> dict[UUID, str]:
    """Return the signed-in person's role by tenant, as the middleware found it."""
    return getattr(request, "tenant_roles", {})


class TenantAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Admin of a tenant-owned model: members look, the tenant's administrators change, staff of the platform do both."""

    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Offer the tenant filter only to whoever sees several tenants."""
        filters = list(super().get_list_filter(request))
        return ["tenant", *filters] if self._sees_several(request) else filters

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show the tenant's column only to whoever sees several tenants."""
        columns = list(super().get_list_display(request))
        return [*columns, "tenant"] if self._sees_several(request) else columns

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only the tenants of the scope."""
        scope = current_scope()
        if db_field.name == "tenant" and scope.tenant_ids is not None:
            kwargs["queryset"] = db_field.related_model._default_manager.filter(pk__in=scope.tenant_ids)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the section to every member."""
        return bool(request.user.is_superuser or roles_of(request))

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Let every member look; the rows are limited by the scope already."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let administrators of a tenant add."""
        return bool(request.user.is_superuser or ADMIN_ROLE in roles_of(request).values())

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Let administrators of the row's tenant change it."""
        return self._administers(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Let administrators of the row's tenant delete it."""
        return self._administers(request, obj)

    def _administers(self, request: HttpRequest, obj: models.Model | None) -> bool:
        if request.user.is_superuser:
            return True
        roles = roles_of(request)
        tenant_id = getattr(obj, "tenant_id", None)
        return roles.get(tenant_id) == ADMIN_ROLE if tenant_id else ADMIN_ROLE in roles.values()

    @staticmethod
    def _sees_several(request: HttpRequest) -> bool:
        return bool(request.user.is_superuser or len(roles_of(request)) > 1)


class ReadOnlyAdmin(TenantAdmin):
    """Rows that people look at and never edit here: they come from the services and are kept."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False
