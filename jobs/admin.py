"""Jobs in the admin: what runs, what failed and why; cancel and retry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.decorators import action, display

from astra_site.lib.admin import OPERATORS, ReadOnlyAdmin, badge, holds_role, pretty_json
from astra_site.lib.error_texts import explain, explain_code, is_explained
from astra_site.lib.errors import AstraError
from astra_site.lib.session_links import session_link, with_session_number
from jobs import services
from jobs.labels import STATUS_VARIANTS, label_of, word_for
from jobs.models import Job, JobEvent


class JobEventInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """A job's history, oldest first."""

    model = JobEvent
    fields = readonly_fields = ("number", "kind", "at", "facts_of_event")
    ordering = ("number",)
    extra = 0
    can_delete = False
    tab = True

    @display(description=_("details"))
    def facts_of_event(self, event: JobEvent) -> str:
        """One line per fact."""
        lines = ((word_for(key), word_for(str(value))) for key, value in event.details.items())
        return format_html_join("", "<div>{}: {}</div>", lines) or "—"

    def has_add_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return True


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """The tenant's jobs, newest first."""

    list_display = ("flow_name", "status_badge", "step_name", "attempts", "session_page", "created_at", "duration")
    list_filter = ("status", "flow", "queue")
    search_fields = ("id", "session_id", "error_code")
    date_hierarchy = "created_at"
    actions = ("cancel_jobs", "retry_jobs")
    inlines = (JobEventInline,)
    fieldsets = (
        (
            None,
            {"fields": (("flow_name", "standing"), ("session_page", "step_name"), ("queue", "progress_made"), "id")},
        ),
        (
            _("Times"),
            {
                "fields": (
                    ("created_at", "started_at"),
                    ("finished_at", "duration"),
                    ("not_before", "lease_until"),
                )
            },
        ),
        (_("Error"), {"fields": (("attempts", "error_code"), "meaning", "error_message")}),
        (_("Content"), {"classes": ("collapse",), "fields": ("asked_for", "established")}),
    )
    readonly_fields = (
        *("id", "flow_name", "standing", "step_name", "progress_made", "duration", "meaning", "session_page"),
        *("asked_for", "established"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return with_session_number(super().get_queryset(request))

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Let administrators and clerks of a tenant cancel and retry; each job is checked again."""
        return holds_role(request, None, OPERATORS)

    @display(description=_("flow"), ordering="flow")
    def flow_name(self, job: Job) -> str:
        return label_of(job.flow)

    @display(description=_("step"), ordering="current_step")
    def step_name(self, job: Job) -> str:
        return label_of(job.current_step)

    @display(description=_("session"), ordering="session_id")
    def session_page(self, job: Job) -> str:
        return session_link(job)

    @display(description=_("progress"))
    def progress_made(self, job: Job) -> str:
        done, total, unit = (job.progress.get(key) for key in ("done", "total", "unit"))
        if done is None:
            return "—"
        return f"{done:g} / {total:g} {unit}" if total else f"{done:g} {unit}"

    @display(description=_("what it means"))
    def meaning(self, job: Job) -> str:
        return explain_code(job.error_code) if job.error_code and is_explained(job.error_code) else "—"

    @display(description=_("what was asked for"))
    def asked_for(self, job: Job) -> str:
        return pretty_json(job.payload)

    @display(description=_("what is established"))
    def established(self, job: Job) -> str:
        return pretty_json(job.facts)

    @display(description=_("status"), ordering="status", label=STATUS_VARIANTS)
    def status_badge(self, job: Job) -> tuple[str, str]:
        return job.status, job.get_status_display()

    @display(description=_("status"))
    def standing(self, job: Job) -> str:
        return badge(job.get_status_display(), STATUS_VARIANTS.get(job.status, ""))

    @display(description=_("duration"))
    def duration(self, job: Job) -> str:
        if job.started_at is None:
            return "—"
        end = job.finished_at or timezone.now()
        return str(timedelta(seconds=round((end - job.started_at).total_seconds())))

    @action(description=_("Cancel the selected jobs"), permissions=("operate",))
    def cancel_jobs(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, services.cancel)

    @action(description=_("Retry the selected failed jobs"), permissions=("operate",))
    def retry_jobs(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, services.retry)

    def _each(self, request: HttpRequest, jobs: QuerySet[Job], verb: Callable[[UUID], Any]) -> None:
        """Do it to each and say how many it worked for; one that refuses does not stop the others."""
        done = 0
        for job in jobs:
            if not holds_role(request, job, OPERATORS):
                continue
            try:
                verb(job.pk)
                done += 1
            except AstraError as error:
                self.message_user(request, f"{word_for(job.flow)} · {job.pk}: {explain(error)}", messages.WARNING)
        if done:
            self.message_user(request, ngettext("%(n)d job changed.", "%(n)d jobs changed.", done) % {"n": done})
