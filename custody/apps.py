"""The custody application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustodyConfig(AppConfig):
    """Sealed snapshots and recordings under protection."""

    name = "custody"
    verbose_name = _("Custody")
