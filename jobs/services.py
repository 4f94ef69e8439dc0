"""The verbs of jobs, for other apps, the API and the admin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from astra_site.lib.logs import current_context
from astra_site.lib.tenancy import current_tenant_id
from jobs import models
from jobs.core.job import Job, JobStatus
from jobs.runtime.orchestration import orchestrator


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
    traced = {**payload}
    trace_id = current_context().get("trace_id")
    if trace_id is not None:
        traced.setdefault("trace_id", trace_id)
    return orchestrator().submit(
        flow,
        tenant_id or current_tenant_id(),
        traced,
        session_id=session_id,
        facts=facts,
        dedup_key=dedup_key,
    )


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
