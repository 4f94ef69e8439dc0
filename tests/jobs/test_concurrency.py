"""Many workers, sweepers and requests at once on the real database."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction

from jobs.core.job import JobEventKind, JobStatus
from jobs.core.ports import StepContext
from tests.jobs.postgres_stage import build_postgres_stage
from tests.jobs.stages import LEASE_S
from tests.jobs.workshop import Workshop

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 6
_Result = TypeVar("_Result")


@pytest.fixture
def workshop(request: pytest.FixtureRequest) -> Workshop:
    return Workshop(build_postgres_stage(request))


def at_once(action: Callable[[], _Result]) -> list[_Result]:
    """Run the action in many threads that start together, each with its own database connection."""
    start = threading.Barrier(WORKERS)

    def enter() -> _Result:
        start.wait(timeout=10)
        try:
            return action()
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        futures = [pool.submit(contextvars.copy_context().run, enter) for _ in range(WORKERS)]
        return [future.result(timeout=30) for future in futures]


def test_of_many_workers_with_one_message_one_does_the_work(workshop: Workshop) -> None:
    job = workshop.submit()
    at_once(lambda: workshop.orchestrator.run(job.id))
    assert workshop.stored(job).status is JobStatus.COMPLETED
    assert workshop.calls == ["first", "second"]
    assert len(workshop.finished) == 1


def test_many_requests_with_one_dedup_key_make_one_job(workshop: Workshop) -> None:
    jobs = at_once(lambda: workshop.submit(dedup_key="finalize-1"))
    assert len({job.id for job in jobs}) == 1
    assert workshop.kinds(jobs[0]) == [JobEventKind.QUEUED]


def test_a_second_request_waits_for_the_first_ones_transaction(workshop: Workshop) -> None:
    stored, release = threading.Event(), threading.Event()

    def first() -> Any:
        try:
            with transaction.atomic():
                job = workshop.submit(dedup_key="k")
                stored.set()
                assert release.wait(timeout=10)
                return job.id
        finally:
            connection.close()

    def second() -> Any:
        assert stored.wait(timeout=10)
        try:
            release.set()
            return workshop.submit(dedup_key="k").id
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        ids = [pool.submit(contextvars.copy_context().run, action) for action in (first, second)]
        assert ids[0].result(timeout=30) == ids[1].result(timeout=30)


def test_many_sweepers_recover_a_job_once(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(context: StepContext) -> Mapping[str, Any]:
        raise SystemExit

    workshop.behaviours["first"] = die
    dying = workshop.build_orchestrator()
    monkeypatch.setattr(dying, "_give_back", lambda *_: None)
    job = workshop.submit()
    with pytest.raises(SystemExit):
        dying.run(job.id)
    workshop.stage.clock.advance(LEASE_S)
    reports = at_once(workshop.orchestrator.sweep)
    assert sum(report.recovered for report in reports) == 1
    assert workshop.stored(job).attempts == 1
    assert workshop.kinds(job).count(JobEventKind.RETRYING) == 1


def test_a_cancel_beside_a_finishing_worker_leaves_one_end(workshop: Workshop) -> None:
    job = workshop.submit()
    started, proceed = threading.Event(), threading.Event()

    def hold(context: StepContext) -> Mapping[str, Any]:
        started.set()
        assert proceed.wait(timeout=10)
        return {"second": 1}

    workshop.behaviours["second"] = hold

    def work() -> None:
        try:
            workshop.orchestrator.run(job.id)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(contextvars.copy_context().run, work)
        assert started.wait(timeout=10)
        workshop.orchestrator.cancel(job.id)
        proceed.set()
        worker.result(timeout=30)
    assert workshop.stored(job).status is JobStatus.CANCELLED
    assert [finished.status for finished in workshop.finished] == [JobStatus.CANCELLED]
