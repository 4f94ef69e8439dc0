"""Messages of live inputs leave together, behind the acknowledgement; losing them costs time and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import dramatiq
import pytest
from django.db import transaction
from dramatiq.brokers.redis import RedisBroker

from astra_site.lib.clock import utc_now
from astra_site.lib.tenancy import tenant_scope
from jobs import models, services
from jobs.core.job import JobStatus
from jobs.runtime.orchestration import job_queue, job_repository, orchestrator
from jobs.runtime.queue import send_all
from jobs.runtime.sweeper import sweep_once
from tests.jobs.postgres_stage import build_postgres_stage
from tests.jobs.stages import Stage
from tests.jobs.test_runtime import running_worker
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 20.0


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    built = build_postgres_stage(request)
    with tenant_scope(built.tenant_id):
        yield built


def stored(key: str) -> services.PreparedJob:
    """Store a prepared job as its caller would."""
    prepared = services.prepare("test_look_around", {}, dedup_key=key)
    for insert in prepared.inserts:
        insert.model(**insert.values).save(force_insert=True)
    return prepared


def test_many_messages_leave_in_one_go_and_every_one_is_worked_on(stage: Stage) -> None:
    with transaction.atomic():
        prepared = [stored(f"k{number}") for number in range(30)]
        for one in prepared:
            one.send_behind()
        assert stage.sent_job_ids() == []
    assert job_queue().finish(DEADLINE_S)
    assert stage.sent_job_ids() == [one.job.id for one in prepared]
    with running_worker():
        until(lambda: all(job_repository().get(one.job.id).status is JobStatus.COMPLETED for one in prepared))


def test_messages_that_leave_together_are_those_that_leave_alone(stage: Stage) -> None:
    """Put into a pipeline, Dramatiq's own script gets the arguments that it gets otherwise."""
    broker = dramatiq.get_broker()
    jobs = [stored(f"k{number}").job for number in range(3)]
    for job in jobs:
        send_all([job])
    alone = stage.sent_job_ids()
    stage.wire.lose_messages()
    send_all(jobs)
    assert stage.sent_job_ids() == alone == [job.id for job in jobs]
    assert isinstance(broker, RedisBroker)
    assert broker.scripts["dispatch"].registered_client is broker.client


def test_after_a_rollback_nothing_is_sent(stage: Stage) -> None:
    with transaction.atomic():
        stored("k").send_behind()
        transaction.set_rollback(True)
    assert job_queue().finish(DEADLINE_S)
    assert stage.sent_job_ids() == []


def test_what_a_broker_that_is_down_did_not_take_is_sent_by_the_sweeper(stage: Stage) -> None:
    with stage.queue_down():
        prepared = [stored(f"k{number}") for number in range(2)]
        for one in prepared:
            one.send_behind()
        assert job_queue().finish(DEADLINE_S)
    assert stage.sent_job_ids() == []
    sweep_once(orchestrator())
    assert stage.sent_job_ids() == [], "they may still be on their way"
    models.Job.objects.update(resend_at=utc_now() - timedelta(seconds=1))
    sweep_once(orchestrator())
    assert sorted(stage.sent_job_ids()) == sorted(one.job.id for one in prepared)
