"""Admin pages of the council: tenants, people, skeletons, configuration versions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from astra_site.lib.admin import ReadOnlyAdmin, TenantAdmin, html_table, pretty_json, roles_of, short_hash, whole_hash
from tenants import skeleton_admin  # noqa: F401 - registers its pages
from tenants.api_clients import admin as api_clients_admin  # noqa: F401 - registers its pages
from tenants.mapping import admin as mapping_admin  # noqa: F401 - registers its page
from tenants.models import ConfigVersion, Membership, PersonIdentity, Tenant
from tenants.quota import admin as quota_admin  # noqa: F401 - registers its pages
from tenants.registry import admin as registry_admin  # noqa: F401 - registers its pages

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]  # unfold: no types; not generic at run time
    """People who may sign in; only platform staff see this page (Django's own permissions)."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Show whose account it is where an identity provider says so."""
        shown = super().get_readonly_fields(request, obj)
        return [*shown, "identity_there"] if obj is not None else shown

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Put it in front, so that nobody changes by hand what comes from there."""
        shown = super().get_fieldsets(request, obj)
        return [(None, {"fields": ["identity_there"]}), *shown] if obj is not None else shown

    @display(description=_("identity provider"))
    def identity_there(self, user: User) -> str:
        """The provider and the person's id there; a dash for an account with a password."""
        identity = PersonIdentity.objects.filter(user=user).first()
        return str(identity) if identity else "—"


@admin.register(Tenant)
class TenantPage(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """The councils; a member sees the own one."""

    list_display = ["name", "slug", "is_active", "created_at"]
    search_fields = ["name", "slug"]
    list_filter = ["is_active"]
    readonly_fields = ["created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        """Limit to the member's tenants."""
        rows: QuerySet[Tenant] = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(pk__in=roles_of(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the section to every member."""
        return bool(request.user.is_superuser or roles_of(request))

    def has_view_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """Let every member look at the own tenant."""
        return self.has_module_permission(request)


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    """Who belongs to a council. Platform staff assign; members look."""

    list_display = ["user", "role", "created_at"]
    list_filter = ["role"]
    search_fields = ["user__username", "user__email"]
    autocomplete_fields = ["user"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only platform staff see the people of all tenants, so only they assign."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only platform staff assign roles."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only platform staff end a membership."""
        return bool(request.user.is_superuser)


@admin.register(ConfigVersion)
class ConfigVersionAdmin(ReadOnlyAdmin):
    """Published configurations: numbered, hashed, read-only."""

    list_display = ["version", "note", "publisher", "published_at", "hash_start"]
    fieldsets = [
        (None, {"fields": ["number", "note", "publisher", "published_at", "content_hash"]}),
        (_("Where it goes in the document"), {"fields": ["zones", "tables", "fields_of_the_document"]}),
        (_("Words of the council"), {"fields": ["members", "dictionary"]}),
        (_("Whole content"), {"classes": ["collapse"], "fields": ["whole_content"]}),
    ]
    readonly_fields = [
        *("publisher", "content_hash", "zones", "tables", "fields_of_the_document", "members", "dictionary"),
        "whole_content",
    ]
    date_hierarchy = "published_at"

    @display(description=_("version"), ordering="number")
    def version(self, version: ConfigVersion) -> str:
        """The number as people say it."""
        return str(version)

    @display(description=_("published by"), ordering="published_by__username")
    def publisher(self, version: ConfigVersion) -> str:
        """The person, or the command that published it."""
        return str(version.published_by) if version.published_by else str(_("management command"))

    @display(description=_("content hash"))
    def hash_start(self, version: ConfigVersion) -> str:
        """The beginning of the hash."""
        return short_hash(version.sha256)

    @display(description=_("content hash"))
    def content_hash(self, version: ConfigVersion) -> str:
        """The hash to compare."""
        return whole_hash(version.sha256)

    @display(description=_("templates and their zones"))
    def zones(self, version: ConfigVersion) -> str:
        """Which kind of block goes to which zone."""
        content = version.content
        rows = (
            (item["label"], template_id, content["zone_map"].get(template_id, content["default_zone"]))
            for template_id, item in sorted(content["templates"].items())
        )
        return html_table((_("What it is"), _("Template"), _("Zone")), rows)

    @display(description=_("tables"))
    def tables(self, version: ConfigVersion) -> str:
        """Which intent fills which table."""
        rows = (
            (intent, item["table_id"], ", ".join(item["columns"]))
            for intent, item in sorted(version.content["table_map"].items())
        )
        return html_table((_("Intent"), _("Table"), _("Columns")), rows)

    @display(description=_("fields"))
    def fields_of_the_document(self, version: ConfigVersion) -> str:
        """Where the value of each field comes from."""
        return html_table((_("Field"), _("Source")), sorted(version.content["field_map"].items()))

    @display(description=_("members of the council"))
    def members(self, version: ConfigVersion) -> str:
        """The names that the engine knows."""
        return ", ".join(version.content.get("members", ())) or "—"

    @display(description=_("entity dictionary"))
    def dictionary(self, version: ConfigVersion) -> str:
        """What is corrected into what."""
        return html_table((_("Heard"), _("Written")), version.content.get("entity_dictionary", {}).items())

    @display(description=_("content"))
    def whole_content(self, version: ConfigVersion) -> str:
        """The content as indented JSON."""
        return pretty_json(version.content)
