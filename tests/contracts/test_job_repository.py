"""One suite for every repository and queue of jobs: what the orchestrator relies on."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from jobs.core import transitions
from jobs.core.job import Job, JobEventKind, JobStatus
from jobs.core.transitions import Transition
from jobs.errors import JobNotFound
from tests.jobs.stage_fixture import STAGES, build_stage
from tests.jobs.stages import LEASE_S, Stage, queued_event


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> Stage:
    return build_stage(request)


def claim(stage: Stage, job: Job) -> Transition:
    return transitions.start(job, "first", uuid4(), stage.clock(), LEASE_S)


def claimed(stage: Stage) -> Job:
    transition = claim(stage, stage.stored_job())
    assert stage.repository.save(transition)
    return transition.after


def test_a_stored_job_comes_back_as_it_was(stage: Stage) -> None:
    job = stage.stored_job(session_id=uuid4(), payload={"audio": "key", "n": 1}, facts={"seen": [1, 2]})
    assert stage.repository.get(job.id) == job


def test_a_missing_job_is_an_error(stage: Stage) -> None:
    with pytest.raises(JobNotFound):
        stage.repository.get(uuid4())


def test_the_same_dedup_key_of_a_tenant_is_the_same_job(stage: Stage) -> None:
    first = stage.stored_job(dedup_key="finalize-1")
    second, is_new = stage.repository.add(stage.new_job(dedup_key="finalize-1"), [queued_event(stage.clock())])
    assert (second.id, is_new) == (first.id, False)
    assert len(stage.repository.events(first.id)) == 1


def test_another_tenant_may_use_the_same_dedup_key(stage: Stage) -> None:
    first = stage.stored_job(dedup_key="finalize-1")
    other, is_new = stage.repository.add(
        stage.new_job(tenant_id=stage.other_tenant_id, dedup_key="finalize-1"), [queued_event(stage.clock())]
    )
    assert is_new
    assert other.id != first.id


def test_a_transition_is_stored_with_its_events_numbered_on(stage: Stage) -> None:
    job = claimed(stage)
    done = transitions.complete_step(job, "first", {"a": 1}, None, stage.clock(), LEASE_S)
    assert stage.repository.save(done.then(transitions.complete(done.after, stage.clock())))
    stored = stage.repository.get(job.id)
    assert (stored.status, stored.facts, stored.lease_token) == (JobStatus.COMPLETED, {"a": 1}, None)
    events = stage.repository.events(job.id)
    assert [event.number for event in events] == [1, 2, 3, 4]
    assert [event.kind for event in events] == [
        JobEventKind.QUEUED,
        JobEventKind.STARTED,
        JobEventKind.STEP_COMPLETED,
        JobEventKind.COMPLETED,
    ]


def test_of_two_claims_of_one_state_one_wins(stage: Stage) -> None:
    job = stage.stored_job()
    assert [stage.repository.save(claim(stage, job)), stage.repository.save(claim(stage, job))] == [True, False]
    assert len(stage.repository.events(job.id)) == 2


def test_a_lost_lease_writes_nothing(stage: Stage) -> None:
    job = claimed(stage)
    assert job.lease_token is not None
    assert stage.repository.save(transitions.cancel(job, stage.clock()))
    late = transitions.complete_step(job, "first", {"a": 1}, None, stage.clock(), LEASE_S)
    assert not stage.repository.save(late)
    assert not stage.repository.extend_lease(job.id, job.lease_token, stage.clock())
    assert not stage.repository.save_progress(job.id, job.lease_token, {"done": 1})
    assert not stage.repository.holds_lease(job.id, job.lease_token)
    assert stage.repository.get(job.id).facts == {}


def test_a_heartbeat_does_not_disturb_the_worker_it_belongs_to(stage: Stage) -> None:
    job = claimed(stage)
    assert job.lease_token is not None
    until = stage.clock() + timedelta(seconds=2 * LEASE_S)
    assert stage.repository.extend_lease(job.id, job.lease_token, until)
    assert stage.repository.save_progress(job.id, job.lease_token, {"done": 3.0, "total": None, "unit": "s"})
    assert stage.repository.get(job.id).progress["done"] == 3.0
    assert stage.repository.save(transitions.complete(job, stage.clock()))


def test_a_follow_up_that_raises_undoes_the_transition(stage: Stage) -> None:
    job = claimed(stage)

    def refuse(_: Job) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage.repository.save(transitions.complete(job, stage.clock()), and_then=refuse)
    assert stage.repository.get(job.id).status is JobStatus.PROCESSING
    assert len(stage.repository.events(job.id)) == 2


def test_a_follow_up_is_not_called_for_a_lost_race(stage: Stage) -> None:
    job = claimed(stage)
    assert stage.repository.save(transitions.cancel(job, stage.clock()))
    calls: list[Job] = []
    assert not stage.repository.save(transitions.complete(job, stage.clock()), and_then=calls.append)
    assert calls == []


def test_only_leases_that_ran_out_are_expired(stage: Stage) -> None:
    job = claimed(stage)
    stage.stored_job()
    assert stage.repository.expired(stage.clock(), 10) == []
    stage.clock.advance(LEASE_S)
    assert [found.id for found in stage.repository.expired(stage.clock(), 10)] == [job.id]


def test_a_lease_extended_at_the_last_moment_is_not_taken(stage: Stage) -> None:
    job = claimed(stage)
    assert job.lease_token is not None
    stage.clock.advance(LEASE_S)
    (seen,) = stage.repository.expired(stage.clock(), 10)
    assert stage.repository.extend_lease(job.id, job.lease_token, stage.clock() + timedelta(seconds=LEASE_S))
    taken = transitions.cancel(seen, stage.clock())
    assert not stage.repository.save(taken, lease_expired_at=stage.clock())


def unheard(stage: Stage) -> list[UUID]:
    return [job.id for job in stage.repository.unheard(stage.clock(), 10)]


def test_unheard_are_due_jobs_whose_message_is_missing_or_taken_for_lost(stage: Stage) -> None:
    waiting = stage.stored_job()
    later = stage.stored_job(not_before=stage.clock() + timedelta(seconds=100))
    claimed(stage)
    assert unheard(stage) == [waiting.id]
    stage.repository.mark_sent(waiting.id, stage.clock() + timedelta(seconds=30))
    assert unheard(stage) == []
    stage.clock.advance(30)
    assert unheard(stage) == [waiting.id]
    stage.repository.mark_sent(waiting.id, stage.clock() + timedelta(seconds=30))
    stage.clock.advance(70)
    assert unheard(stage) == [waiting.id, later.id]


def test_a_job_that_went_back_to_the_queue_needs_a_new_message(stage: Stage) -> None:
    job = stage.stored_job()
    stage.repository.mark_sent(job.id, stage.clock() + timedelta(days=1))
    running = claim(stage, job)
    assert stage.repository.save(running)
    assert stage.repository.save(transitions.retry_later(running.after, stage.outage(), 0.0, stage.clock()))
    assert unheard(stage) == [job.id]


def test_a_sent_message_is_noted_and_names_the_job(stage: Stage) -> None:
    job = stage.stored_job()
    assert stage.queue.send(job, stage.clock() + timedelta(seconds=30))
    assert stage.sent_job_ids() == [job.id]
    assert unheard(stage) == []


def test_a_queue_that_is_down_raises_nothing_and_notes_nothing(stage: Stage) -> None:
    job = stage.stored_job()
    with stage.queue_down():
        assert not stage.queue.send(job, stage.clock() + timedelta(seconds=30))
    assert unheard(stage) == [job.id]
