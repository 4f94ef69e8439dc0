"""The verbs of jobs, for other apps, the API and the admin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from astra_site.lib.clock import utc_now
from astra_site.lib.guarded_write import Insert
from astra_site.lib.logs import current_context
from astra_site.lib.tenancy import all_tenants, current_tenant_id
from jobs import models
from jobs.core.job import Job, JobStatus
from jobs.repository import event_values, job_values
from jobs.runtime.orchestration import job_queue, orchestrator


def submit(
    flow: str,
    payload: Mapping[str, Any],
    *,
    tenant_id: UUID | None = None,
    session_id: UUID | None = None,
    facts: Mapping[str, Any] | None = None,
    dedup_key: str | None = None,
) -> Job:
    """Create a job in the caller's transaction; its message is sent after the commit.

    If the transaction is rolled back there is no job. If the broker is down the job is there all the same, and the
    sweeper sends the message later. Idempotent per tenant and `dedup_key`: a second call returns the first one's job,
    whatever its state. Without `tenant_id` it is the tenant of the open scope. Raises `FlowUnknown`.
    """
    return orchestrator().submit(
        flow,
        tenant_id or current_tenant_id(),
        _traced(payload),
        session_id=session_id,
        facts=facts,
        dedup_key=dedup_key,
    )


def _traced(payload: Mapping[str, Any]) -> dict[str, Any]:
    traced = {**payload}
    trace_id = current_context().get("trace_id")
    if trace_id is not None:
        traced.setdefault("trace_id", trace_id)
    return traced


@dataclass(frozen=True, slots=True)
class PreparedJob:
    """A job as rows, for a caller who stores it in one statement with rows of his own, and then sends it.

    Where the tenant has a job with the same `dedup_key` already, the inserts do nothing.
    """

    job: Job
    inserts: tuple[Insert, ...]

    def send_behind(self) -> None:
        """Send the message after the commit, behind the caller's back."""
        job_queue().send_behind(self.job)


def prepare(
    flow: str,
    payload: Mapping[str, Any],
    *,
    session_id: UUID | None = None,
    dedup_key: str | None = None,
) -> PreparedJob:
    """Return what `submit` would store for the tenant of the open scope. Raises `FlowUnknown`."""
    draft = orchestrator().draft(
        flow, current_tenant_id(), _traced(payload), session_id=session_id, dedup_key=dedup_key
    )
    inserts = [Insert(models.Job, job_values(draft.job, draft.resend_at), unless=("tenant_id", "dedup_key"))]
    inserts += [Insert(models.JobEvent, one, with_previous=True) for one in event_values(draft.job, draft.events)]
    return PreparedJob(draft.job, tuple(inserts))


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is due on a queue and not begun: how many jobs, and for how long the oldest has been due (s, 0 for none)."""

    count: int
    oldest_s: float


def backlog(queue: str, *, at_most: int) -> Backlog:
    """Return how far the workers of a queue are behind, over all tenants; counts no further than `at_most`."""
    now = utc_now()
    with all_tenants(reason="how much work waits is asked of all councils together"):
        due = models.Job.objects.filter(status=models.Status.QUEUED, queue=queue, not_before__lte=now)
        oldest = due.order_by("not_before").values_list("not_before", flat=True).first()
        count = due.order_by("not_before")[:at_most].count() if oldest else 0
    return Backlog(count, (now - oldest).total_seconds() if oldest else 0.0)


def hold(job: Job) -> bool:
    """Lock the row of a running job until the commit; False when the job is not held by this run of it any more.

    For a step that changes something outside its facts only as long as the job is its own.
    """
    held = models.Job.objects.select_for_update().filter(pk=job.id, lease_token=job.lease_token)
    return job.lease_token is not None and held.first() is not None


def ended_badly(job_id: UUID) -> bool:
    """Say whether a job of the open scope is FAILED or CANCELLED."""
    bad = (JobStatus.FAILED, JobStatus.CANCELLED)
    found: bool = models.Job.objects.filter(pk=job_id, status__in=[str(status) for status in bad]).exists()
    return found


def cancel(job_id: UUID) -> Job:
    """End a waiting or running job of the open scope; raises `IllegalTransition` when it ended otherwise."""
    return orchestrator().cancel(job_id)


def retry(job_id: UUID) -> Job:
    """Queue a failed job of the open scope again, from the step that failed; raises `IllegalTransition` otherwise."""
    return orchestrator().retry(job_id)
