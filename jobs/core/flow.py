"""Flows: named lists of steps. A step says when it is satisfied; nothing says "go to step 3"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.core.job import Job
from jobs.errors import FlowInvalid


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a step is tried and how long it waits in between.

    Args:
        max_attempts: tries in all, the first one included.
        backoff_base_s: wait after the first failed try; doubles with each further one.
        backoff_max_s: the longest wait.
        jitter: share of the wait, 0 to 1, that chance may take off, so that many jobs don't come back at once.
    """

    max_attempts: int = 5
    backoff_base_s: float = 2.0
    backoff_max_s: float = 300.0
    jitter: float = 0.2

    def delay_s(self, failed_attempts: int, chance: float) -> float:
        """Wait before the next try, after `failed_attempts` (from 1) failed; `chance` is in [0, 1)."""
        doublings = min(max(failed_attempts - 1, 0), 32)
        wait_s = min(self.backoff_base_s * 2.0**doublings, self.backoff_max_s)
        return wait_s * (1.0 - self.jitter * chance)

    def is_exhausted(self, failed_attempts: int) -> bool:
        """True when no try is left."""
        return failed_attempts >= self.max_attempts


def by_fact(name: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return the usual test of a step: satisfied once the fact `name` is known and not null."""

    def is_satisfied(facts: Mapping[str, Any]) -> bool:
        return facts.get(name) is not None

    return is_satisfied


@dataclass(frozen=True, slots=True)
class Step:
    """One idempotent unit of work.

    Args:
        name: stable identifier in snake_case.
        is_satisfied: told the facts, says whether the work is done already. It must be pure.
        retry: what happens when it fails for a transient reason.
        time_limit_s: longest run; then the lease is no longer extended and another worker takes over.
    """

    name: str
    is_satisfied: Callable[[Mapping[str, Any]], bool]
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    time_limit_s: float = 600.0


def _nothing_more(job: Job) -> None:
    """Default end of a flow."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A named list of steps, the queue they run on, and what to do when a job of this flow has ended.

    `on_finished` runs in the transaction that makes the job terminal: exactly once per terminal transition, and if it
    raises, the job has not ended.
    """

    name: str
    queue: str
    steps: tuple[Step, ...]
    on_finished: Callable[[Job], None] = _nothing_more

    def __post_init__(self) -> None:
        """Refuse a flow that can't be planned."""
        names = [step.name for step in self.steps]
        if not names:
            raise FlowInvalid(self.name, "it has no steps")
        if len(set(names)) != len(names):
            raise FlowInvalid(self.name, "two steps have the same name")

    def step(self, name: str | None) -> Step | None:
        """Return the step of that name, None when the flow has none."""
        return next((step for step in self.steps if step.name == name), None)
