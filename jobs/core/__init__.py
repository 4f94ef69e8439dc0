"""The orchestrator core: pure Python, no Django, no broker. Start at `orchestrator`, then `flow` and `transitions`."""

from jobs.core.catalog import FlowCatalog
from jobs.core.flow import Flow, RetryPolicy, Step, by_fact
from jobs.core.job import Job, JobEvent, JobEventKind, JobStatus
from jobs.core.orchestrator import Orchestrator, SweepReport, Timing
from jobs.core.ports import Clock, Executor, JobQueue, JobRepository, LeaseKeeper, StepContext
from jobs.core.transitions import Transition

__all__ = [
    "Clock",
    "Executor",
    "Flow",
    "FlowCatalog",
    "Job",
    "JobEvent",
    "JobEventKind",
    "JobQueue",
    "JobRepository",
    "JobStatus",
    "LeaseKeeper",
    "Orchestrator",
    "RetryPolicy",
    "Step",
    "StepContext",
    "SweepReport",
    "Timing",
    "Transition",
    "by_fact",
]
