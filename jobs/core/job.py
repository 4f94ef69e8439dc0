"""The job as a value: what is known about one piece of work at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class JobStatus(StrEnum):
    """Where a job stands. Only COMPLETED, FAILED and CANCELLED are terminal."""

    QUEUED = "QUEUED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """True when the orchestrator has said its last word, unless a person asks for a retry."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


class JobEventKind(StrEnum):
    """What happened to a job; the names are part of the public API."""

    QUEUED = "job_queued"
    STARTED = "job_started"
    STEP_COMPLETED = "job_step_completed"
    COMPLETED = "job_completed"
    FAILED = "job_failed"
    RETRYING = "job_retrying"
    CANCELLED = "job_cancelled"


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One entry of a job's history. `number` counts from 1 per job and is given by the repository."""

    kind: JobEventKind
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work of one tenant.

    `payload` is what was asked for and never changes. `facts` is what the steps have established so far; the plan
    reads nothing else. `attempts` counts the failed tries of the current step. `revision` counts the state changes:
    a change is stored only over the revision that it was computed from.
    """

    id: UUID
    tenant_id: UUID
    flow: str
    queue: str
    payload: Mapping[str, Any]
    created_at: datetime
    not_before: datetime
    session_id: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    status: JobStatus = JobStatus.QUEUED
    current_step: str | None = None
    attempts: int = 0
    progress: Mapping[str, Any] = field(default_factory=dict)
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    error_code: str | None = None
    error_message: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    dedup_key: str | None = None
    revision: int = 0
