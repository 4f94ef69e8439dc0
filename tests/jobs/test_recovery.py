"""Crashes, lost messages, lost leases: the same outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from jobs.core import transitions
from jobs.core.job import JobEventKind, JobStatus
from jobs.core.ports import StepContext
from jobs.core.transitions import Transition
from tests.jobs.stages import LEASE_S, Stage
from tests.jobs.workshop import RESEND_AFTER_S, RETRY, Workshop


class Killed(BaseException):
    """Stands for a worker that dies: nothing after it runs."""


@pytest.fixture
def workshop(stage: Stage) -> Workshop:
    return Workshop(stage)


def die_in(workshop: Workshop, step: str, job_id: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the job in a worker that dies in a step, without a chance to give the job back."""

    def die(context: StepContext) -> Mapping[str, Any]:
        raise Killed

    workshop.behaviours[step] = die
    dying = workshop.build_orchestrator()
    monkeypatch.setattr(dying, "_give_back", lambda *_: None)
    with pytest.raises(Killed):
        dying.run(job_id)
    workshop.behaviours.clear()


def test_a_job_whose_worker_died_goes_on_where_it_was(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    job = workshop.submit()
    die_in(workshop, "second", job.id, monkeypatch)
    assert workshop.stored(job).status is JobStatus.PROCESSING
    assert workshop.orchestrator.run(job.id).status is JobStatus.PROCESSING, "the lease still holds"
    assert workshop.orchestrator.sweep().recovered == 0

    workshop.stage.clock.advance(LEASE_S)
    report = workshop.orchestrator.sweep()
    assert (report.recovered, report.sent) == (1, 1)
    assert workshop.stored(job).attempts == 1
    assert workshop.orchestrator.run(job.id).status is JobStatus.COMPLETED
    assert workshop.calls == ["first", "second", "second"]
    assert len(workshop.finished) == 1


def test_a_job_that_kills_every_worker_fails(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    job = workshop.submit()
    for _ in range(RETRY.max_attempts):
        die_in(workshop, "first", job.id, monkeypatch)
        workshop.stage.clock.advance(LEASE_S)
        workshop.orchestrator.sweep()
    failed = workshop.stored(job)
    assert (failed.status, failed.error_code) == (JobStatus.FAILED, "lease_expired")
    assert [finished.status for finished in workshop.finished] == [JobStatus.FAILED]


def test_a_worker_that_was_taken_for_dead_can_not_write(workshop: Workshop) -> None:
    def overslept(context: StepContext) -> Mapping[str, Any]:
        workshop.behaviours.clear()
        workshop.stage.clock.advance(LEASE_S)
        workshop.orchestrator.sweep()
        assert workshop.orchestrator.run(context.job.id).status is JobStatus.COMPLETED
        return {"first": "stale"}

    workshop.behaviours["first"] = overslept
    job = workshop.submit()
    assert workshop.orchestrator.run(job.id).status is JobStatus.COMPLETED
    assert workshop.stored(job).facts == {"first": "done", "second": "done"}
    assert len(workshop.finished) == 1
    assert workshop.kinds(job).count(JobEventKind.COMPLETED) == 1


def test_a_job_that_another_takes_the_moment_it_is_put_back_is_left_alone(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outage(context: StepContext) -> Mapping[str, Any]:
        raise workshop.stage.outage()

    save = workshop.stage.repository.save

    def save_and_lose(transition: Transition, **options: Any) -> bool:
        saved = save(transition, **options)
        if transition.after.status is JobStatus.QUEUED:
            assert save(transitions.start(transition.after, "first", uuid4(), workshop.stage.clock(), LEASE_S))
        return saved

    workshop.behaviours["first"] = outage
    job = workshop.submit()
    monkeypatch.setattr(workshop.stage.repository, "save", save_and_lose)
    workshop.orchestrator.run(job.id)
    assert workshop.calls == ["first"]
    assert workshop.stored(job).status is JobStatus.PROCESSING, "it is the other's now"


def test_an_interrupted_worker_gives_its_job_back_at_once(workshop: Workshop) -> None:
    def interrupted(context: StepContext) -> Mapping[str, Any]:
        raise KeyboardInterrupt

    workshop.behaviours["second"] = interrupted
    job = workshop.submit()
    with pytest.raises(KeyboardInterrupt):
        workshop.orchestrator.run(job.id)
    workshop.behaviours.clear()
    given_back = workshop.stored(job)
    assert (given_back.status, given_back.attempts) == (JobStatus.QUEUED, 0)
    assert workshop.orchestrator.run(job.id).status is JobStatus.COMPLETED


def test_a_worker_stopped_by_a_time_limit_loses_a_try(workshop: Workshop) -> None:
    def overrun(context: StepContext) -> Mapping[str, Any]:
        raise Killed

    workshop.behaviours["first"] = overrun
    job = workshop.submit()
    with pytest.raises(Killed):
        workshop.orchestrator.run(job.id)
    assert (workshop.stored(job).status, workshop.stored(job).attempts) == (JobStatus.QUEUED, 1)


def test_a_lost_message_is_sent_again_after_a_while(workshop: Workshop) -> None:
    job = workshop.submit()
    workshop.stage.wire.lose_messages()
    assert workshop.orchestrator.sweep().sent == 0, "it may still be on its way"
    workshop.stage.clock.advance(RESEND_AFTER_S + 1)
    assert workshop.orchestrator.sweep().sent == 1
    assert workshop.stage.sent_job_ids() == [job.id]


def test_a_job_in_a_long_queue_is_not_sent_again_and_again(workshop: Workshop) -> None:
    job = workshop.submit()
    for _ in range(6 * 60):
        workshop.stage.clock.advance(10)
        workshop.orchestrator.sweep()
    assert workshop.stored(job).status is JobStatus.QUEUED
    assert 12 <= len(workshop.stage.sent_job_ids()) <= 40, "within an hour of waiting"


def test_a_message_that_could_not_be_sent_is_sent_by_the_next_sweep(workshop: Workshop) -> None:
    with workshop.stage.queue_down():
        job = workshop.submit()
        assert workshop.orchestrator.sweep().sent == 0
    assert workshop.stored(job).status is JobStatus.QUEUED
    assert workshop.orchestrator.sweep().sent == 1
    assert workshop.stage.sent_job_ids() == [job.id]


def test_a_waiting_job_is_sent_when_its_wait_is_over(workshop: Workshop) -> None:
    def outage(context: StepContext) -> Mapping[str, Any]:
        raise workshop.stage.outage()

    workshop.behaviours["first"] = outage
    workshop.orchestrator.run(workshop.submit().id)
    assert workshop.orchestrator.sweep().sent == 0
    workshop.stage.clock.advance(RETRY.backoff_base_s)
    assert workshop.orchestrator.sweep().sent == 1


def test_one_job_that_can_not_be_moved_does_not_stop_the_sweep(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned, healthy = workshop.submit(), workshop.submit()

    def refuse(job: Any) -> None:
        if job.id == poisoned.id:
            raise ZeroDivisionError

    workshop.on_finished = refuse
    for job in (poisoned, healthy):
        for _ in range(RETRY.max_attempts - 1):
            die_in(workshop, "first", job.id, monkeypatch)
            workshop.stage.clock.advance(LEASE_S)
            workshop.orchestrator.sweep()
        die_in(workshop, "first", job.id, monkeypatch)

    workshop.stage.clock.advance(LEASE_S)
    workshop.orchestrator.sweep()
    assert workshop.stored(healthy).status is JobStatus.FAILED
    assert workshop.stored(poisoned).status is JobStatus.PROCESSING, "its end was refused, so it has not ended"
