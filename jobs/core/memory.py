"""A working repository and queue in memory: the double that the contract suite holds to the same promises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.core.job import Job, JobEvent, JobStatus
from jobs.core.transitions import Transition
from jobs.errors import JobNotFound


@dataclass(slots=True)
class _Row:
    job: Job
    events: list[JobEvent]
    resend_at: datetime | None = None


class MemoryJobRepository:
    """Jobs in a dict under one lock."""

    def __init__(self) -> None:
        self._rows: dict[UUID, _Row] = {}
        self._lock = threading.RLock()

    def add(self, job: Job, events: Sequence[JobEvent]) -> tuple[Job, bool]:
        """See `JobRepository.add`."""
        with self._lock:
            for row in self._rows.values():
                same_tenant = row.job.tenant_id == job.tenant_id
                if job.dedup_key is not None and same_tenant and row.job.dedup_key == job.dedup_key:
                    return row.job, False
            self._rows[job.id] = _Row(job, _numbered(events, 0))
            return job, True

    def get(self, job_id: UUID) -> Job:
        """See `JobRepository.get`."""
        return self._row(job_id).job

    def events(self, job_id: UUID) -> list[JobEvent]:
        """See `JobRepository.events`."""
        return list(self._row(job_id).events)

    def save(
        self,
        transition: Transition,
        *,
        lease_expired_at: datetime | None = None,
        and_then: Callable[[Job], None] | None = None,
    ) -> bool:
        """See `JobRepository.save`."""
        with self._lock:
            row = self._row(transition.before.id)
            if not _is_unchanged(row.job, transition.before) or not _has_expired(row.job, lease_expired_at):
                return False
            if and_then is not None:
                and_then(transition.after)
            row.job = transition.after
            row.events.extend(_numbered(transition.events, len(row.events)))
            if row.job.status is JobStatus.QUEUED:
                row.resend_at = None
            return True

    def extend_lease(self, job_id: UUID, lease_token: UUID, until: datetime) -> bool:
        """See `JobRepository.extend_lease`."""
        return self._change_if_held(job_id, lease_token, lease_until=until)

    def holds_lease(self, job_id: UUID, lease_token: UUID) -> bool:
        """See `JobRepository.holds_lease`."""
        return self._change_if_held(job_id, lease_token)

    def save_progress(self, job_id: UUID, lease_token: UUID, progress: Mapping[str, Any]) -> bool:
        """See `JobRepository.save_progress`."""
        return self._change_if_held(job_id, lease_token, progress=dict(progress))

    def mark_sent(self, job_id: UUID, resend_at: datetime) -> None:
        """See `JobRepository.mark_sent`."""
        self._row(job_id).resend_at = resend_at

    def expired(self, now: datetime, limit: int) -> list[Job]:
        """See `JobRepository.expired`."""
        with self._lock:
            found = [row.job for row in self._rows.values() if row.job.lease_until and row.job.lease_until <= now]
        return sorted(found, key=lambda job: job.lease_until or now)[:limit]

    def unheard(self, now: datetime, limit: int) -> list[Job]:
        """See `JobRepository.unheard`."""
        with self._lock:
            found = [
                row.job
                for row in self._rows.values()
                if row.job.status is JobStatus.QUEUED
                and row.job.not_before <= now
                and (row.resend_at is None or row.resend_at <= now)
            ]
        return sorted(found, key=lambda job: job.not_before)[:limit]

    def _row(self, job_id: UUID) -> _Row:
        if job_id not in self._rows:
            raise JobNotFound(job_id)
        return self._rows[job_id]

    def _change_if_held(self, job_id: UUID, lease_token: UUID, **changes: Any) -> bool:
        with self._lock:
            row = self._row(job_id)
            if row.job.lease_token != lease_token:
                return False
            row.job = replace(row.job, **changes)
            return True


class MemoryJobQueue:
    """A list of messages. With `is_down` it refuses every message, and clearing `messages` loses them."""

    def __init__(self, repository: MemoryJobRepository) -> None:
        self._repository = repository
        self.messages: list[UUID] = []
        self.is_down = False

    def send(self, job: Job, resend_at: datetime) -> bool:
        """See `JobQueue.send`."""
        if self.is_down:
            return False
        self.messages.append(job.id)
        self._repository.mark_sent(job.id, resend_at)
        return True


def _numbered(events: Sequence[JobEvent], already: int) -> list[JobEvent]:
    return [replace(event, number=number) for number, event in enumerate(events, start=already + 1)]


def _is_unchanged(stored: Job, expected: Job) -> bool:
    return (stored.revision, stored.status, stored.lease_token) == (
        expected.revision,
        expected.status,
        expected.lease_token,
    )


def _has_expired(stored: Job, at: datetime | None) -> bool:
    return at is None or (stored.lease_until is not None and stored.lease_until <= at)
