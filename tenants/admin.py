"""Admin pages of the council: tenants, people, skeletons, configuration versions."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminFileFieldWidget

from astra_site.lib.admin import ReadOnlyAdmin, TenantAdmin, roles_of
from astra_site.lib.errors import AstraError
from tenants.models import ConfigVersion, Membership, Skeleton, SkeletonVersion, Tenant
from tenants.services import add_skeleton_version
from tenants.skeleton import parse_skeleton

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """People who may sign in; only platform staff see this page (Django's own permissions)."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


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

    def clean_document(self) -> Any:
        """Check the document now, so that a bad one is an error beside the field."""
        upload = self.cleaned_data.get("document")
        if upload is None:
            return None
        content = upload.read()
        try:
            parse_skeleton(content)
        except AstraError as error:
            raise forms.ValidationError(error.message, code=error.code) from error
        return content


class SkeletonVersionInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """The versions of a skeleton, newest first."""

    model = SkeletonVersion
    fields = readonly_fields = ["number", "placeholder_count", "sha256", "size_bytes", "created_at"]
    extra = 0
    can_delete = False
    tab = True

    @admin.display(description=_("placeholders"))
    def placeholder_count(self, version: SkeletonVersion) -> int:
        """Count what the parser found."""
        return len(version.placeholders)

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
        version = skeleton.versions.order_by("-number").first() if skeleton.pk else None
        if version is None:
            return "—"
        lines = "\n".join(f"{item['tag']}  ·  {item['kind']}  ·  {item['location']}" for item in version.placeholders)
        return format_html('<pre class="text-xs">{}</pre>', lines)

    def save_model(self, request: HttpRequest, obj: Skeleton, form: Any, change: bool) -> None:
        """Save the skeleton, then add the uploaded document as a version."""
        super().save_model(request, obj, form, change)
        content = form.cleaned_data.get("document")
        if content is not None:
            add_skeleton_version(obj, content)


@admin.register(ConfigVersion)
class ConfigVersionAdmin(ReadOnlyAdmin):
    """Published configurations: numbered, hashed, read-only."""

    list_display = ["number", "note", "published_by", "published_at", "short_hash"]
    fields = ["number", "note", "published_by", "published_at", "sha256", "pretty_content"]
    date_hierarchy = "published_at"

    @display(description=_("content hash"))
    def short_hash(self, version: ConfigVersion) -> str:
        """Show the beginning of the hash."""
        return version.sha256[:19] + "…"

    @display(description=_("content"))
    def pretty_content(self, version: ConfigVersion) -> str:
        """Show the content as indented JSON."""
        text = json.dumps(version.content, ensure_ascii=False, indent=2)
        return format_html('<pre class="text-xs whitespace-pre-wrap">{}</pre>', text)
