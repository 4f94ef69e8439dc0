"""Admin pages of the skeletons: uploading a Word document, what was found in each version, and the versions back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Max, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminFileFieldWidget

from astra_site.lib.admin import ReadOnlyAdmin, TenantAdmin, badge, html_table, short_hash, whole_hash
from astra_site.lib.error_texts import explain
from astra_site.lib.errors import AstraError
from tenants.models import Skeleton, SkeletonVersion
from tenants.services import DOCX, add_skeleton_version
from tenants.skeleton import PackageLimits, parse_skeleton
from tenants.skeleton.unpacking import file_too_large
from tenants.skeleton_store import read_skeleton_version
from tenants.skeleton_texts import explain_upload, kind_of, place_of, warning_text


class SkeletonForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A skeleton and, optionally, a new version of its Word document."""

    document = forms.FileField(
        label=_("Word document"),
        required=False,
        help_text=_("Uploading a document adds a version; sessions that already run keep theirs."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": f".docx,{DOCX}"}),
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
        """Check the document now, so that a bad one is an error beside the field; one too large isn't even read."""
        upload = self.cleaned_data.get("document")
        if upload is None:
            return None
        limits = PackageLimits()
        try:
            if upload.size > limits.max_file_bytes:
                raise file_too_large(upload.size, limits)
            content = upload.read()
            parse_skeleton(content, limits)
        except AstraError as error:
            raise forms.ValidationError(explain_upload(error), code=error.code) from error
        return content


def placeholders_table(version: SkeletonVersion) -> str:
    """Return what the parser found: number, name, kind, place, what stands there, and how often it occurs."""
    headers = (_("No."), _("Name"), _("Kind"), _("Place"), _("What stands there now"), _("Occurrences"))
    rows = (
        (
            item.get("order") or number,
            item["tag"],
            kind_of(item),
            place_of(item),
            item.get("sample") or "—",
            item.get("occurrences", 1),
        )
        for number, item in enumerate(version.placeholders, start=1)
    )
    return html_table(headers, rows)


def warnings_table(version: SkeletonVersion) -> str:
    """Return what the author should look at."""
    rows = ((warning.get("tag") or warning.get("detail") or "—", warning_text(warning)) for warning in version.warnings)
    return html_table((_("What it is about"), _("What to look at")), rows)


class _VersionColumns:
    """What the list of versions and the page of one have in common."""

    @admin.display(description=_("size"))
    def size(self, version: SkeletonVersion) -> str:
        """The size in the unit that fits."""
        return filesizeformat(version.size_bytes)

    @admin.display(description=_("Word document"))
    def download(self, version: SkeletonVersion) -> str:
        """A link to the document as it was uploaded."""
        address = reverse("admin:tenants_skeletonversion_download", args=[version.pk])
        return format_html('<a class="underline" href="{}">{}</a>', address, _("Download"))

    @admin.display(description=_("to look at"))
    def warning_count(self, version: SkeletonVersion) -> str:
        """Count what the author should look at."""
        return badge(len(version.warnings), "warning") if version.warnings else "—"


class SkeletonVersionInline(_VersionColumns, TabularInline):  # type: ignore[misc]  # unfold ships no types
    """The versions of a skeleton, newest first."""

    model = SkeletonVersion
    fields = readonly_fields = [
        *("number", "placeholder_count", "warning_count", "size", "content_hash", "created_at", "download"),
    ]
    extra = 0
    can_delete = False
    show_change_link = True
    tab = True

    @admin.display(description=_("placeholders"))
    def placeholder_count(self, version: SkeletonVersion) -> int:
        """Count what the parser found."""
        return len(version.placeholders)

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
    readonly_fields = ["found_warnings", "found_placeholders"]

    def get_fields(self, request: HttpRequest, obj: Skeleton | None = None) -> list[str]:
        """Show the form to whoever may use it, and to others the skeleton alone."""
        found = list(self.readonly_fields)
        if not (self.has_change_permission(request, obj) if obj else self.has_add_permission(request)):
            return ["code", "name", "is_default", *found]
        fields = ["tenant", "code", "name", "is_default", "document"]
        return [*fields, *found] if obj else fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Skeleton]:
        """Read the newest version's number with the list."""
        rows: QuerySet[Skeleton] = super().get_queryset(request)
        return rows.annotate(newest=Max("versions__number"))

    @admin.display(description=_("newest version"), ordering="newest")
    def newest_version(self, skeleton: Skeleton) -> str:
        """Show the number of the newest version."""
        newest = getattr(skeleton, "newest", None)
        return f"v{newest}" if newest else "—"

    @admin.display(description=_("to look at in the newest version"))
    def found_warnings(self, skeleton: Skeleton) -> str:
        """List what the author should look at."""
        version = skeleton.versions.order_by("-number").first()
        return warnings_table(version) if version else "—"

    @admin.display(description=_("placeholders of the newest version"))
    def found_placeholders(self, skeleton: Skeleton) -> str:
        """List what the parser found."""
        version = skeleton.versions.order_by("-number").first()
        return placeholders_table(version) if version else "—"

    def save_model(self, request: HttpRequest, obj: Skeleton, form: Any, change: bool) -> None:
        """Save the skeleton, then add the uploaded document as a version."""
        super().save_model(request, obj, form, change)
        content = form.cleaned_data.get("document")
        if content is None:
            return
        try:
            version = add_skeleton_version(obj, content)
        except AstraError as error:
            self.message_user(request, explain(error), messages.ERROR)
            return
        if version.warnings:
            text = _("Version %(number)d is stored. There is something to look at: see the list below the form.")
            self.message_user(request, text % {"number": version.number}, messages.WARNING)


@admin.register(SkeletonVersion)
class SkeletonVersionAdmin(_VersionColumns, ReadOnlyAdmin):
    """One version of a skeleton: what was found in it, and the document itself."""

    list_display = ["skeleton", "number", "size", "created_at"]
    list_select_related = ["skeleton"]
    fieldsets = [
        (None, {"fields": ["skeleton", "number", "created_at", "size", "download"]}),
        (_("What was found"), {"fields": ["found_warnings", "found_placeholders", "headings"]}),
        (_("Proof"), {"classes": ["collapse"], "fields": ["content_hash", "s3_version_id"]}),
    ]
    readonly_fields = ["size", "download", "found_warnings", "found_placeholders", "headings", "content_hash"]

    @admin.display(description=_("to look at"))
    def found_warnings(self, version: SkeletonVersion) -> str:
        """List what the author should look at."""
        return warnings_table(version)

    @admin.display(description=_("placeholders"))
    def found_placeholders(self, version: SkeletonVersion) -> str:
        """List what the parser found."""
        return placeholders_table(version)

    @admin.display(description=_("headings"))
    def headings(self, version: SkeletonVersion) -> str:
        """List the headings, each with its level."""
        return html_table((_("Level"), _("Heading")), ((item["level"], item["text"]) for item in version.outline))

    @admin.display(description=_("content hash"))
    def content_hash(self, version: SkeletonVersion) -> str:
        """The hash to compare."""
        return whole_hash(version.sha256)

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the document."""
        view = self.admin_site.admin_view(self.download_view)
        own = path("<uuid:version_id>/download/", view, name="tenants_skeletonversion_download")
        return [own, *super().get_urls()]

    def download_view(self, request: HttpRequest, version_id: Any) -> HttpResponse:
        """Give the document exactly as it was uploaded, or say on the version's page why that is not possible."""
        version = self.get_object(request, str(version_id))
        if version is None or not self.has_view_permission(request, version):
            raise Http404
        try:
            docx = read_skeleton_version(version)
        except AstraError as error:
            self.message_user(request, explain(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:tenants_skeletonversion_change", args=[version.pk]))
        name = f"{version.skeleton.code}_v{version.number}.docx"
        headers = {"Content-Disposition": content_disposition_header(True, name) or "attachment"}
        return HttpResponse(docx, content_type=DOCX, headers=headers)
