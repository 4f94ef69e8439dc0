"""Everything that can go wrong with a job, apart from what its steps do."""

from __future__ import annotations

from uuid import UUID

from astra_site.lib.errors import AstraError, Conflict, InvalidInput, NotFound, Unavailable


class JobNotFound(NotFound):
    """No job with this id."""

    def __init__(self, job_id: UUID) -> None:
        super().__init__("job_not_found", "There is no such job.", details={"job_id": str(job_id)})


class FlowUnknown(NotFound):
    """This process has no flow of that name registered."""

    def __init__(self, flow: str) -> None:
        super().__init__("flow_unknown", f"No flow named {flow} is registered here.", details={"flow": flow})


class FlowInvalid(InvalidInput):
    """A flow was put together wrongly: no steps, doubled names, a step without executor. A programming error."""

    def __init__(self, flow: str, problem: str) -> None:
        super().__init__("flow_invalid", f"The flow {flow} can't be used: {problem}.", details={"flow": flow})


class IllegalTransition(Conflict):
    """The job's state does not allow this move."""

    def __init__(self, job_id: UUID, status: str, move: str) -> None:
        super().__init__(
            "job_transition_illegal",
            f"A job that is {status} can't {move}.",
            details={"job_id": str(job_id), "status": status, "move": move},
        )


class JobChanged(Conflict):
    """Somebody else changed the job at the same moment, again and again; the caller may try once more."""

    permanent = False

    def __init__(self, job_id: UUID) -> None:
        super().__init__("job_changed", "The job changed meanwhile; try again.", details={"job_id": str(job_id)})


class LeaseLost(Conflict):
    """This worker may no longer write to the job: it was cancelled, or its lease ran out and another took over."""

    def __init__(self, job_id: UUID) -> None:
        super().__init__(
            "lease_lost", "The job belongs to another worker now, or to none.", details={"job_id": str(job_id)}
        )


class StepUnsatisfied(AstraError):
    """A step returned without the facts that satisfy it; repeating it would never end. A programming error."""

    def __init__(self, step: str) -> None:
        super().__init__(
            "step_unsatisfied", f"The step {step} ended without bringing about what it is for.", details={"step": step}
        )


class StepCrashed(Unavailable):
    """A step raised something that is no `AstraError`; retried like an outage, as it may be one."""

    def __init__(self, step: str, cause: str) -> None:
        super().__init__("step_crashed", f"The step {step} broke off unexpectedly ({cause}).", details={"step": step})


class StepPostponed(Unavailable):
    """Raised by an executor that has to wait for something: ask again in `delay_s` seconds, no attempt is counted."""

    def __init__(self, delay_s: float, reason: str) -> None:
        super().__init__("step_postponed", reason, details={"delay_s": delay_s})
        self.delay_s = delay_s


class LeaseExpired(Unavailable):
    """The worker at the job stopped giving signs of life, or the step ran over its time limit."""

    def __init__(self, step: str | None) -> None:
        super().__init__(
            "lease_expired",
            f"The worker at step {step} gave no sign of life, or the step ran over its time limit.",
            details={"step": step},
        )
