"""How far the production of the minutes is, for whoever waits."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.core.ports import StepContext
from jobs.models import Job
from jobs.registry import flow_catalog
from sessions_app.models import Session, State
from sessions_app.services.finalize import PRODUCE_MINUTES

_PRODUCED = (State.BUILDING, State.SEALING, State.BUILD_FAILED, State.SEAL_FAILED, State.CLOSED)


@dataclass(frozen=True, slots=True)
class ObjectCount:
    """How many of the recordings are in custody."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The step that is in work, waits or has failed (None at the end), and how many of how many are done."""

    step: str | None
    done: int
    of: int
    objects: ObjectCount | None = None


def progress_of(session: Session) -> Progress | None:
    """Return how far the minutes are; None while none are asked for. One row is read, however large the session."""
    if State(session.state) not in _PRODUCED or session.job_id is None:
        return None
    steps = flow_catalog().flow(PRODUCE_MINUTES).steps
    if session.state == State.CLOSED:
        return Progress(None, len(steps), len(steps))
    job = Job.objects.filter(pk=session.job_id).values("facts", "current_step", "progress").first()
    if job is None:
        return None
    left = [step.name for step in steps if not step.is_satisfied(job["facts"])]
    step = left[0] if left else None
    counted = job["progress"] if step is not None and step == job["current_step"] else {}
    objects = ObjectCount(int(counted["done"]), int(counted["total"])) if counted.get("total") else None
    return Progress(step, len(steps) - len(left), len(steps), objects)


class Counted:
    """Counts objects as they are done, and tells the watchers a hundred times at most."""

    def __init__(self, context: StepContext, total: int) -> None:
        """Begin at none."""
        self._context = context
        self._total = total
        self._done = 0
        self._told_every = max(1, total // 100)

    def one_more(self) -> None:
        """Count one; raise `LeaseLost` when the job is another worker's by now."""
        self._done += 1
        if self._done % self._told_every == 0 or self._done == self._total:
            self._context.report_progress(self._done, self._total, "recordings")
