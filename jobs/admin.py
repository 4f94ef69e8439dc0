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
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.decorators import action, display

from astra_site.lib.admin import ReadOnlyAdmin
from astra_site.lib.errors import AstraError
from jobs import services
from jobs.models import Job, JobEvent, Status

_BADGES = {
    Status.QUEUED.value: "info",
    Status.PROCESSING.value: "warning",
    Status.COMPLETED.value: "success",
    Status.FAILED.value: "danger",
}


class JobEventInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """A job's history, oldest first."""

    model = JobEvent
    fields = readonly_fields = ("number", "kind", "at", "details")
    ordering = ("number",)
    extra = 0
    can_delete = False
    tab = True

    def has_add_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return True


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """The tenant's jobs, newest first."""

    list_display = ("flow", "status_badge", "current_step", "attempts", "session_id", "created_at", "duration")
    list_filter = ("status", "flow", "queue")
    search_fields = ("id", "session_id", "error_code")
    date_hierarchy = "created_at"
    actions = ("cancel_jobs", "retry_jobs")
    inlines = (JobEventInline,)
    fieldsets = (
        (None, {"fields": ("id", "flow", "queue", "session_id", "status_badge", "current_step", "progress")}),
        (_("Times"), {"fields": ("created_at", "started_at", "finished_at", "duration", "not_before", "lease_until")}),
        (_("Error"), {"fields": ("attempts", "error_code", "error_message")}),
        (_("Content"), {"fields": ("payload", "facts")}),
    )
    readonly_fields = ("status_badge", "duration")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Let administrators of a tenant cancel and retry."""
        return self._administers(request, None)

    @display(description=_("status"), ordering="status", label=_BADGES)
    def status_badge(self, job: Job) -> tuple[str, str]:
        return job.status, job.get_status_display()

    @display(description=_("duration"))
    def duration(self, job: Job) -> str:
        if job.started_at is None:
            return "-"
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
            if not self._administers(request, job):
                continue
            try:
                verb(job.pk)
                done += 1
            except AstraError as error:
                self.message_user(request, f"{job}: {error.message}", messages.WARNING)
        if done:
            self.message_user(request, ngettext("%(n)d job changed.", "%(n)d jobs changed.", done) % {"n": done})
