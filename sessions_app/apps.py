"""The sessions application: its flows register themselves with the job orchestrator."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class SessionsConfig(AppConfig):
    """Sessions: from the first chunk to the sealed minutes."""

    name = "sessions_app"
    verbose_name = _("Minutes")

    def ready(self) -> None:
        """Import every app's `flows` module: importing it registers its flows."""
        autodiscover_modules("flows")
