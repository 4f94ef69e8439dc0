"""The site itself: what is checked before its processes work."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Tags, register
from django.db.backends.signals import connection_created

from astra_site.checks import check_tenant_wall, refuse_without_wall


class SiteConfig(AppConfig):
    name = "astra_site"

    def ready(self) -> None:
        """Check the database's wall when told to, and in production with the first connection of each process."""
        register(check_tenant_wall, Tags.database)
        if settings.PRODUCTION:
            connection_created.connect(refuse_without_wall, dispatch_uid="astra_tenant_wall")
