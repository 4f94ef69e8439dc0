"""The tenants application."""

from __future__ import annotations

from uuid import UUID

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from astra_site.lib.active_tenants import register_active_tenant_check


class TenantsConfig(AppConfig):
    """Tenants, their people, skeletons and published configuration."""

    name = "tenants"
    verbose_name = _("Council")

    def ready(self) -> None:
        """Tell the HTTP edge which tenants' tokens are taken."""
        register_active_tenant_check(self.is_active)

    def is_active(self, tenant_id: UUID) -> bool:
        """Say whether the tenant exists and is active now."""
        found: bool = self.get_model("Tenant")._default_manager.filter(pk=tenant_id, is_active=True).exists()
        return found
