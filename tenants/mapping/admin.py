"""The mapping page in the admin. Members look; administrators of the council change. Every write is a POST that names
the revision of the draft that its author saw."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path
from django.utils.translation import gettext

from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import tenant_scope
from tenants.config.drafts import (
    discard_draft,
    edit_draft,
    import_into_draft,
    publish_draft,
    read_draft,
    roll_back,
)
from tenants.config.schema import MAX_BYTES
from tenants.errors import ConfigInvalid
from tenants.mapping.pages import MappingPages, Page, explained
from tenants.mapping.posted import edit_of, number_of
from tenants.models import MappedCouncil


@admin.register(MappedCouncil)
class MappingAdmin(MappingPages):
    """Which templates go where in each council's skeleton."""

    # -- Addresses -------------------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the page's forms."""
        pages: dict[str, tuple[Page, bool]] = {
            "edit": (self.edit_view, True),
            "try": (self.try_view, False),
            "review": (self.review_view, False),
            "publish": (self.publish_view, True),
            "discard": (self.discard_view, True),
            "diff": (self.diff_view, False),
            "roll-back": (self.roll_back_view, True),
            "export": (self.export_view, False),
            "picture": (self.picture_view, False),
            "import": (self.import_view, True),
        }
        own = [
            path(
                f"<uuid:council_id>/{name}/",
                self.admin_site.admin_view(partial(self._in_council, view=view, writes=writes)),
                name=f"tenants_mappedcouncil_{name.replace('-', '_')}",
            )
            for name, (view, writes) in pages.items()
        ]
        return [*own, *super().get_urls()]

    def _in_council(self, request: HttpRequest, council_id: UUID, *, view: Page, writes: bool) -> HttpResponse:
        """Open the council's scope for a page; a write needs a POST of an administrator."""
        if writes and request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        council = self.get_object(request, str(council_id))
        if council is None:
            gone: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, str(council_id))
            return gone
        if writes and not self.has_change_permission(request, council):
            raise PermissionDenied
        with tenant_scope(council.pk):
            return view(request, council)

    # -- Writes ----------------------------------------------------------------------------------------------------
    def edit_view(self, request: HttpRequest, council: MappedCouncil) -> HttpResponse:
        """Change the draft by one edit; the script gets the changed page, a form without it a redirect."""
        try:
            operation, values = edit_of(request.POST, read_draft())
            edit_draft(operation, values, revision=number_of(request.POST, "revision"), actor=_actor(request))
        except AstraError as error:
            if _is_script(request):
                whole = self._shown(request, council, part="screen", said=explained(error))
                whole["HX-Retarget"] = "#mapping"
                return whole
            return self._back(request, council, error)
        if not _is_script(request):
            return self._back(request, council)
        if operation == "map_template":
            return self._shown(request, council, part="changed_row", template_id=values["template_id"])
        return self._shown(request, council, part="screen")

    def discard_view(self, request: HttpRequest, council: MappedCouncil) -> HttpResponse:
        """Give up the draft."""
        return self._doing(
            request,
            council,
            lambda: discard_draft(revision=number_of(request.POST, "revision"), actor=_actor(request)),
            gettext("The draft was discarded."),
        )

    def import_view(self, request: HttpRequest, council: MappedCouncil) -> HttpResponse:
        """Replace the draft by a file."""

        def take() -> None:
            upload = request.FILES.get("file")
            if upload is None:
                raise ConfigInvalid("config_file_missing", "Choose a file.")
            body = upload.read(MAX_BYTES + 1)
            import_into_draft(body, revision=number_of(request.POST, "revision"), actor=_actor(request))

        return self._doing(request, council, take, gettext("The file is the draft now. Review it and publish."))

    def publish_view(self, request: HttpRequest, council: MappedCouncil) -> HttpResponse:
        """Publish the draft."""

        def publish() -> None:
            publish_draft(
                revision=number_of(request.POST, "revision"),
                newest=number_of(request.POST, "newest"),
                actor=_actor(request),
                user=request.user,  # type: ignore[arg-type]  # the admin has no anonymous users
                note=request.POST.get("note", "").strip()[:300],
            )

        return self._doing(request, council, publish, gettext("Published. Sessions that start now use it."))

    def roll_back_view(self, request: HttpRequest, council: MappedCouncil) -> HttpResponse:
        """Publish an older version again."""

        def publish_again() -> None:
            number = number_of(request.POST, "version")
            roll_back(
                number,
                revision=number_of(request.POST, "revision"),
                newest=number_of(request.POST, "newest"),
                actor=_actor(request),
                user=request.user,  # type: ignore[arg-type]  # the admin has no anonymous users
                note=gettext("as v%(number)d") % {"number": number},
            )

        done = gettext("The older version is published again. Sessions that start now use it.")
        return self._doing(request, council, publish_again, done)

    def _doing(
        self, request: HttpRequest, council: MappedCouncil, change: Callable[[], object], done: str
    ) -> HttpResponse:
        try:
            change()
        except AstraError as error:
            return self._back(request, council, error)
        self.message_user(request, done, messages.SUCCESS)
        return self._back(request, council)


def _actor(request: HttpRequest) -> str:
    return f"admin:{request.user.get_username()}"


def _is_script(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"
