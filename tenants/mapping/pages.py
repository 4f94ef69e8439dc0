"""The mapping's pages in the admin: who sees which council, and what each page shows. Nothing here writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from astra_site.lib.admin import ADMINISTRATORS, roles_of
from astra_site.lib.error_texts import explain
from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import tenant_scope
from tenants.config.checks import Problem
from tenants.config.core import core
from tenants.config.diff import differences, grouped
from tenants.config.drafts import (
    Draft,
    read_draft,
    version_of,
)
from tenants.config.schema import MAX_BYTES
from tenants.mapping.outline import skeleton_bytes
from tenants.mapping.pictures import can_draw, page_picture
from tenants.mapping.posted import whole_number
from tenants.mapping.screen import screen_of
from tenants.mapping.words import OPERATIONS, ROLES_OF_STYLES, say, say_groups
from tenants.models import ConfigEdit, ConfigVersion, MappedCouncil
from tenants.services import default_skeleton_version

TABS: Final[dict[str, Any]] = {
    "templates": _("Templates"),
    "tables": _("Tables"),
    "fields": _("Fields"),
    "words": _("Words and styles"),
    "history": _("History"),
}
_FOLDER: Final = "admin/tenants/mappedcouncil"
_LISTED: Final = 50
_SAID: Final = 5
_DRAFT: Final = "draft"
Page = Callable[[HttpRequest, MappedCouncil], HttpResponse]


class MappingPages(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """What members see of the mapping: nothing here writes."""

    list_display = ["name", "newest_version"]
    search_fields = ["name", "slug"]

    # -- Who and which ---------------------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet[MappedCouncil]:
        """Limit to the member's councils, with the number of the newest version."""
        newest = ConfigVersion.objects.filter(tenant_id=OuterRef("pk")).order_by("-number").values("number")[:1]
        rows: QuerySet[MappedCouncil] = super().get_queryset(request).annotate(newest=Subquery(newest))
        return rows if request.user.is_superuser else rows.filter(pk__in=roles_of(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the page to every member."""
        return bool(request.user.is_superuser or roles_of(request))

    def has_view_permission(self, request: HttpRequest, obj: MappedCouncil | None = None) -> bool:
        """Let every member look."""
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: MappedCouncil | None = None) -> bool:
        """Let administrators of the council change its mapping."""
        if request.user.is_superuser:
            return True
        held = roles_of(request)
        return held.get(obj.pk) in ADMINISTRATORS if obj else any(role in ADMINISTRATORS for role in held.values())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Councils are made on their own page."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: MappedCouncil | None = None) -> bool:
        """Councils are not removed here."""
        return False

    @display(  # type: ignore[untyped-decorator]  # unfold ships no types
        description=_("newest version"), ordering="newest"
    )
    def newest_version(self, council: MappedCouncil) -> str:
        """The number of the newest published version."""
        newest = getattr(council, "newest", None)
        return f"v{newest}" if newest else "—"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead a member of one council straight to its page."""
        held = roles_of(request)
        if not request.user.is_superuser and len(held) == 1:
            return HttpResponseRedirect(page_of(next(iter(held))))
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return answer

    # -- Pages -----------------------------------------------------------------------------------------------------
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the page of a council; nothing is written by it, whatever is posted."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET"])
        council = self.get_object(request, object_id)
        if council is None:
            gone: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return gone
        with tenant_scope(council.pk):
            return self._shown(request, council)

    def _shown(
        self,
        request: HttpRequest,
        council: MappedCouncil,
        *,
        part: str = "page",
        said: str = "",
        template_id: str = "",
    ) -> HttpResponse:
        """Answer with the page, or with a part of it for the script; rendered while the scope is open."""
        try:
            screen = screen_of(read_draft())
        except AstraError as error:
            return self._rendered(request, council, "missing", {"said": explain(error)})
        given = request.POST.get("tab") or request.GET.get("tab", "")
        tab = given if given in TABS else next(iter(TABS))
        context: dict[str, Any] = {
            "screen": screen,
            "tabs": TABS,
            "tab": tab,
            "said": said,
            "can_draw": can_draw(),
            "row": screen.row(template_id),
            "roles": [
                (role, label, screen.draft.content["style_map"].get(role, "")) for role, label in _styles(screen.draft)
            ],
        }
        if tab == "history":
            context |= {
                "versions": ConfigVersion.objects.select_related("published_by").order_by("-number")[:_LISTED],
                "edits": [
                    (edit, OPERATIONS.get(edit.operation, edit.operation))
                    for edit in ConfigEdit.objects.all()[:_LISTED]
                ],
                "max_kb": MAX_BYTES // 1024,
            }
        return self._rendered(request, council, part, context)

    def _rendered(
        self, request: HttpRequest, council: MappedCouncil, name: str, context: dict[str, Any]
    ) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Mapping"),
            "subtitle": council.name,
            "council": council,
            "may_change": self.has_change_permission(request, council),
            **context,
        }
        return TemplateResponse(request, f"{_FOLDER}/{name}.html", whole).render()

    def try_view(self, request: HttpRequest, council: MappedCouncil) -> HttpResponse:
        """Take an utterance through CORE and the builder with the draft. Nothing is kept, so everybody may."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        utterance = request.POST.get("utterance", "").strip()
        context: dict[str, Any] = {"utterance": utterance}
        try:
            draft = read_draft()
            labels = {name: spec["label"] for name, spec in draft.content["templates"].items()}
            parts = core().rehearse(utterance, draft.content, skeleton_bytes(draft.skeleton)) if utterance else ()
            context["parts"] = [
                (
                    part,
                    labels.get(part.template_id, ""),
                    draft.places[part.table_id].columns if part.table_id and part.table_rows else (),
                )
                for part in parts
            ]
        except AstraError as error:
            context["said"] = explain(error)
        return self._rendered(request, council, "rehearsal", context)

    def review_view(self, request: HttpRequest, council: MappedCouncil) -> HttpResponse:
        """Show what publishing would change, and what keeps it from being published."""
        try:
            draft = read_draft()
        except AstraError as error:
            return self._rendered(request, council, "missing", {"said": explain(error)})
        found = draft.problems
        context = {
            "draft": draft,
            "newest": draft.newest.number if draft.newest else 0,
            "groups": say_groups(grouped(draft.changes)),
            "errors": [say(problem) for problem in found if problem.is_error],
            "warnings": [say(problem) for problem in found if not problem.is_error],
        }
        return self._rendered(request, council, "review", context)

    def diff_view(self, request: HttpRequest, council: MappedCouncil) -> HttpResponse:
        """Compare two versions, or one with the draft."""
        try:
            draft = read_draft()
            before, after = request.GET.get("before", ""), request.GET.get("after", _DRAFT)
            groups = grouped(differences(_content(before, draft), _content(after, draft)))
        except AstraError as error:
            return self._back(request, council, error)
        newest = draft.newest.number if draft.newest else 0
        context = {
            "before": _named(before),
            "after": _named(after),
            "groups": say_groups(groups),
            "revision": draft.revision,
            "newest": newest,
            # Going back is offered beside the differences that it would make, and beside no others.
            "older": after if before == str(newest) and after.isdecimal() and 0 < int(after) < newest else "",
        }
        return self._rendered(request, council, "diff", context)

    def export_view(self, request: HttpRequest, council: MappedCouncil) -> HttpResponse:
        """Hand over a version, or the draft, as the file that the import takes."""
        which = request.GET.get("version", _DRAFT)
        try:
            content = _content(which, read_draft())
        except AstraError as error:
            return self._back(request, council, error)
        body = json.dumps(content, ensure_ascii=False, indent=2)
        answer = HttpResponse(body, content_type="application/json")
        answer["Content-Disposition"] = f'attachment; filename="astra-{council.slug}-{_named(which)}.json"'
        return answer

    def picture_view(self, request: HttpRequest, council: MappedCouncil) -> HttpResponse:
        """Hand over a picture of a page of the skeleton; nothing (`204`) where there is none."""
        try:
            page = whole_number(request.GET.get("page", "1"), "page")
            picture = page_picture(default_skeleton_version(), page)
        except AstraError:
            return HttpResponse(status=204)
        return HttpResponse(picture, content_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    def _back(self, request: HttpRequest, council: MappedCouncil, error: AstraError | None = None) -> HttpResponse:
        if error is not None:
            self.message_user(request, explained(error), messages.ERROR)
        tab = request.POST.get("tab", "")
        return HttpResponseRedirect(page_of(council.pk) + (f"?tab={tab}" if tab in TABS else ""))


def page_of(council_id: UUID) -> str:
    """Return the address of a council's page."""
    return reverse("admin:tenants_mappedcouncil_change", args=[council_id])


def _styles(draft: Draft) -> list[tuple[str, Any]]:
    """Return the roles of styles: those that the builder writes, and what else the configuration names."""
    others = {role: role for role in draft.content["style_map"] if role not in ROLES_OF_STYLES}
    return [*ROLES_OF_STYLES.items(), *others.items()]


def _content(which: str, draft: Draft) -> dict[str, Any]:
    """Return the content of a version by its number, of the draft, or nothing at all for version 0."""
    if which == _DRAFT:
        return draft.content
    if which == "0":
        return {}
    content: dict[str, Any] = version_of(whole_number(which, "version")).content
    return content


def _named(which: str) -> str:
    return gettext("draft") if which == _DRAFT else f"v{which}"


def explained(error: AstraError) -> str:
    """Return what an error means, with the first of its problems where it lists some."""
    found, listed = error.details.get("found"), error.details.get("problems")
    if isinstance(found, list):
        shown = [say(Problem(one["code"], tuple(one["path"]), one["values"])).text for one in found[:_SAID]]
    else:
        shown = [str(problem) for problem in listed[:_SAID]] if isinstance(listed, list) else []
    return " ".join([explain(error), *shown])
