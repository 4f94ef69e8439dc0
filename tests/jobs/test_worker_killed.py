"""A real worker process, killed with SIGKILL in the middle of a step."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from astra_site.lib.tenancy import tenant_scope
from jobs import registry, services
from jobs.core.job import JobEventKind, JobStatus
from jobs.core.ports import StepContext
from jobs.runtime.orchestration import job_repository, orchestrator
from jobs.runtime.sweeper import sweep_once
from jobs.runtime.work import run_job
from tests.jobs import doomed_worker
from tests.jobs.postgres_stage import build_postgres_stage
from tests.jobs.processes import start_python
from tests.jobs.stages import Stage

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 30.0


def second(context: StepContext) -> Mapping[str, Any]:
    return {"second": "by its successor"}


registry.register(doomed_worker.FLOW, {"first": doomed_worker.first, "second": second})


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    return build_postgres_stage(request)


def test_the_job_of_a_killed_worker_is_finished_by_another(stage: Stage) -> None:
    with tenant_scope(stage.tenant_id):
        job = services.submit("test_doomed", {})
        worker = start_python("-m", "tests.jobs.doomed_worker", str(job.id), ASTRA_JOB_LEASE_S="1")
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "hanging\n"
            lease_until = job_repository().get(job.id).lease_until
            end_s = time.monotonic() + DEADLINE_S
            while job_repository().get(job.id).lease_until == lease_until:
                assert time.monotonic() < end_s, "the lease is not kept alive"
                threading.Event().wait(0.05)
            sweep_once(orchestrator())
            assert job_repository().get(job.id).status is JobStatus.PROCESSING, "a living worker keeps its job"
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.communicate(timeout=DEADLINE_S)
        end_s = time.monotonic() + DEADLINE_S
        while job_repository().get(job.id).status is JobStatus.PROCESSING:
            assert time.monotonic() < end_s, "the lease did not run out"
            sweep_once(orchestrator())
            threading.Event().wait(0.05)
        run_job(job.id)
        done = job_repository().get(job.id)
        assert done.facts == {"first": "by the doomed worker", "second": "by its successor"}
        kinds = [event.kind for event in job_repository().events(job.id)]
        assert kinds.count(JobEventKind.RETRYING) == 1
        assert kinds[-1] is JobEventKind.COMPLETED
