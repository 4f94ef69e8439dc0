"""The jobs application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    """Work that outlives a request, and the speech engines that do most of it."""

    name = "jobs"
    verbose_name = _("Jobs")
