"""The orchestrator: the only one who decides what runs next, what is tried again and when a job has ended.

The repository is the truth, the queue a hint. A doubled message finds the job taken or ended and does nothing; a lost
one is sent again by `sweep`; a dead worker's lease runs out and `sweep` puts the job back; a worker that lost its lease
can't store anything.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from astra_site.lib.errors import AstraError
from astra_site.lib.ids import new_id
from jobs.core import plan, transitions
from jobs.core.catalog import FlowCatalog
from jobs.core.context import LeasedContext
from jobs.core.flow import Flow, RetryPolicy, Step
from jobs.core.job import Job, JobEvent, JobEventKind, JobStatus
from jobs.core.ports import Clock, JobQueue, JobRepository, LeaseKeeper
from jobs.core.transitions import Transition
from jobs.errors import FlowUnknown, JobChanged, LeaseExpired, LeaseLost, StepCrashed, StepPostponed, StepUnsatisfied

logger = logging.getLogger(__name__)

_RACES_BEFORE_GIVING_UP = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient the orchestrator is.

    Args:
        lease_s: a worker that gives no sign of life for so long is taken for dead.
        resend_after_s: a message that nobody acted on for so long is taken for lost.
        resend_after_max_s: the same for a job that has waited long already, probably behind others in a long queue:
            patience is a tenth of the time waited, between these two, so that messages don't pile up.
        sweep_limit: most jobs of one kind that one sweep looks at.
    """

    lease_s: float = 60.0
    resend_after_s: float = 60.0
    resend_after_max_s: float = 300.0
    sweep_limit: int = 500

    def resend_at(self, job: Job, now: datetime) -> datetime:
        """Return when a message sent now is taken for lost."""
        waited_s = (now - job.not_before).total_seconds()
        patience_s = min(max(waited_s / 10.0, self.resend_after_s), self.resend_after_max_s)
        return now + timedelta(seconds=patience_s)


@dataclass(frozen=True, slots=True)
class Draft:
    """A new job with the beginning of its history; `resend_at` is when its first message, sent now, is lost."""

    job: Job
    events: tuple[JobEvent, ...]
    resend_at: datetime


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What one sweep did: jobs taken from dead workers, messages sent."""

    recovered: int
    sent: int


class NoLeaseKeeper:
    """Extends nothing: for steps shorter than the lease, and for tests."""

    @contextmanager
    def hold(self, extend: Callable[[], bool], every_s: float, at_most_s: float) -> Iterator[None]:
        """Do nothing around the block."""
        yield


class Orchestrator:
    """See the module. Safe to use from many threads, processes and machines at once.

    Args:
        uncounted_interruptions: exceptions that stop a worker from outside (shutdown, Ctrl-C): the job goes back to the
            queue without losing a try.
        chance: returns a number in [0, 1) for the jitter of waits.
    """

    def __init__(
        self,
        repository: JobRepository,
        queue: JobQueue,
        catalog: FlowCatalog,
        clock: Clock,
        *,
        timing: Timing | None = None,
        lease_keeper: LeaseKeeper | None = None,
        uncounted_interruptions: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._repository = repository
        self._queue = queue
        self._catalog = catalog
        self._clock = clock
        self._timing = timing or Timing()
        self._keeper = lease_keeper or NoLeaseKeeper()
        self._uncounted = uncounted_interruptions
        self._chance = chance

    def submit(
        self,
        flow_name: str,
        tenant_id: UUID,
        payload: Mapping[str, Any],
        *,
        session_id: UUID | None = None,
        facts: Mapping[str, Any] | None = None,
        dedup_key: str | None = None,
    ) -> Job:
        """Store a new job and send its first message.

        Idempotent per tenant and `dedup_key`: the second call returns the first one's job, whatever its state.
        Raises `FlowUnknown`.
        """
        draft = self.draft(flow_name, tenant_id, payload, session_id=session_id, facts=facts, dedup_key=dedup_key)
        stored, is_new = self._repository.add(draft.job, draft.events)
        if is_new:
            self._send(stored)
        return stored

    def draft(
        self,
        flow_name: str,
        tenant_id: UUID,
        payload: Mapping[str, Any],
        *,
        session_id: UUID | None = None,
        facts: Mapping[str, Any] | None = None,
        dedup_key: str | None = None,
    ) -> Draft:
        """Return a new job that is neither stored nor sent, for a caller who stores it with something of his own.

        Raises `FlowUnknown`.
        """
        flow = self._catalog.flow(flow_name)
        now = self._clock()
        job = Job(
            id=new_id(),
            tenant_id=tenant_id,
            session_id=session_id,
            flow=flow.name,
            queue=flow.queue,
            payload=dict(payload),
            facts=dict(facts or {}),
            created_at=now,
            not_before=now,
            dedup_key=dedup_key,
        )
        queued = JobEvent(JobEventKind.QUEUED, now, {"reason": "submitted"})
        return Draft(job, (queued,), self._timing.resend_at(job, now))

    def run(self, job_id: UUID) -> Job:
        """Take the job and work on it until it ends, has to wait, or is lost to somebody else; return its state.

        Does nothing when the job is not waiting or not due, so a doubled message is harmless. Raises `JobNotFound`,
        and `FlowUnknown` when this process doesn't know the flow (the job stays queued for one that does).
        """
        job = self._repository.get(job_id)
        flow = self._catalog.flow(job.flow)
        if job.status is not JobStatus.QUEUED or job.not_before > self._clock():
            logger.debug("job not run: not waiting or not due", extra={"job_id": str(job_id), "status": job.status})
            return job
        step = None
        with self._contained(job, None):  # a plan that raises is met again in `_work`, with the lease in hand
            step = plan.next_step(flow, job.facts)
        claim = transitions.start(job, step.name if step else None, new_id(), self._clock(), self._lease_s(step))
        if not self._repository.save(claim):
            return self._repository.get(job_id)
        return self._work(claim.after, flow)

    def cancel(self, job_id: UUID) -> Job:
        """End a waiting or running job. Idempotent; raises `IllegalTransition` when it ended otherwise."""
        return self._decide(job_id, JobStatus.CANCELLED, lambda job: transitions.cancel(job, self._clock()))

    def retry(self, job_id: UUID) -> Job:
        """Put a failed job back, with all its tries and the facts so far. Raises `IllegalTransition` otherwise."""
        job = self._decide(job_id, None, lambda job: transitions.retry(job, self._clock()))
        self._send(job)
        return job

    def sweep(self) -> SweepReport:
        """Repair what crashes and outages left behind. Any number of sweepers may run at once.

        Jobs whose lease ran out go back to the queue with one try less, or fail when none is left. Due jobs whose
        message is missing or old are sent again.
        """
        now = self._clock()
        recovered = 0
        for job in self._repository.expired(now, self._timing.sweep_limit):
            with self._contained(job, job.current_step) as outcome:
                recovered += self._recover(job)
            if outcome.error is not None:
                logger.error("a job with an expired lease could not be moved on", extra={"job_id": str(job.id)})
        sent = 0
        for job in self._repository.unheard(self._clock(), self._timing.sweep_limit):
            if not self._send(job):
                break  # the queue is down: the next sweep goes on
            sent += 1
        return SweepReport(recovered=recovered, sent=sent)

    def _work(self, job: Job, flow: Flow) -> Job:
        """Run step after step while the job is ours.

        It goes on from what it stored itself, never from what it reads: a job that went back to the queue may be
        another worker's a moment later.
        """
        while job.status is JobStatus.PROCESSING:
            step: Step | None = None
            try:
                with self._contained(job, job.current_step) as outcome:
                    step = plan.next_step(flow, job.facts)
                    moved = self._must_save(self._advance(job, flow, step), flow)
                if outcome.error is not None:
                    moved = self._must_save(self._after_error(job, step, outcome.error), flow)
            except LeaseLost:
                logger.info("the lease was lost; nothing more is stored", extra={"job_id": str(job.id)})
                return self._repository.get(job.id)
            except BaseException as interruption:
                self._give_back(job, interruption)
                raise
            job = moved
        return job

    def _advance(self, job: Job, flow: Flow, step: Step | None) -> Transition:
        """Run one step and compute the move that follows from it."""
        if step is None:
            return transitions.complete(job, self._clock())
        facts = self._execute(job, flow, step)
        merged = {**job.facts, **facts}
        if not step.is_satisfied(merged):
            raise StepUnsatisfied(step.name)
        following = plan.next_step(flow, merged)
        now = self._clock()
        moved = transitions.complete_step(
            job, step.name, facts, following.name if following else None, now, self._lease_s(following)
        )
        return moved if following else moved.then(transitions.complete(moved.after, now))

    def _execute(self, job: Job, flow: Flow, step: Step) -> Mapping[str, Any]:
        """Call the executor while the lease is kept alive, at most until the step's time limit."""
        if job.lease_token is None:
            raise LeaseLost(job.id)
        deadline = self._clock() + timedelta(seconds=step.time_limit_s)
        context = LeasedContext(job, job.lease_token, self._repository, self._clock, self._timing.lease_s, deadline)
        executor = self._catalog.executor(flow, step.name)
        with self._keeper.hold(context.extend, self._timing.lease_s / 3.0, step.time_limit_s):
            return executor(context)

    def _after_error(self, job: Job, step: Step | None, error: AstraError) -> Transition:
        """Decide between another try and the end."""
        now = self._clock()
        if isinstance(error, StepPostponed):
            return transitions.retry_later(job, error, error.delay_s, now, counted=False)
        policy = step.retry if step else RetryPolicy()
        failed_attempts = job.attempts + 1
        if error.permanent or policy.is_exhausted(failed_attempts):
            return transitions.fail(job, error, now)
        return transitions.retry_later(job, error, policy.delay_s(failed_attempts, self._chance()), now)

    def _recover(self, job: Job) -> int:
        """Take a job from a worker that is taken for dead; returns 1 if it was this sweeper that did it."""
        error = LeaseExpired(job.current_step)
        now = self._clock()
        flow = self._flow_or_none(job.flow)
        step = flow.step(job.current_step) if flow else None
        policy = step.retry if step else RetryPolicy()
        if policy.is_exhausted(job.attempts + 1):
            transition = transitions.fail(job, error, now)
        else:
            transition = transitions.retry_later(job, error, 0.0, now)
        and_then = flow.on_finished if flow and transition.ends_the_job else None
        return int(self._repository.save(transition, lease_expired_at=now, and_then=and_then))

    def _give_back(self, job: Job, interruption: BaseException) -> None:
        """Return an interrupted job to the queue at once, instead of letting others wait for the lease to run out."""
        counted = not isinstance(interruption, self._uncounted)
        cause = StepCrashed(job.current_step or "-", type(interruption).__name__)
        flow = self._catalog.flow(job.flow)
        if counted:
            transition = self._after_error(job, flow.step(job.current_step), cause)
        else:
            transition = transitions.retry_later(job, cause, 0.0, self._clock(), counted=False)
        self._save(transition, flow)

    def _decide(self, job_id: UUID, already: JobStatus | None, move: Callable[[Job], Transition]) -> Job:
        """Make a person's move, over whatever workers do to the job at the same time."""
        for _ in range(_RACES_BEFORE_GIVING_UP):
            job = self._repository.get(job_id)
            if job.status is already:
                return job
            transition = move(job)
            if self._save(transition, self._flow_or_none(job.flow)):
                return transition.after
        raise JobChanged(job_id)

    def _save(self, transition: Transition, flow: Flow | None) -> bool:
        and_then = flow.on_finished if flow and transition.ends_the_job else None
        return self._repository.save(transition, and_then=and_then)

    def _must_save(self, transition: Transition, flow: Flow) -> Job:
        if not self._save(transition, flow):
            raise LeaseLost(transition.before.id)
        return transition.after

    def _send(self, job: Job) -> bool:
        return self._queue.send(job, self._timing.resend_at(job, self._clock()))

    def _flow_or_none(self, name: str) -> Flow | None:
        try:
            return self._catalog.flow(name)
        except FlowUnknown:
            return None

    def _lease_s(self, step: Step | None) -> float:
        return min(self._timing.lease_s, step.time_limit_s) if step else self._timing.lease_s

    @contextmanager
    def _contained(self, job: Job, step: str | None) -> Iterator[_Outcome]:
        """Catch what the block raises as the outcome's error; `LeaseLost` and interruptions pass."""
        outcome = _Outcome()
        try:
            yield outcome
        except LeaseLost:
            raise
        except AstraError as error:
            logger.info("step failed: %s", error.code, extra={"job_id": str(job.id), "step": step})
            outcome.error = error
        except Exception as error:
            # One of the product's two catch-alls, and why it is right here: an executor is code of any app above, and
            # a mistake in it must neither kill the worker nor leave the job hanging. The traceback is logged, the job
            # is tried again as after an outage, and it fails visibly once its tries are used up.
            logger.exception("step broke off", extra={"job_id": str(job.id), "step": step})
            outcome.error = StepCrashed(step or "-", type(error).__name__)


@dataclass(slots=True)
class _Outcome:
    """How a contained block ended."""

    error: AstraError | None = None
