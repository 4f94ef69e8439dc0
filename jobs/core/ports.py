"""What the orchestrator needs from the outside, and what it gives to a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from jobs.core.job import Job, JobEvent
from jobs.core.transitions import Transition

Clock = Callable[[], datetime]
"""Returns the present moment, timezone-aware, in UTC."""


class JobRepository(Protocol):
    """The truth about jobs. Every write is all or nothing, the events included."""

    def add(self, job: Job, events: Sequence[JobEvent]) -> tuple[Job, bool]:
        """Store a new job.

        Returns the stored job and True, or, when the tenant has a job with the same `dedup_key`, that one and False.
        """

    def get(self, job_id: UUID) -> Job:
        """Return the job as it is stored now; raise `JobNotFound`."""

    def events(self, job_id: UUID) -> list[JobEvent]:
        """Return a job's history, oldest first, numbered from 1 without gaps."""

    def save(
        self,
        transition: Transition,
        *,
        lease_expired_at: datetime | None = None,
        and_then: Callable[[Job], None] | None = None,
    ) -> bool:
        """Store a transition if the job is still at the revision, status and lease that it started from.

        Args:
            transition: the move.
            lease_expired_at: store it only if the lease ran out at or before this moment.
            and_then: called with the new state inside the transaction; if it raises, nothing is stored.

        Returns False, and changes nothing, when somebody else was faster.
        """

    def extend_lease(self, job_id: UUID, lease_token: UUID, until: datetime) -> bool:
        """Move the end of a lease; False when the token no longer holds the job."""

    def holds_lease(self, job_id: UUID, lease_token: UUID) -> bool:
        """Say whether the token still holds the job."""

    def save_progress(self, job_id: UUID, lease_token: UUID, progress: Mapping[str, Any]) -> bool:
        """Note how far the current step is; False when the token no longer holds the job."""

    def mark_sent(self, job_id: UUID, resend_at: datetime) -> None:
        """Note that a message was handed to the queue, and from when on it is taken for lost."""

    def expired(self, now: datetime, limit: int) -> list[Job]:
        """Return jobs whose lease ran out, longest first."""

    def unheard(self, now: datetime, limit: int) -> list[Job]:
        """Return queued jobs that may run now and whose message is missing or taken for lost."""


class JobQueue(Protocol):
    """A hint to workers that a job can be run. It may lose and double messages."""

    def send(self, job: Job, resend_at: datetime) -> bool:
        """Send the hint once the present transaction, if any, is committed.

        The repository's `mark_sent` is told of `resend_at`, and after a failure that the message is missing. An
        outage is never raised, as the sweeper sends again.
        """


class StepContext(Protocol):
    """What an executor is given."""

    @property
    def job(self) -> Job:
        """The job as it was when the step began."""

    @property
    def clock(self) -> Clock:
        """The present moment, UTC."""

    def heartbeat(self) -> None:
        """Extend the lease; raise `LeaseLost` when the job is not ours any more. Not needed in ordinary work: the
        runtime extends the lease by itself up to the step's time limit."""

    def cancelled(self) -> bool:
        """True when the job was cancelled or taken over: stop soon, nothing that follows will be stored.

        Asks the database: call it between clips or files, not between samples.
        """

    def report_progress(self, done: float, total: float | None = None, unit: str = "") -> None:
        """Tell how much is done, for people who watch. Raises `LeaseLost`."""


class Executor(Protocol):
    """Does the work of one step. Must be idempotent: it may run again after a crash, with the same facts.

    Raises `AstraError` to report a failure (`permanent` decides whether it is tried again) and `StepPostponed` to be
    asked again later.
    """

    def __call__(self, context: StepContext, /) -> Mapping[str, Any]:
        """Do the work and return the new facts, JSON-serialisable."""


class LeaseKeeper(Protocol):
    """Keeps a lease alive while a step runs, also while native code holds the thread."""

    def hold(self, extend: Callable[[], bool], every_s: float, at_most_s: float) -> AbstractContextManager[None]:
        """Call `extend` every `every_s` seconds until the block ends, it returns False, or `at_most_s` are over."""
