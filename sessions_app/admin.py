"""Sessions in the admin: where each one stands, what it heard, what to do next, and its sealed result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from astra_site.lib.admin import ADMINISTRATORS, OPERATORS, badge, holds_role, short_hash, whole_hash
from astra_site.lib.error_texts import explain, explain_code
from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import tenant_scope
from jobs.labels import word_for
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.resuming_admin import ResumingAdmin
from sessions_app.services.delivery import audit_report, delivery_of
from sessions_app.services.engine import engine_label
from sessions_app.services.finalize import finalize
from sessions_app.services.progress import progress_of
from sessions_app.services.waiting import what_is_left
from sessions_app.session_panels import PANELS, clock_time

STATE_VARIANTS = {
    State.OPEN.value: "info",
    State.DRAINING.value: "warning",
    State.BUILDING.value: "warning",
    State.SEALING.value: "warning",
    State.CLOSED.value: "success",
    State.BUILD_FAILED.value: "danger",
    State.SEAL_FAILED.value: "danger",
    State.ABANDONED.value: "warning",
}
FAILED = (State.BUILD_FAILED, State.SEAL_FAILED)
FINALIZABLE = (State.OPEN, State.DRAINING)
DETAILS = "details"
_METADATA_WORDS = {
    "number": _("Number of the minutes"),
    "corporation": _("Corporation"),
    "city": _("City"),
    "kind": _("Kind of session"),
    "president": _("President"),
    "secretary": _("Secretary"),
    "date": _("Date"),
}


@admin.register(Session)
class SessionAdmin(ResumingAdmin):
    """The council's sessions, newest first."""

    list_display = ("name", "state_badge", "mode", "started_at", "inputs", "config_version", "seal")
    list_display_links = ("name",)
    list_filter = ("state", "mode", "started_at")
    list_select_related = ("tenant", "config_version")
    search_fields = ("metadata__number", "id", "integrity_hash")
    search_help_text = _("Number of the minutes, id or integrity hash")
    date_hierarchy = "started_at"
    ordering = ("-started_at",)
    actions = ("finalize_sessions", "retry_sessions", "resume_sessions")
    fieldsets = (
        (
            None,
            {"fields": (("mode", "inputs"), ("started_at", "closed_at"), ("started_by", "client_timezone"))},
        ),
        (_("Data of the minutes"), {"fields": ("minutes_data",)}),
        (_("Pinned at the start"), {"fields": ("pinned_config", "pinned_skeleton", "engine")}),
        (_("Seal"), {"fields": ("whole_seal", "snapshot_link", "versions")}),
    )
    readonly_fields = (
        *("inputs", "minutes_data", "pinned_config", "pinned_skeleton"),
        *("engine", "whole_seal", "snapshot_link", "versions"),
    )

    # -- Rows and columns ------------------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        """Read with each session how much of its audio is understood: one look at an index per row."""
        newest = JournalRow.objects.filter(session=OuterRef("pk"), kind=EntryKind.BLOCKS).order_by("-sequence_id")
        heard_ms = KeyTransform("session_end_ms", KeyTransform("after", "payload"))
        rows: QuerySet[Session] = super().get_queryset(request)
        return rows.annotate(heard_ms=Subquery(newest.annotate(ms=heard_ms).values("ms")[:1]))

    @display(description=_("session"), ordering="metadata__number", header=True)
    def name(self, session: Session) -> list[str]:
        """Number of the minutes, and below it kind and city."""
        number = session.metadata.get("number")
        title = gettext("Minutes %(number)s") % {"number": number} if number else gettext("Without number")
        below = " · ".join(str(session.metadata[key]) for key in ("kind", "city") if session.metadata.get(key))
        return [title, below or str(session.id)]

    @display(description=_("state"), ordering="state", label=STATE_VARIANTS)
    def state_badge(self, session: Session) -> tuple[str, str]:
        """The state as a coloured label."""
        return session.state, session.get_state_display()

    @display(description=_("inputs and audio"), ordering="highest_sequence_id")
    def inputs(self, session: Session) -> str:
        """How many inputs came, and how much audio is understood."""
        heard_ms = getattr(session, "heard_ms", None)
        return (
            f"{session.highest_sequence_id} · {clock_time(heard_ms)}" if heard_ms else str(session.highest_sequence_id)
        )

    @display(description=_("integrity hash"))
    def seal(self, session: Session) -> str:
        """The beginning of the hash of a sealed session."""
        return short_hash(session.integrity_hash)

    # -- Fields of the detail page ---------------------------------------------------------------------------------
    @display(description=_("values for the document"))
    def minutes_data(self, session: Session) -> str:
        """What the client said about the session, for the document's fields."""
        known = [(_METADATA_WORDS.get(key, key), value) for key, value in session.metadata.items()]
        return format_html_join("", "<div><strong>{}:</strong> {}</div>", known) or "—"

    @display(description=_("configuration"))
    def pinned_config(self, session: Session) -> str:
        """The configuration version with its hash."""
        version = session.config_version
        link = _link("tenants_configversion", version.pk, gettext("version %(number)d") % {"number": version.number})
        return format_html("{}<br>{}", link, whole_hash(version.sha256))

    @display(description=_("skeleton"))
    def pinned_skeleton(self, session: Session) -> str:
        """The skeleton version with its hash and its version in the store."""
        version = session.skeleton_version
        link = _link("tenants_skeletonversion", version.pk, str(version))
        stored = (
            format_html("<br>{} {}", gettext("store version"), version.s3_version_id) if version.s3_version_id else ""
        )
        return format_html("{}<br>{}{}", link, whole_hash(version.sha256), stored)

    @display(description=_("speech engine"))
    def engine(self, session: Session) -> str:
        """The engine that the session has pinned, and CORE's adapter."""
        adapter = session.model_config.get("adapter")
        label = engine_label(session.model_config)
        return gettext("%(engine)s, adapter %(adapter)s") % {"engine": label, "adapter": adapter} if adapter else label

    @display(description=_("integrity hash"))
    def whole_seal(self, session: Session) -> str:
        """The hash to compare."""
        return whole_hash(session.integrity_hash)

    @display(description=_("sealed snapshot"))
    def snapshot_link(self, session: Session) -> str:
        """The snapshot in the council's chain."""
        return (
            _link("custody_snapshot", session.snapshot_id, gettext("open the snapshot")) if session.snapshot_id else "—"
        )

    @display(description=_("versions"))
    def versions(self, session: Session) -> str:
        """The minutes that these correct, and those that correct these."""
        parent, later = session.parent_session_id, Session.objects.filter(parent_session_id=session.pk)
        found = [_link("sessions_app_session", parent, gettext("corrects an earlier version"))] if parent else []
        words = gettext("corrected by a later version")
        found += [
            format_html("{} ({})", _link("sessions_app_session", one.pk, words), one.get_state_display())
            for one in later.order_by("pk")
        ]
        return format_html_join("", "<div>{}</div>", ((line,) for line in found)) or "—"

    # -- The detail page -------------------------------------------------------------------------------------------
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the session with its standing and, below, one page of the chosen list."""
        session = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if session is not None:
            chosen = request.GET.get("list", "blocks")
            chosen = chosen if chosen in (*PANELS, DETAILS) else "blocks"
            given = request.GET.get("page", "1")
            page = max(1, int(given)) if given.isdecimal() and len(given) < 9 else 1
            context |= {
                "title": self.name(session)[0],
                "standing": self._standing(request, session),
                "lists": [*((name, label) for name, (label, _build) in PANELS.items()), (DETAILS, _("Data"))],
                "chosen_list": chosen,
                "panel": None if chosen == DETAILS else PANELS[chosen][1](session, page),
            }
        answer: HttpResponse = super().change_view(request, object_id, form_url, context)
        return answer

    def _standing(self, request: HttpRequest, session: Session) -> dict[str, Any]:
        """Return what the top of the page says: state, failure, what is waited for, what may be done."""
        state = State(session.state)
        failure = session.failure or {}
        left = what_is_left(session) if state in FINALIZABLE else None
        progress = progress_of(session)
        return {
            "progress": progress,
            "step": word_for(progress.step if progress else None),
            "step_number": progress.done + 1 if progress else 0,
            "badge": badge(state.label, STATE_VARIANTS[state.value]),
            "failure": explain_code(failure.get("code") or "", failure.get("message") or "") if failure else "",
            "failed_step": word_for(failure.get("step")),
            "job_id": session.job_id,
            "left": left,
            "may_operate": holds_role(request, session, OPERATORS),
            "is_failed": state in FAILED,
            "is_finalizable": state in FINALIZABLE,
            "is_draining": state is State.DRAINING,
            "is_in_work": state in (State.BUILDING, State.SEALING),
            "is_closed": state is State.CLOSED,
            "is_abandoned": state is State.ABANDONED,
            "may_resume": state is State.ABANDONED and holds_role(request, session, ADMINISTRATORS),
        }

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the buttons."""
        view = self.admin_site.admin_view
        own = [
            path("<uuid:session_id>/finalize/", view(self.finalize_view), name="sessions_app_session_finalize"),
            path("<uuid:session_id>/resume/", view(self.resume_view), name="sessions_app_session_resume"),
            path("<uuid:session_id>/get/<slug:part>/", view(self.deliver_view), name="sessions_app_session_get"),
        ]
        return [*own, *super().get_urls()]

    def finalize_view(self, request: HttpRequest, session_id: Any) -> HttpResponse:
        """Finalize, or try again, from the session's page (POST only)."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        session = self.get_object(request, str(session_id))
        if session is None:
            return self._gone(request, session_id)
        if not holds_role(request, session, OPERATORS):
            raise PermissionDenied
        self._finalize(request, session, accept_gaps="accept_gaps" in request.POST)
        return HttpResponseRedirect(reverse("admin:sessions_app_session_change", args=[session_id]))

    def deliver_view(self, request: HttpRequest, session_id: Any, part: str) -> HttpResponse:
        """Hand over the document, the evidence or the audit report of a closed session, by a link made now."""
        session = self.get_object(request, str(session_id))
        if session is None:
            return self._gone(request, session_id)
        try:
            if part == "audit-report":
                report = JsonResponse(audit_report(session), json_dumps_params={"ensure_ascii": False, "indent": 2})
                report["Content-Disposition"] = f'attachment; filename="audit_report-{session_id}.json"'
                return report
            delivery = delivery_of(session)
        except AstraError as error:
            self.message_user(request, explain(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:sessions_app_session_change", args=[session_id]))
        return HttpResponseRedirect(delivery.evidence_url if part == "evidence" else delivery.download_url)

    def _gone(self, request: HttpRequest, session_id: Any) -> HttpResponse:
        answer: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, str(session_id))
        return answer

    # -- Actions ---------------------------------------------------------------------------------------------------
    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Let administrators and clerks of a tenant act; each session is checked again."""
        return holds_role(request, None, OPERATORS)

    @action(description=_("Finalize the selected sessions"), permissions=("operate",))
    def finalize_sessions(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        """Ask for the minutes of each selected session that is open or draining."""
        self._each(request, sessions, lambda session: session.state in FINALIZABLE)

    @action(description=_("Try the selected failed sessions again"), permissions=("operate",))
    def retry_sessions(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        """Put each selected failed session back to work."""
        self._each(request, sessions, lambda session: session.state in FAILED)

    def _each(self, request: HttpRequest, sessions: QuerySet[Session], fits: Callable[[Session], bool]) -> None:
        """Act on each session; one that refuses does not stop the others."""
        for session in sessions:
            if not holds_role(request, session, OPERATORS):
                text = gettext("Your role in this council does not allow it.")
            elif not fits(session):
                text = gettext("Nothing to do in the state “%(state)s”.") % {"state": session.get_state_display()}
            else:
                self._finalize(request, session, accept_gaps=False)
                continue
            self.message_user(request, f"{self.name(session)[0]}: {text}", messages.WARNING)

    def _finalize(self, request: HttpRequest, session: Session, *, accept_gaps: bool) -> None:
        """Call the service in the session's own tenant, and say what came of it."""
        title = self.name(session)[0]
        try:
            with tenant_scope(session.tenant_id):
                after = finalize(session.id, actor=f"admin:{request.user.get_username()}", accept_gaps=accept_gaps)
        except AstraError as error:
            self.message_user(request, f"{title}: {explain(error)}", messages.ERROR)
            return
        self.log_change(request, session, [{"changed": {"fields": ["state"]}}])
        said = {
            State.DRAINING: gettext("Waiting for inputs that are missing or in process; then the minutes are made."),
            State.CLOSED: gettext("The minutes are made and sealed."),
        }.get(State(after.state), gettext("The minutes are being made. Reload the page to follow it."))
        self.message_user(request, f"{title}: {said}", messages.SUCCESS)


def _link(page: str, object_id: Any, text: str) -> str:
    return format_html('<a class="underline" href="{}">{}</a>', reverse(f"admin:{page}_change", args=[object_id]), text)
