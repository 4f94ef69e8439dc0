"""Stages to test jobs on: the same repository and queue in memory and on PostgreSQL and Dramatiq."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from astra_site.lib.errors import Unavailable
from astra_site.lib.ids import new_id
from jobs.core.job import Job, JobEvent, JobEventKind
from jobs.core.memory import MemoryJobQueue, MemoryJobRepository
from jobs.core.ports import JobQueue, JobRepository

LEASE_S = 30.0


@dataclass(slots=True)
class ManualClock:
    """A clock that moves when told to."""

    now: datetime = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def queued_event(now: datetime) -> JobEvent:
    return JobEvent(JobEventKind.QUEUED, now, {"reason": "submitted"})


class Wire(Protocol):
    """What a test can do to the queue behind the back of the code."""

    def sent_job_ids(self) -> list[UUID]: ...

    def lose_messages(self) -> None: ...

    def down(self) -> AbstractContextManager[None]: ...


@dataclass(slots=True)
class Stage:
    repository: JobRepository
    queue: JobQueue
    wire: Wire
    clock: ManualClock
    tenant_id: UUID
    other_tenant_id: UUID
    flow_name: str = "contract_flow"
    jobs: list[Job] = field(default_factory=list)

    def new_job(self, **changes: Any) -> Job:
        values: dict[str, Any] = {
            "id": new_id(),
            "tenant_id": self.tenant_id,
            "flow": self.flow_name,
            "queue": "documents",
            "payload": {},
            "created_at": self.clock(),
            "not_before": self.clock(),
        }
        return Job(**{**values, **changes})

    def stored_job(self, **changes: Any) -> Job:
        job, is_new = self.repository.add(self.new_job(**changes), [queued_event(self.clock())])
        assert is_new
        return job

    def outage(self) -> Unavailable:
        return Unavailable("store_unavailable", "The store does not answer.")

    def sent_job_ids(self) -> list[UUID]:
        return self.wire.sent_job_ids()

    def queue_down(self) -> AbstractContextManager[None]:
        return self.wire.down()


@dataclass(slots=True)
class MemoryWire:
    queue: MemoryJobQueue

    def sent_job_ids(self) -> list[UUID]:
        return list(self.queue.messages)

    def lose_messages(self) -> None:
        self.queue.messages.clear()

    @contextmanager
    def down(self) -> Iterator[None]:
        self.queue.is_down = True
        yield
        self.queue.is_down = False


def memory_stage() -> Stage:
    clock = ManualClock()
    repository = MemoryJobRepository()
    queue = MemoryJobQueue(repository)
    return Stage(repository, queue, MemoryWire(queue), clock, tenant_id=new_id(), other_tenant_id=new_id())
