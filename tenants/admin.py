"""Admin pages of the council: tenants, people, skeletons, configuration versions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminFileFieldWidget

from astra_site.lib.admin import ReadOnlyAdmin, TenantAdmin, html_table, pretty_json, roles_of, short_hash, whole_hash
from astra_site.lib.error_texts import explain
from astra_site.lib.errors import AstraError
from tenants.api_clients import admin as api_clients_admin  # noqa: F401 - registers its pages
from tenants.models import ConfigVersion, Membership, PersonIdentity, Skeleton, SkeletonVersion, Tenant
from tenants.quota import admin as quota_admin  # noqa: F401 - registers its pages
from tenants.services import add_skeleton_version
from tenants.skeleton import parse_skeleton

_KINDS = {
    "text": _("text"),
    "block_zone": _("zone of blocks"),
    "table": _("table"),
    "image": _("image"),
    "signature": _("signature"),
}
_PLACES = {"Header": _("page header"), "Footer": _("page footer"), "Notes": _("notes")}


def _place(location: str) -> str:
    """Return the parser's place in words."""
    section = location.removeprefix("Body:Section_")
    if section == location:
        return str(_PLACES.get(location, location))
    return gettext("section %(number)s") % {"number": section} if section != "0" else gettext("beginning")


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


class SkeletonForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A skeleton and, optionally, a new version of its Word document."""

    document = forms.FileField(
        label=_("Word document"),
        required=False,
        help_text=_("Uploading a document adds a version; sessions that already run keep theirs."),
        widget=UnfoldAdminFileFieldWidget,
    )

    class Meta:
        model = Skeleton
        fields = ["tenant", "code", "name", "is_default"]

    def clean(self) -> dict[str, Any]:
        """Say plainly that there is a default already; the database would say it in its own words."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("is_default") and cleaned.get("tenant"):
            others = Skeleton.objects.filter(tenant=cleaned["tenant"], is_default=True).exclude(pk=self.instance.pk)
            if others.exists():
                text = _("“%(skeleton)s” is the default skeleton: take the mark off there first.")
                self.add_error("is_default", text % {"skeleton": others.first()})
        return cleaned

    def clean_document(self) -> Any:
        """Check the document now, so that a bad one is an error beside the field."""
        upload = self.cleaned_data.get("document")
        if upload is None:
            return None
        content = upload.read()
        try:
            parse_skeleton(content)
        except AstraError as error:
            raise forms.ValidationError(explain(error), code=error.code) from error
        return content


class SkeletonVersionInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """The versions of a skeleton, newest first."""

    model = SkeletonVersion
    fields = readonly_fields = ["number", "placeholder_count", "size", "content_hash", "created_at"]
    extra = 0
    can_delete = False
    tab = True

    @admin.display(description=_("placeholders"))
    def placeholder_count(self, version: SkeletonVersion) -> int:
        """Count what the parser found."""
        return len(version.placeholders)

    @admin.display(description=_("size"))
    def size(self, version: SkeletonVersion) -> str:
        """The size in the unit that fits."""
        return filesizeformat(version.size_bytes)

    @admin.display(description=_("content hash"))
    def content_hash(self, version: SkeletonVersion) -> str:
        """The beginning of the hash."""
        return short_hash(version.sha256)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Versions come from uploading a document."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Versions never change."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the skeleton sees its versions."""
        return True


@admin.register(Skeleton)
class SkeletonAdmin(TenantAdmin):
    """The council's Word documents."""

    form = SkeletonForm
    list_display = ["code", "name", "is_default", "newest_version", "created_at"]
    search_fields = ["code", "name"]
    list_filter = ["is_default"]
    inlines = [SkeletonVersionInline]
    readonly_fields = ["found_placeholders"]

    def get_fields(self, request: HttpRequest, obj: Skeleton | None = None) -> list[str]:
        """Show the form to whoever may use it, and to others the skeleton alone."""
        if not (self.has_change_permission(request, obj) if obj else self.has_add_permission(request)):
            return ["code", "name", "is_default", "found_placeholders"]
        fields = ["tenant", "code", "name", "is_default", "document"]
        return [*fields, "found_placeholders"] if obj else fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Skeleton]:
        """Read the newest version's number with the list."""
        rows: QuerySet[Skeleton] = super().get_queryset(request)
        return rows.annotate(newest=Max("versions__number"))

    @display(description=_("newest version"), ordering="newest")
    def newest_version(self, skeleton: Skeleton) -> str:
        """Show the number of the newest version."""
        newest = getattr(skeleton, "newest", None)
        return f"v{newest}" if newest else "—"

    @display(description=_("placeholders of the newest version"))
    def found_placeholders(self, skeleton: Skeleton) -> str:
        """List what the parser found: name, kind and place."""
        version = skeleton.versions.order_by("-number").first()
        if version is None:
            return "—"
        found = (
            (item["tag"], _KINDS.get(item["kind"], item["kind"]), _place(item["location"]))
            for item in version.placeholders
        )
        return html_table((_("Name"), _("Kind"), _("Place")), found)

    def save_model(self, request: HttpRequest, obj: Skeleton, form: Any, change: bool) -> None:
        """Save the skeleton, then add the uploaded document as a version."""
        super().save_model(request, obj, form, change)
        content = form.cleaned_data.get("document")
        if content is None:
            return
        try:
            add_skeleton_version(obj, content)
        except AstraError as error:
            self.message_user(request, explain(error), messages.ERROR)


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
