"""The page of the API clients, for the administrators of a council: make one, see its secret once, revoke it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from astra_site.lib.admin import ADMIN_ROLE, ADMINISTRATORS, TenantAdmin, badge, holds_role, html_table, roles_of
from astra_site.lib.clock import utc_now
from astra_site.lib.own_tokens import own_keys
from tenants.api_clients.forms import ApiClientForm
from tenants.api_clients.services import change_client, create_client, renew_secret, restore, revoke
from tenants.models import ApiClient, ApiClientEvent

_LISTED_EVENTS = 50


@admin.register(ApiClient)
class ApiClientAdmin(TenantAdmin):
    """A council's API clients. Its administrators alone see them; a client is revoked, never deleted."""

    form = ApiClientForm
    list_display = ["name", "standing", "granted", "last_used_at", "expires_at", "created_at"]
    search_fields = ["name", "id"]
    list_filter = ["is_active"]
    readonly_fields = ["client_id", "standing", "last_used_at", "created_at", "history"]
    change_form_template = "admin/tenants/apiclient/change_form.html"

    def get_fieldsets(self, request: HttpRequest, obj: ApiClient | None = None) -> Any:
        """Show what is known of a client that is there."""
        form = {"fields": ["tenant", "name", "scopes", "expires_at"]}
        if obj is None:
            return [(None, form)]
        known = {"fields": ["client_id", "standing", "last_used_at", "created_at"]}
        return [(None, known), (_("What it may do"), form), (_("History"), {"fields": ["history"]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiClient]:
        """Limit to the councils that the person administers; others may be among those that are seen otherwise."""
        rows: QuerySet[ApiClient] = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(tenant_id__in=[owner for owner, role in roles_of(request).items() if role == ADMIN_ROLE])

    @display(description=_("client id"))
    def client_id(self, client: ApiClient) -> str:
        """The `client_id` of the token endpoint."""
        return str(client.pk)

    @display(description=_("standing"))
    def standing(self, client: ApiClient) -> str:
        """Whether it gets tokens."""
        if not client.is_active:
            return badge(_("Revoked"), "danger")
        if client.expires_at is not None and client.expires_at <= utc_now():
            return badge(_("Expired"), "warning")
        return badge(_("Active"), "success")

    @display(description=_("permissions"))
    def granted(self, client: ApiClient) -> str:
        """The scopes, as the API calls them."""
        return ", ".join(client.scopes)

    @display(description=_("newest events"))
    def history(self, client: ApiClient) -> str:
        """Who did what, newest first."""
        events = ApiClientEvent.objects.filter(client=client)[:_LISTED_EVENTS]
        rows = (
            (
                localtime(event.recorded_at).strftime("%Y-%m-%d %H:%M:%S"),
                event.get_kind_display(),
                event.actor,
                ", ".join(event.details.get("scopes", ())) or "—",
                event.details.get("address", "—"),
            )
            for event in events
        )
        return html_table((_("When"), _("What"), _("Who"), _("Permissions"), _("From")), rows)

    # -- Who may -------------------------------------------------------------------------------------------------
    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the section to administrators."""
        return holds_role(request, None, ADMINISTRATORS)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Let administrators of the client's council look."""
        return holds_role(request, obj, ADMINISTRATORS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let administrators add, where there is a key to sign tokens with."""
        return super().has_add_permission(request) and own_keys().is_issuing

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse: its history and what it recorded name it."""
        return False

    # -- What is done --------------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the buttons."""
        view = self.admin_site.admin_view
        own = [
            path("<uuid:client_id>/secret/", view(self.secret_view), name="tenants_apiclient_secret"),
            path("<uuid:client_id>/revoke/", view(self.revoke_view), name="tenants_apiclient_revoke"),
            path("<uuid:client_id>/restore/", view(self.restore_view), name="tenants_apiclient_restore"),
        ]
        return [*own, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: ApiClient, form: Any, change: bool) -> None:
        """Make or change the client; the secret of a new one is kept for this answer only."""
        given = form.cleaned_data
        said = {"scopes": given["scopes"], "expires_at": given["expires_at"], "actor": _actor(request)}
        if change:
            change_client(obj, name=given["name"], **said)
            return
        made, secret = create_client(obj.tenant_id, name=given["name"], **said)
        obj.pk, obj.created_at, obj._state.adding = made.pk, made.created_at, False
        request.new_client_secret = secret  # type: ignore[attr-defined]  # read by response_add

    def response_add(self, request: HttpRequest, obj: ApiClient, post_url_continue: str | None = None) -> HttpResponse:
        """Show the secret in the answer itself: a redirect would have to keep it somewhere."""
        return self._shown(request, obj, request.new_client_secret)  # type: ignore[attr-defined]  # set by save_model

    def secret_view(self, request: HttpRequest, client_id: Any) -> HttpResponse:
        """Make a new secret and show it (POST only)."""
        return self._done(
            request,
            client_id,
            lambda client: self._shown(request, client, renew_secret(client, actor=_actor(request))),
        )

    def revoke_view(self, request: HttpRequest, client_id: Any) -> HttpResponse:
        """Shut the client out (POST only)."""

        def act(client: ApiClient) -> None:
            revoke(client, actor=_actor(request))
            text = gettext("%(client)s is revoked. Its tokens are refused within seconds.") % {"client": client}
            self.message_user(request, text, messages.SUCCESS)

        return self._done(request, client_id, act)

    def restore_view(self, request: HttpRequest, client_id: Any) -> HttpResponse:
        """Let the client in again (POST only)."""

        def act(client: ApiClient) -> None:
            restore(client, actor=_actor(request))
            self.message_user(request, gettext("%(client)s may ask for tokens again.") % {"client": client})

        return self._done(request, client_id, act)

    def _done(
        self, request: HttpRequest, client_id: Any, act: Callable[[ApiClient], HttpResponse | None]
    ) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        client = self.get_object(request, str(client_id))
        if client is None or not holds_role(request, client, ADMINISTRATORS):
            raise PermissionDenied
        answer = act(client)
        self.log_change(request, client, [{"changed": {"fields": ["is_active"]}}])
        return answer or HttpResponseRedirect(reverse("admin:tenants_apiclient_change", args=[client_id]))

    def _shown(self, request: HttpRequest, client: ApiClient, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("The secret of %(client)s") % {"client": client},
            "client": client,
            "secret": secret,
            "token_address": request.build_absolute_uri(reverse("oauth-token")),
        }
        answer = TemplateResponse(request, "admin/tenants/apiclient/secret.html", context)
        answer["Cache-Control"] = "no-store"
        return answer


def _actor(request: HttpRequest) -> str:
    return f"admin:{request.user.get_username()}"
