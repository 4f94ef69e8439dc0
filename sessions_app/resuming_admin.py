"""Abandoned sessions in the admin: the button and the action that take them back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from astra_site.lib.admin import ADMINISTRATORS, ReadOnlyAdmin, holds_role
from astra_site.lib.error_texts import explain
from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import tenant_scope
from sessions_app.models import Session
from sessions_app.services.graveyard import resume_session


class ResumingAdmin(ReadOnlyAdmin):
    """Lets administrators of a council, and platform staff, resume its abandoned sessions."""

    def has_administer_permission(self, request: HttpRequest) -> bool:
        """Let administrators of a tenant act; each session is checked again."""
        return holds_role(request, None, ADMINISTRATORS)

    def resume_view(self, request: HttpRequest, session_id: Any) -> HttpResponse:
        """Resume from the session's page (POST only)."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        session = self.get_object(request, str(session_id))
        if session is None:
            gone: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, str(session_id))
            return gone
        if not holds_role(request, session, ADMINISTRATORS):
            raise PermissionDenied
        self._resume(request, session)
        return HttpResponseRedirect(reverse("admin:sessions_app_session_change", args=[session_id]))

    @action(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("Resume the selected abandoned sessions"), permissions=("administer",)
    )
    def resume_sessions(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        """Take each selected session back; one that refuses does not stop the others."""
        for session in sessions:
            if holds_role(request, session, ADMINISTRATORS):
                self._resume(request, session)
            else:
                text = gettext("Your role in this council does not allow it.")
                self.message_user(request, f"{session}: {text}", messages.WARNING)

    def _resume(self, request: HttpRequest, session: Session) -> None:
        try:
            with tenant_scope(session.tenant_id):
                resume_session(session.id, actor=f"admin:{request.user.get_username()}")
        except AstraError as error:
            self.message_user(request, f"{session}: {explain(error)}", messages.ERROR)
            return
        self.log_change(request, session, [{"changed": {"fields": ["state"]}}])
        self.message_user(request, f"{session}: {gettext('The session is open again.')}", messages.SUCCESS)
