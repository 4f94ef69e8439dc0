"""The Dramatiq actors: one per queue. They carry a job's id to the orchestrator and decide nothing.

Dramatiq's own retries are off: the orchestrator retries, and the sweeper resends. `notify_shutdown` lets a worker that
is told to stop hand its job back at once. One message may run every step of a flow, so each time limit is longer than
the limits of the steps of any flow on that queue together: it is the wall behind theirs, never before it.
"""

from __future__ import annotations

from uuid import UUID

import dramatiq

from jobs.runtime.work import run_job

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS


@dramatiq.actor(queue_name="realtime", time_limit=20 * _MINUTE_MS, max_retries=0, notify_shutdown=True)
def run_realtime_job(job_id: str) -> None:
    """Run a job that somebody in a live session waits for."""
    run_job(UUID(job_id))


@dramatiq.actor(queue_name="batch", time_limit=13 * _HOUR_MS, max_retries=0, notify_shutdown=True)
def run_batch_job(job_id: str) -> None:
    """Run a job on a whole recording."""
    run_job(UUID(job_id))


@dramatiq.actor(queue_name="documents", time_limit=2 * _HOUR_MS, max_retries=0, notify_shutdown=True)
def run_documents_job(job_id: str) -> None:
    """Run a job that builds or seals minutes."""
    run_job(UUID(job_id))
