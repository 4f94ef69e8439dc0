"""The sessions application: its flows register themselves with the job orchestrator."""

from __future__ import annotations

from uuid import UUID

from django.apps import AppConfig
from django.db.models import OuterRef, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.urls import reverse
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from astra_site.lib.session_links import SessionPages, register_session_pages
from sessions_app.rehearsal import RegisteredCore
from tenants.config.core import register_core


class SessionsConfig(AppConfig):
    """Sessions: from the first chunk to the sealed minutes."""

    name = "sessions_app"
    verbose_name = _("Minutes")

    def ready(self) -> None:
        """Import every app's `flows` module: importing it registers its flows. Tell the apps below how to link here."""
        autodiscover_modules("flows")
        register_core(RegisteredCore())
        register_session_pages(SessionPages(address=_page_of, number=self._number_of_minutes))

    def _number_of_minutes(self, id_field: str) -> Subquery:
        sessions = self.get_model("Session")._default_manager.filter(pk=OuterRef(id_field))
        return Subquery(sessions.annotate(n=KeyTextTransform("number", "metadata")).values("n")[:1])


def _page_of(session_id: UUID) -> str:
    return reverse("admin:sessions_app_session_change", args=[session_id])
