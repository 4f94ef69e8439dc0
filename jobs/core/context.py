"""The context of one run of one step."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from jobs.core.job import Job
from jobs.core.ports import Clock, JobRepository
from jobs.errors import LeaseLost


class LeasedContext:
    """A `StepContext` over a repository: speaks for one lease, and stops extending it at the step's deadline."""

    def __init__(
        self,
        job: Job,
        lease_token: UUID,
        repository: JobRepository,
        clock: Clock,
        lease_s: float,
        deadline: datetime,
    ) -> None:
        self._job = job
        self._lease_token = lease_token
        self._repository = repository
        self._clock = clock
        self._lease_s = lease_s
        self._deadline = deadline

    @property
    def job(self) -> Job:
        """The job as it was when the step began."""
        return self._job

    @property
    def clock(self) -> Clock:
        """The present moment, UTC."""
        return self._clock

    def extend(self) -> bool:
        """Extend the lease; False when it is lost or the step's time is over."""
        now = self._clock()
        if now >= self._deadline:
            return False
        until = min(now + timedelta(seconds=self._lease_s), self._deadline)
        return self._repository.extend_lease(self._job.id, self._lease_token, until)

    def heartbeat(self) -> None:
        """Extend the lease; raise `LeaseLost` when it is lost or the step's time is over."""
        if not self.extend():
            raise LeaseLost(self._job.id)

    def cancelled(self) -> bool:
        """True when the lease is lost or the step's time is over."""
        return self._clock() >= self._deadline or not self._repository.holds_lease(self._job.id, self._lease_token)

    def report_progress(self, done: float, total: float | None = None, unit: str = "") -> None:
        """Store how far the step is; raise `LeaseLost` when the lease is lost."""
        progress = {"done": done, "total": total, "unit": unit}
        if not self._repository.save_progress(self._job.id, self._lease_token, progress):
            raise LeaseLost(self._job.id)
