"""The jobs application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from jobs.transcription.registry import engine_names
from tenants.registry.engines import register_engine_names


class JobsConfig(AppConfig):
    """Work that outlives a request, and the speech engines that do most of it."""

    name = "jobs"
    verbose_name = _("Jobs")

    def ready(self) -> None:
        """Tell the registry of models which engines there are."""
        register_engine_names(engine_names)
