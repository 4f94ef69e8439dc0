"""The orchestrator of this process, put together from the settings."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from dramatiq.middleware import Shutdown

from astra_site.lib.clock import utc_now
from jobs.core.orchestrator import Orchestrator, Timing
from jobs.registry import flow_catalog
from jobs.repository import PostgresJobRepository
from jobs.runtime.lease_keeper import ThreadedLeaseKeeper
from jobs.runtime.queue import DramatiqJobQueue


@cache
def job_repository() -> PostgresJobRepository:
    """Return the repository of this process."""
    return PostgresJobRepository()


@cache
def job_queue() -> DramatiqJobQueue:
    """Return the queue of this process."""
    return DramatiqJobQueue(job_repository())


@cache
def orchestrator() -> Orchestrator:
    """Return the orchestrator of this process, over PostgreSQL and the configured broker."""
    return Orchestrator(
        job_repository(),
        job_queue(),
        flow_catalog(),
        utc_now,
        timing=Timing(lease_s=settings.JOB_LEASE_S, resend_after_s=settings.JOB_RESEND_AFTER_S),
        lease_keeper=ThreadedLeaseKeeper(),
        uncounted_interruptions=(Shutdown, KeyboardInterrupt, SystemExit),
    )
