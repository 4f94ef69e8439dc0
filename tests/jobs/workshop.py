"""A small flow whose steps do what a test tells them to, and an orchestrator around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.core.catalog import FlowCatalog
from jobs.core.flow import Flow, RetryPolicy, Step, by_fact
from jobs.core.job import Job, JobEventKind
from jobs.core.orchestrator import Orchestrator, Timing
from jobs.core.ports import StepContext
from tests.jobs.stages import LEASE_S, Stage

RETRY = RetryPolicy(max_attempts=3, backoff_base_s=4.0, backoff_max_s=60.0, jitter=0.5)
RESEND_AFTER_S = 20.0


@dataclass
class Workshop:
    """Two steps, `first` and `second`; each sets the fact of its name unless told otherwise."""

    stage: Stage
    behaviours: dict[str, Callable[[StepContext], Mapping[str, Any]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    finished: list[Job] = field(default_factory=list)
    on_finished: Callable[[Job], None] | None = None

    def __post_init__(self) -> None:
        steps = tuple(Step(name, by_fact(name), RETRY, time_limit_s=120.0) for name in ("first", "second"))
        self.flow = Flow(self.stage.flow_name, "documents", steps, self._note_finished)
        self.catalog = FlowCatalog()
        self.catalog.register(self.flow, {step.name: self._executor(step.name) for step in steps})
        self.orchestrator = self.build_orchestrator()

    def build_orchestrator(self) -> Orchestrator:
        return Orchestrator(
            self.stage.repository,
            self.stage.queue,
            self.catalog,
            self.stage.clock,
            timing=Timing(lease_s=LEASE_S, resend_after_s=RESEND_AFTER_S),
            chance=lambda: 0.0,
        )

    def submit(self, **options: Any) -> Job:
        return self.orchestrator.submit(self.flow.name, self.stage.tenant_id, {"asked": True}, **options)

    def stored(self, job: Job) -> Job:
        return self.stage.repository.get(job.id)

    def kinds(self, job: Job) -> list[JobEventKind]:
        return [event.kind for event in self.stage.repository.events(job.id)]

    def _note_finished(self, job: Job) -> None:
        if self.on_finished is not None:
            self.on_finished(job)
        self.finished.append(job)

    def _executor(self, name: str) -> Callable[[StepContext], Mapping[str, Any]]:
        def execute(context: StepContext) -> Mapping[str, Any]:
            self.calls.append(name)
            behaviour = self.behaviours.get(name)
            return behaviour(context) if behaviour else {name: "done"}

        return execute
