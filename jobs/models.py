"""Jobs and their history as rows. Nothing here decides; see `jobs.core`."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from astra_site.lib.ids import new_id
from astra_site.lib.tenancy import TenantOwned
from jobs.labels import word_for


class Status(models.TextChoices):
    """The core's `JobStatus` with words for people."""

    QUEUED = "QUEUED", _("Queued")
    PROCESSING = "PROCESSING", _("Processing")
    COMPLETED = "COMPLETED", _("Completed")
    FAILED = "FAILED", _("Failed")
    CANCELLED = "CANCELLED", _("Cancelled")


class EventKind(models.TextChoices):
    """The core's `JobEventKind` with words for people."""

    QUEUED = "job_queued", _("Queued")
    STARTED = "job_started", _("Started")
    STEP_COMPLETED = "job_step_completed", _("Step completed")
    COMPLETED = "job_completed", _("Completed")
    FAILED = "job_failed", _("Failed")
    RETRYING = "job_retrying", _("To be tried again")
    CANCELLED = "job_cancelled", _("Cancelled")


class Job(TenantOwned):
    """One piece of work. Written by `jobs.repository` alone, always with the events that tell of the change."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session_id = models.UUIDField(_("session"), null=True, blank=True)
    flow = models.CharField(_("flow"), max_length=64)
    queue = models.CharField(_("queue"), max_length=32)
    payload = models.JSONField(_("what was asked for"), default=dict)
    facts = models.JSONField(_("what is established"), default=dict)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.QUEUED)
    current_step = models.CharField(_("step"), max_length=64, null=True, blank=True)
    attempts = models.PositiveIntegerField(_("failed attempts"), default=0)
    progress = models.JSONField(_("progress"), default=dict)
    not_before = models.DateTimeField(_("not before"))
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(_("lease until"), null=True, editable=False)
    resend_at = models.DateTimeField(_("message lost from"), null=True, editable=False)
    error_code = models.CharField(_("error code"), max_length=64, null=True, blank=True)
    error_message = models.TextField(_("error"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    dedup_key = models.CharField(max_length=200, null=True, editable=False)
    revision = models.PositiveIntegerField(default=0, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "dedup_key"], name="job_dedup_key_once_per_tenant"),
            models.CheckConstraint(
                condition=Q(status="PROCESSING", lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(status="PROCESSING") & Q(lease_token__isnull=True, lease_until__isnull=True)),
                name="job_leased_exactly_while_processing",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at"], name="job_of_tenant"),
            models.Index(fields=["session_id", "-created_at"], name="job_of_session"),
            models.Index(fields=["not_before"], condition=Q(status="QUEUED"), name="job_due"),
            models.Index(fields=["lease_until"], condition=Q(status="PROCESSING"), name="job_leased"),
        ]

    def __str__(self) -> str:
        return f"{word_for(self.flow)} · {self.id}"


class JobEvent(TenantOwned):
    """One entry of a job's history, numbered from 1 per job. Rows are added and never changed."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events", verbose_name=_("job"))
    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("event"), max_length=32, choices=EventKind.choices)
    at = models.DateTimeField(_("at"))
    details = models.JSONField(_("details"), default=dict)

    class Meta(TenantOwned.Meta):
        verbose_name = _("job event")
        verbose_name_plural = _("job events")
        ordering = ["job", "number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="job_event_number_once")]

    def __str__(self) -> str:
        return f"{self.number}. {self.kind}"
