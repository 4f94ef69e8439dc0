"""The admin's first page: where the sessions of the person's councils stand, what runs, what was sealed last."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from astra_site.lib.admin import badge, roles_of, short_hash
from jobs.labels import STATUS_VARIANTS, label_of, word_for
from jobs.models import Job, Status
from sessions_app.admin import STATE_VARIANTS
from sessions_app.models import Session, State

_LISTED_JOBS = 10
_LISTED_MINUTES = 5


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the index page what `templates/admin/index.html` shows. Runs in the person's scope."""
    context = {**context, "title": gettext("Overview")}
    if not request.user.is_superuser and not roles_of(request):
        return {**context, "without_council": True}
    counts = dict(Session.objects.order_by().values_list("state").annotate(n=Count("pk")))
    listed = reverse("admin:sessions_app_session_changelist")
    return {
        **context,
        "states": [
            {
                "badge": badge(state.label, STATE_VARIANTS[state.value]),
                "count": counts[state.value],
                "address": f"{listed}?{urlencode({'state__exact': state.value})}",
            }
            for state in State
            if state.value in counts
        ],
        "running": {"headers": [_("Job"), _("Status"), _("Step"), _("Since")], "rows": _running_jobs()},
        "sealed": {"headers": [_("session"), _("Sealed"), _("Integrity hash"), ""], "rows": _last_minutes()},
    }


def _running_jobs() -> list[list[Any]]:
    jobs = Job.objects.filter(status__in=(Status.QUEUED, Status.PROCESSING)).order_by("-created_at")
    return [
        [
            format_html(
                '<a class="underline" href="{}">{}</a>',
                reverse("admin:jobs_job_change", args=[job.pk]),
                word_for(job.flow),
            ),
            badge(job.get_status_display(), STATUS_VARIANTS.get(job.status, "")),
            label_of(job.current_step),
            _moment(job.started_at or job.created_at),
        ]
        for job in jobs[:_LISTED_JOBS]
    ]


def _last_minutes() -> list[list[Any]]:
    sessions = Session.objects.filter(state=State.CLOSED).order_by("-closed_at").defer("failure", "model_config")
    return [
        [
            format_html(
                '<a class="underline" href="{}">{}</a>',
                reverse("admin:sessions_app_session_change", args=[session.pk]),
                gettext("Minutes %(number)s") % {"number": session},
            ),
            _moment(session.closed_at),
            short_hash(session.integrity_hash),
            format_html(
                '<a class="underline" href="{}">{}</a>',
                reverse("admin:sessions_app_session_get", args=[session.pk, "document"]),
                gettext("download"),
            ),
        ]
        for session in sessions[:_LISTED_MINUTES]
    ]


def _moment(moment: Any) -> str:
    return date_format(localtime(moment), "DATETIME_FORMAT") if moment else "—"
