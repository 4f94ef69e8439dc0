"""What a worker does with a message, and the same without a worker."""

from __future__ import annotations

import logging
from uuid import UUID

from astra_site.lib.clock import utc_now
from astra_site.lib.logs import log_context
from astra_site.lib.tenancy import all_tenants, tenant_scope
from jobs import models
from jobs.core.job import Job
from jobs.repository import to_core
from jobs.runtime.orchestration import orchestrator

logger = logging.getLogger(__name__)


def run_job(job_id: UUID) -> Job | None:
    """Work on a job in the scope of its tenant, with its ids on every log line; None when there is no such job."""
    with all_tenants(reason="a message carries nothing but the job's id"):
        row = models.Job.objects.filter(pk=job_id).first()
    if row is None:
        logger.warning("message for a job that does not exist", extra={"job_id": str(job_id)})
        return None
    job = to_core(row)
    trace_id = job.payload.get("trace_id")
    with (
        tenant_scope(job.tenant_id),
        log_context(tenant_id=job.tenant_id, session_id=job.session_id, job_id=job.id, trace_id=trace_id),
    ):
        return orchestrator().run(job.id)


def run_due_jobs(limit: int = 100) -> int:
    """Work on what is due, in this process, until nothing is or `limit` runs are done; return the number of runs.

    For commands and tests that want the work done without a worker. Safe beside workers: each job is claimed.
    """
    runs = 0
    while runs < limit:
        with all_tenants(reason="run the due jobs of every tenant"):
            due = models.Job.objects.filter(status=models.Status.QUEUED, not_before__lte=utc_now())
            job_ids = list(due.order_by("not_before", "id").values_list("pk", flat=True)[: limit - runs])
        if not job_ids:
            break
        for job_id in job_ids:
            run_job(job_id)
            runs += 1
    return runs
