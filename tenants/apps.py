"""The tenants application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    """Tenants, their people, skeletons and published configuration."""

    name = "tenants"
    verbose_name = _("Council")
