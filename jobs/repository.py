"""The core's `JobRepository` on PostgreSQL.

A change is one filtered UPDATE whose row count says who won; its events are inserted in the same transaction. Reads
go through the open tenant scope; a write and what follows from it runs in the scope of the job's own tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from astra_site.lib.tenancy import tenant_scope
from jobs import models
from jobs.core.job import Job, JobEvent, JobEventKind, JobStatus
from jobs.core.transitions import Transition
from jobs.errors import JobNotFound

_WRITTEN_ONCE = (
    "id",
    "tenant_id",
    "session_id",
    "flow",
    "queue",
    "payload",
    "created_at",
    "dedup_key",
)
_MOVED = (
    "facts",
    "status",
    "current_step",
    "attempts",
    "progress",
    "not_before",
    "lease_token",
    "lease_until",
    "error_code",
    "error_message",
    "started_at",
    "finished_at",
    "revision",
)


class PostgresJobRepository:
    """See `jobs.core.ports.JobRepository`. Stateless; one object serves all threads."""

    def add(self, job: Job, events: Sequence[JobEvent]) -> tuple[Job, bool]:
        """Insert the job inside the caller's transaction, or find the one with its `dedup_key`."""
        row = models.Job(**job_values(job))
        with tenant_scope(job.tenant_id), transaction.atomic():
            # The id is fresh, so the dedup key is all that can conflict; a rival's open transaction is waited for.
            models.Job.objects.bulk_create([row], ignore_conflicts=True)
            stored = models.Job.objects.filter(Q(pk=job.id) | self._same_key(job)).get()
            if stored.pk != job.id:
                return to_core(stored), False
            self._append_events(job, events, last=0)
        return job, True

    def get(self, job_id: UUID) -> Job:
        """Return a job of the open tenant scope; raise `JobNotFound`."""
        row = models.Job.objects.filter(pk=job_id).first()
        if row is None:
            raise JobNotFound(job_id)
        return to_core(row)

    def events(self, job_id: UUID) -> list[JobEvent]:
        """Return the history of a job of the open tenant scope."""
        rows = models.JobEvent.objects.filter(job_id=job_id).order_by("number")
        return [JobEvent(JobEventKind(row.kind), row.at, row.details, row.number) for row in rows]

    def save(
        self,
        transition: Transition,
        *,
        lease_expired_at: datetime | None = None,
        and_then: Callable[[Job], None] | None = None,
    ) -> bool:
        """Store a transition if the row still is what it started from; see the port."""
        before, after = transition.before, transition.after
        expected: dict[str, Any] = {
            "pk": before.id,
            "revision": before.revision,
            "status": before.status.value,
            "lease_token": before.lease_token,
        }
        if lease_expired_at is not None:
            expected["lease_until__lte"] = lease_expired_at
        changes = {name: getattr(after, name) for name in _MOVED}
        if after.status is JobStatus.QUEUED:
            changes["resend_at"] = None
        with tenant_scope(before.tenant_id), transaction.atomic():
            if models.Job.objects.filter(**expected).update(**changes) == 0:
                return False
            last = models.JobEvent.objects.filter(job_id=after.id).aggregate(last=Max("number"))["last"] or 0
            self._append_events(after, transition.events, last)
            if and_then is not None:
                and_then(after)
        return True

    def extend_lease(self, job_id: UUID, lease_token: UUID, until: datetime) -> bool:
        """Move the end of a lease that is still held."""
        return self._held(job_id, lease_token).update(lease_until=until) == 1

    def holds_lease(self, job_id: UUID, lease_token: UUID) -> bool:
        """Say whether the token holds the job."""
        return self._held(job_id, lease_token).exists()

    def save_progress(self, job_id: UUID, lease_token: UUID, progress: Mapping[str, Any]) -> bool:
        """Note the progress of a lease that is still held."""
        return self._held(job_id, lease_token).update(progress=dict(progress)) == 1

    def mark_sent(self, job_id: UUID, resend_at: datetime) -> None:
        """Note that a message was handed to the queue, and from when on it is taken for lost."""
        models.Job.objects.filter(pk=job_id).update(resend_at=resend_at)

    def expired(self, now: datetime, limit: int) -> list[Job]:
        """Return jobs whose lease ran out, longest first."""
        rows = models.Job.objects.filter(status=JobStatus.PROCESSING.value, lease_until__lte=now)
        return _to_core_all(rows.order_by("lease_until")[:limit])

    def unheard(self, now: datetime, limit: int) -> list[Job]:
        """Return queued jobs that may run and whose message is missing or taken for lost."""
        unheard = Q(resend_at__isnull=True) | Q(resend_at__lte=now)
        rows = models.Job.objects.filter(unheard, status=JobStatus.QUEUED.value, not_before__lte=now)
        return _to_core_all(rows.order_by("not_before", "id")[:limit])

    @staticmethod
    def _held(job_id: UUID, lease_token: UUID) -> QuerySet[models.Job]:
        rows: QuerySet[models.Job] = models.Job.objects.filter(pk=job_id, lease_token=lease_token)
        return rows

    @staticmethod
    def _same_key(job: Job) -> Q:
        if job.dedup_key is None:
            return Q(pk=job.id)
        return Q(tenant_id=job.tenant_id, dedup_key=job.dedup_key)

    @staticmethod
    def _append_events(job: Job, events: Iterable[JobEvent], last: int) -> None:
        """Number the events on; the UPDATE or INSERT before it holds the job's row lock, so numbers have no gaps."""
        models.JobEvent.objects.bulk_create(models.JobEvent(**values) for values in event_values(job, events, last))


def job_values(job: Job, resend_at: datetime | None = None) -> dict[str, Any]:
    """Return the value of every column of a job's row."""
    return {**{name: getattr(job, name) for name in _WRITTEN_ONCE + _MOVED}, "resend_at": resend_at}


def event_values(job: Job, events: Iterable[JobEvent], last: int = 0) -> list[dict[str, Any]]:
    """Return the values of the rows of events, but for their serial key, numbered on from `last`."""
    return [
        {
            "tenant_id": job.tenant_id,
            "job_id": job.id,
            "number": number,
            "kind": event.kind.value,
            "at": event.at,
            "details": dict(event.details),
        }
        for number, event in enumerate(events, start=last + 1)
    ]


def to_core(row: models.Job) -> Job:
    """Turn a row into the core's value."""
    values = {name: getattr(row, name) for name in _WRITTEN_ONCE + _MOVED}
    return Job(**{**values, "status": JobStatus(row.status)})


def _to_core_all(rows: Iterable[models.Job]) -> list[Job]:
    return [to_core(row) for row in rows]
