"""Every legal move of a job. Each takes the job as it is and returns what it becomes, with the events to record.

Nothing here does I/O or reads a clock. A move that the state doesn't allow raises `IllegalTransition`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from astra_site.lib.errors import AstraError
from jobs.core.job import Job, JobEvent, JobEventKind, JobStatus
from jobs.errors import IllegalTransition


@dataclass(frozen=True, slots=True)
class Transition:
    """A job's next state and the events that tell of it. Stored together or not at all."""

    before: Job
    after: Job
    events: tuple[JobEvent, ...]

    def then(self, following: Transition) -> Transition:
        """Join two moves into one that is stored at once; the revision counts it as one."""
        after = replace(following.after, revision=self.before.revision + 1)
        return Transition(self.before, after, self.events + following.events)

    @property
    def ends_the_job(self) -> bool:
        """True when this is the move that makes the job terminal."""
        return self.after.status.is_terminal and not self.before.status.is_terminal


def start(job: Job, step: str | None, lease_token: UUID, now: datetime, lease_s: float) -> Transition:
    """QUEUED to PROCESSING: a worker takes the job for `lease_s` seconds."""
    _require(job, "be started", JobStatus.QUEUED)
    return _move(
        job,
        JobEvent(JobEventKind.STARTED, now, {"step": step, "attempt": job.attempts + 1}),
        status=JobStatus.PROCESSING,
        current_step=step,
        lease_token=lease_token,
        lease_until=now + timedelta(seconds=lease_s),
        started_at=job.started_at or now,
    )


def complete_step(
    job: Job, step: str, facts: Mapping[str, Any], following: str | None, now: datetime, lease_s: float
) -> Transition:
    """Record a step's facts and go on to `following`; the failed tries are forgotten and the lease begins anew."""
    _require(job, "complete a step", JobStatus.PROCESSING)
    return _move(
        job,
        JobEvent(JobEventKind.STEP_COMPLETED, now, {"step": step}),
        facts={**job.facts, **facts},
        current_step=following,
        attempts=0,
        progress={},
        error_code=None,
        error_message=None,
        lease_until=now + timedelta(seconds=lease_s),
    )


def complete(job: Job, now: datetime) -> Transition:
    """PROCESSING to COMPLETED."""
    _require(job, "be completed", JobStatus.PROCESSING)
    return _end(job, JobStatus.COMPLETED, JobEvent(JobEventKind.COMPLETED, now), None, None)


def retry_later(job: Job, error: AstraError, delay_s: float, now: datetime, *, counted: bool = True) -> Transition:
    """PROCESSING back to QUEUED, due in `delay_s` seconds. `counted` says whether this used up a try."""
    _require(job, "be retried", JobStatus.PROCESSING)
    details = {"step": job.current_step, "error_code": error.code, "delay_s": round(delay_s, 3), "counted": counted}
    return _move(
        job,
        JobEvent(JobEventKind.RETRYING, now, details),
        status=JobStatus.QUEUED,
        attempts=job.attempts + int(counted),
        not_before=now + timedelta(seconds=delay_s),
        lease_token=None,
        lease_until=None,
        error_code=error.code,
        error_message=error.message,
    )


def fail(job: Job, error: AstraError, now: datetime) -> Transition:
    """PROCESSING to FAILED: the error is permanent or the tries are used up."""
    _require(job, "fail", JobStatus.PROCESSING)
    details = {"step": job.current_step, "error_code": error.code, "attempt": job.attempts + 1}
    failed = replace(job, attempts=job.attempts + 1)
    transition = _end(failed, JobStatus.FAILED, JobEvent(JobEventKind.FAILED, now, details), error.code, error.message)
    return replace(transition, before=job)


def cancel(job: Job, now: datetime) -> Transition:
    """QUEUED or PROCESSING to CANCELLED: a worker at it loses its lease and can't write any more."""
    _require(job, "be cancelled", JobStatus.QUEUED, JobStatus.PROCESSING)
    return _end(job, JobStatus.CANCELLED, JobEvent(JobEventKind.CANCELLED, now), job.error_code, job.error_message)


def retry(job: Job, now: datetime) -> Transition:
    """FAILED back to QUEUED because a person asked for it: all tries again, the facts are kept."""
    _require(job, "be retried by hand", JobStatus.FAILED)
    return _move(
        job,
        JobEvent(JobEventKind.QUEUED, now, {"reason": "retry"}),
        status=JobStatus.QUEUED,
        attempts=0,
        not_before=now,
        finished_at=None,
        error_code=None,
        error_message=None,
    )


def _require(job: Job, move: str, *allowed: JobStatus) -> None:
    if job.status not in allowed:
        raise IllegalTransition(job.id, job.status.value, move)


def _move(job: Job, event: JobEvent, **changes: Any) -> Transition:
    return Transition(job, replace(job, revision=job.revision + 1, **changes), (event,))


def _end(job: Job, status: JobStatus, event: JobEvent, code: str | None, message: str | None) -> Transition:
    return _move(
        job,
        event,
        status=status,
        finished_at=event.at,
        lease_token=None,
        lease_until=None,
        error_code=code,
        error_message=message,
    )
