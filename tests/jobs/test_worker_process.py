"""A real Dramatiq worker process: killed with SIGKILL in the middle of a step, or told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from astra_site.lib.tenancy import tenant_scope
from jobs import registry, services
from jobs.core.job import Job, JobEventKind, JobStatus
from jobs.core.ports import StepContext
from jobs.runtime.orchestration import job_repository, orchestrator
from jobs.runtime.sweeper import sweep_once
from jobs.runtime.work import run_job
from tests.jobs.hanging_flow import FLOW
from tests.jobs.postgres_stage import build_postgres_stage
from tests.jobs.processes import start_python
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 60.0


def by_the_test(context: StepContext) -> Mapping[str, Any]:
    return {"second": "by its successor"}


registry.register(FLOW, {"first": by_the_test, "second": by_the_test})


@pytest.fixture
def job(request: pytest.FixtureRequest) -> Iterator[Job]:
    stage = build_postgres_stage(request)
    with tenant_scope(stage.tenant_id):
        yield services.submit(FLOW.name, {})


@contextmanager
def worker_process() -> Iterator[subprocess.Popen[str]]:
    """A worker with one process and one thread, in a process group of its own."""
    arguments = ("-m", "dramatiq", "-p", "1", "-t", "1", "-Q", "batch", "--", "tests.jobs.hanging_worker")
    process = start_python(*arguments, ASTRA_JOB_LEASE_S="1")
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=DEADLINE_S)


def stored(job: Job) -> Job:
    return job_repository().get(job.id)


def test_the_job_of_a_killed_worker_is_finished_by_another(job: Job) -> None:
    with worker_process() as worker:
        until(lambda: stored(job).current_step == "second")
        lease_until = stored(job).lease_until
        until(lambda: stored(job).lease_until != lease_until)
        sweep_once(orchestrator())
        assert stored(job).status is JobStatus.PROCESSING, "a living worker keeps its job"
        os.killpg(worker.pid, signal.SIGKILL)

    def is_recovered() -> bool:
        sweep_once(orchestrator())
        return stored(job).status is JobStatus.QUEUED

    until(is_recovered)
    run_job(job.id)
    assert stored(job).facts == {"first": "by the worker process", "second": "by its successor"}
    kinds = [event.kind for event in job_repository().events(job.id)]
    assert kinds.count(JobEventKind.RETRYING) == 1
    assert kinds[-1] is JobEventKind.COMPLETED


def test_a_worker_that_is_told_to_stop_hands_its_job_back_without_losing_a_try(job: Job) -> None:
    with worker_process() as worker:
        until(lambda: stored(job).current_step == "second")
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=DEADLINE_S)
    handed_back = stored(job)
    assert (handed_back.status, handed_back.attempts) == (JobStatus.QUEUED, 0)
    assert handed_back.facts == {"first": "by the worker process"}
