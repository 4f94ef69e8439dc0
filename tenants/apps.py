"""The tenants application."""

from __future__ import annotations

from uuid import UUID

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from astra_site.lib.active_tenants import register_active_tenant_check
from astra_site.lib.api_clients import register_client_check


class TenantsConfig(AppConfig):
    """Tenants, their people, skeletons and published configuration."""

    name = "tenants"
    verbose_name = _("Council")

    def ready(self) -> None:
        """Tell the edges which tenants' and clients' tokens are taken. (Models can't be imported before now.)"""
        register_active_tenant_check(self.is_active)
        register_client_check(import_string("tenants.api_clients.services.grant_holds"))
        user_logged_in.connect(import_string("tenants.oidc.sessions.last_as_usual"), dispatch_uid="last_as_usual")

    def is_active(self, tenant_id: UUID) -> bool:
        """Say whether the tenant exists and is active now."""
        found: bool = self.get_model("Tenant")._default_manager.filter(pk=tenant_id, is_active=True).exists()
        return found
