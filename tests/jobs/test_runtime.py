"""Jobs on the real worker, broker and database: services, actors, heartbeat, sweeper."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import dramatiq
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from dramatiq.worker import Worker

from astra_site.lib.clock import utc_now
from astra_site.lib.logs import current_context, log_context
from astra_site.lib.tenancy import all_tenants, current_tenant_id, tenant_scope
from jobs import models, registry, services, tasks
from jobs.core.flow import Flow, RetryPolicy, Step, by_fact
from jobs.core.job import JobStatus
from jobs.core.orchestrator import Orchestrator
from jobs.core.ports import StepContext
from jobs.errors import JobNotFound
from jobs.registry import flow_catalog
from jobs.runtime.lease_keeper import ThreadedLeaseKeeper
from jobs.runtime.orchestration import job_repository, orchestrator
from jobs.runtime.queue import QUEUES, actor_name
from jobs.runtime.sweeper import sweep_once, sweep_until
from jobs.runtime.work import run_due_jobs, run_job
from tests.jobs.postgres_stage import build_postgres_stage
from tests.jobs.stages import Stage
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 20.0
ORCHESTRATION_S = 60.0
"""What the orchestrator itself may need around the steps of one run."""
seen: list[Mapping[str, Any]] = []


def look_around(context: StepContext) -> Mapping[str, Any]:
    seen.append({**current_context(), "tenant": current_tenant_id()})
    return {"looked": True}


registry.register(
    Flow("test_look_around", "realtime", (Step("look", by_fact("looked"), RetryPolicy(max_attempts=2)),)),
    {"look": look_around},
)


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    built = build_postgres_stage(request)
    seen.clear()
    with tenant_scope(built.tenant_id):
        yield built


@contextmanager
def running_worker() -> Iterator[Worker]:
    worker = Worker(dramatiq.get_broker(), worker_threads=2, worker_timeout=50)
    worker.start()
    try:
        yield worker
        # Dramatiq interrupts a thread by its number, and numbers are used again: leave none of them at work.
        worker.join()
    finally:
        worker.stop()


def test_every_queue_has_its_actor() -> None:
    for queue in QUEUES:
        actor = getattr(tasks, actor_name(queue))
        assert actor.queue_name == queue
        assert actor.options["max_retries"] == 0
        assert actor.options["time_limit"] > 0


def test_an_actor_may_run_as_long_as_all_steps_of_its_longest_flow() -> None:
    catalog = flow_catalog()
    flows = [catalog.flow(name) for name in catalog.names() if not name.startswith("test_")]
    assert {flow.queue for flow in flows} == set(QUEUES)
    for flow in flows:
        limit_s = getattr(tasks, actor_name(flow.queue)).options["time_limit"] / 1000
        assert limit_s > sum(step.time_limit_s for step in flow.steps) + ORCHESTRATION_S, flow.name


def test_a_worker_does_the_job_in_the_scope_and_log_context_of_its_tenant(stage: Stage) -> None:
    session_id = uuid4()
    with log_context(trace_id="trace-1"):
        job = services.submit("test_look_around", {}, session_id=session_id)
    with running_worker():
        until(lambda: job_repository().get(job.id).status is JobStatus.COMPLETED)
    assert seen == [
        {
            "tenant": stage.tenant_id,
            "tenant_id": str(stage.tenant_id),
            "session_id": str(session_id),
            "job_id": str(job.id),
            "trace_id": "trace-1",
        }
    ]


def test_a_rolled_back_request_leaves_neither_job_nor_message(stage: Stage) -> None:
    with transaction.atomic():
        job = services.submit("test_look_around", {})
        transaction.set_rollback(True)
    with pytest.raises(JobNotFound):
        job_repository().get(job.id)
    assert stage.sent_job_ids() == []


def test_the_message_leaves_after_the_commit(stage: Stage) -> None:
    with transaction.atomic():
        job = services.submit("test_look_around", {})
        assert stage.sent_job_ids() == []
    assert stage.sent_job_ids() == [job.id]


def test_a_request_succeeds_while_redis_is_down_and_the_sweeper_sends_later(stage: Stage) -> None:
    with stage.queue_down(), transaction.atomic():
        job = services.submit("test_look_around", {})
    assert job_repository().get(job.id).status is JobStatus.QUEUED
    sweep_once(orchestrator())
    assert stage.sent_job_ids() == [job.id]


def test_a_message_for_a_missing_job_is_dropped(stage: Stage) -> None:
    assert run_job(uuid4()) is None


def test_due_jobs_can_be_done_without_a_worker(stage: Stage) -> None:
    jobs = [services.submit("test_look_around", {}) for _ in range(3)]
    assert run_due_jobs() == 3
    assert {job_repository().get(job.id).status for job in jobs} == {JobStatus.COMPLETED}
    assert run_due_jobs() == 0


def test_another_tenants_job_does_not_exist_for_a_service(stage: Stage) -> None:
    job = services.submit("test_look_around", {})
    with tenant_scope(stage.other_tenant_id), pytest.raises(JobNotFound):
        services.cancel(job.id)


def test_the_sweeper_command_repairs_jobs_of_every_tenant(stage: Stage) -> None:
    first = services.submit("test_look_around", {})
    with tenant_scope(stage.other_tenant_id):
        second = services.submit("test_look_around", {})
    stage.wire.lose_messages()
    with all_tenants(reason="make the messages of a test old"):
        models.Job.objects.update(resend_at=utc_now() - timedelta(hours=1))
    call_command("run_sweeper", once=True)
    assert set(stage.sent_job_ids()) == {first.id, second.id}


def test_the_sweeper_goes_on_until_it_is_stopped_and_past_a_failing_round(stage: Stage) -> None:
    rounds: list[int] = []
    stop = threading.Event()

    def count() -> None:
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        raise stage.outage()

    registry.register_sweep("test_count", count)
    try:
        sweep_until(stop, orchestrator(), interval_s=0.01)
    finally:
        registry.unregister_sweep("test_count")
    assert len(rounds) == 3


def test_a_mistake_in_one_sweep_is_logged_and_stops_neither_the_others_nor_the_jobs(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    swept: list[str] = []

    def mistaken() -> None:
        raise ZeroDivisionError("a mistake in an app above")

    with stage.queue_down():
        job = services.submit("test_look_around", {})
    registry.register_sweep("test_a_mistaken", mistaken)
    registry.register_sweep("test_b_right", lambda: swept.append("right"))
    try:
        sweep_once(orchestrator())
        sweep_once(orchestrator())
    finally:
        registry.unregister_sweep("test_a_mistaken")
        registry.unregister_sweep("test_b_right")
    assert swept == ["right", "right"]
    assert stage.sent_job_ids() == [job.id]
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.getMessage() for record in errors] == ["test_a_mistaken not swept"] * 2
    assert all(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in errors)


def test_a_mistake_in_the_sweep_of_the_jobs_does_not_stop_the_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[str] = []

    def mistaken(self: Orchestrator) -> None:
        raise ZeroDivisionError("a mistake in the orchestrator")

    monkeypatch.setattr(Orchestrator, "sweep", mistaken)
    registry.register_sweep("test_right", lambda: swept.append("right"))
    try:
        sweep_once(orchestrator())
    finally:
        registry.unregister_sweep("test_right")
    assert swept == ["right"]


def test_a_lease_is_kept_while_the_worker_thread_is_busy(stage: Stage) -> None:
    extensions = threading.Semaphore(0)

    def extend() -> bool:
        assert current_tenant_id() == stage.tenant_id
        assert models.Job.objects.count() == 0
        extensions.release()
        return True

    with ThreadedLeaseKeeper().hold(extend, every_s=0.02, at_most_s=DEADLINE_S):
        for _ in range(3):
            assert extensions.acquire(timeout=DEADLINE_S)


def test_a_lost_lease_is_not_extended_any_more(stage: Stage) -> None:
    calls: list[int] = []
    threads_before = threading.active_count()

    def extend() -> bool:
        calls.append(1)
        return False

    with ThreadedLeaseKeeper().hold(extend, every_s=0.01, at_most_s=DEADLINE_S):
        until(lambda: threading.active_count() == threads_before)
    assert calls == [1]


def test_the_database_refuses_a_lease_without_work(stage: Stage) -> None:
    job = services.submit("test_look_around", {})
    with pytest.raises(Exception, match="job_leased_exactly_while_processing"), transaction.atomic():
        models.Job.objects.filter(pk=job.id).update(status="PROCESSING")
    connection.rollback()
