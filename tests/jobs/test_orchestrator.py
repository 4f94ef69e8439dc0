"""What the orchestrator decides, on both stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from astra_site.lib.errors import InvalidInput
from jobs.core.flow import Flow, RetryPolicy, Step
from jobs.core.job import Job, JobEventKind, JobStatus
from jobs.core.ports import StepContext
from jobs.errors import FlowUnknown, IllegalTransition, StepPostponed
from tests.jobs.stages import LEASE_S, Stage
from tests.jobs.workshop import RETRY, Workshop


@pytest.fixture
def workshop(stage: Stage) -> Workshop:
    return Workshop(stage)


def test_steps_run_in_order_and_the_job_completes(workshop: Workshop) -> None:
    job = workshop.submit()
    done = workshop.orchestrator.run(job.id)
    assert done.status is JobStatus.COMPLETED
    assert done.facts == {"first": "done", "second": "done"}
    assert workshop.calls == ["first", "second"]
    assert workshop.kinds(job) == [
        JobEventKind.QUEUED,
        JobEventKind.STARTED,
        JobEventKind.STEP_COMPLETED,
        JobEventKind.STEP_COMPLETED,
        JobEventKind.COMPLETED,
    ]
    assert [finished.status for finished in workshop.finished] == [JobStatus.COMPLETED]


def test_a_step_that_the_facts_satisfy_is_skipped(workshop: Workshop) -> None:
    job = workshop.submit(facts={"first": "known"})
    assert workshop.orchestrator.run(job.id).status is JobStatus.COMPLETED
    assert workshop.calls == ["second"]


def test_a_job_with_nothing_left_to_do_completes(workshop: Workshop) -> None:
    job = workshop.submit(facts={"first": 1, "second": 1})
    assert workshop.orchestrator.run(job.id).status is JobStatus.COMPLETED
    assert workshop.calls == []
    assert len(workshop.finished) == 1


def test_submitting_twice_with_one_key_is_one_job_and_one_message(workshop: Workshop) -> None:
    first = workshop.submit(dedup_key="k")
    assert workshop.submit(dedup_key="k").id == first.id
    assert workshop.stage.sent_job_ids() == [first.id]


def test_an_unknown_flow_can_not_be_submitted(workshop: Workshop) -> None:
    with pytest.raises(FlowUnknown):
        workshop.orchestrator.submit("unheard_of", workshop.stage.tenant_id, {})


def test_a_doubled_message_does_nothing(workshop: Workshop) -> None:
    job = workshop.submit()
    for _ in range(3):
        assert workshop.orchestrator.run(job.id).status is JobStatus.COMPLETED
    assert workshop.calls == ["first", "second"]
    assert len(workshop.finished) == 1


def test_a_message_doubled_while_the_job_runs_does_nothing(workshop: Workshop) -> None:
    def run_it_again(context: StepContext) -> Mapping[str, Any]:
        assert workshop.orchestrator.run(context.job.id).status is JobStatus.PROCESSING
        return {"first": "once"}

    workshop.behaviours["first"] = run_it_again
    assert workshop.orchestrator.run(workshop.submit().id).status is JobStatus.COMPLETED
    assert workshop.calls == ["first", "second"]


def test_an_outage_is_waited_out_with_growing_patience(workshop: Workshop) -> None:
    def outage(context: StepContext) -> Mapping[str, Any]:
        raise workshop.stage.outage()

    workshop.behaviours["second"] = outage
    job = workshop.submit()
    waits_s = []
    for attempt in (1, 2):
        waiting = workshop.orchestrator.run(job.id)
        assert (waiting.status, waiting.attempts) == (JobStatus.QUEUED, attempt)
        assert waiting.error_code == "store_unavailable"
        waits_s.append((waiting.not_before - workshop.stage.clock()).total_seconds())
        assert workshop.orchestrator.run(job.id).status is JobStatus.QUEUED, "not before its time"
        workshop.stage.clock.advance(waits_s[-1])
    assert waits_s == [RETRY.backoff_base_s, 2 * RETRY.backoff_base_s]
    workshop.behaviours.clear()
    assert workshop.orchestrator.run(job.id).status is JobStatus.COMPLETED
    assert workshop.calls == ["first", "second", "second", "second"]


def test_an_outage_without_end_fails_the_job_once(workshop: Workshop) -> None:
    def outage(context: StepContext) -> Mapping[str, Any]:
        raise workshop.stage.outage()

    workshop.behaviours["first"] = outage
    job = workshop.submit()
    for _ in range(RETRY.max_attempts):
        workshop.orchestrator.run(job.id)
        workshop.stage.clock.advance(RETRY.backoff_max_s)
    assert workshop.stored(job).status is JobStatus.FAILED
    assert [finished.status for finished in workshop.finished] == [JobStatus.FAILED]
    assert workshop.calls == ["first"] * RETRY.max_attempts


def test_a_permanent_error_fails_at_once(workshop: Workshop) -> None:
    def refuse(context: StepContext) -> Mapping[str, Any]:
        raise InvalidInput("audio_unreadable", "This is no audio.")

    workshop.behaviours["first"] = refuse
    failed = workshop.orchestrator.run(workshop.submit().id)
    assert (failed.status, failed.error_code, failed.error_message) == (
        JobStatus.FAILED,
        "audio_unreadable",
        "This is no audio.",
    )


def test_a_mistake_in_a_step_is_contained_and_fails_when_the_tries_are_used_up(workshop: Workshop) -> None:
    def blunder(context: StepContext) -> Mapping[str, Any]:
        raise KeyError("nobody expected this")

    workshop.behaviours["first"] = blunder
    job = workshop.submit()
    for _ in range(RETRY.max_attempts):
        workshop.orchestrator.run(job.id)
        workshop.stage.clock.advance(RETRY.backoff_max_s)
    assert (workshop.stored(job).status, workshop.stored(job).error_code) == (JobStatus.FAILED, "step_crashed")


def test_a_step_that_does_not_do_what_it_is_for_fails_instead_of_looping(workshop: Workshop) -> None:
    workshop.behaviours["first"] = lambda context: {"something": "else"}
    failed = workshop.orchestrator.run(workshop.submit().id)
    assert (failed.status, failed.error_code) == (JobStatus.FAILED, "step_unsatisfied")


def test_a_plan_that_raises_fails_the_job_instead_of_haunting_the_queue(stage: Stage) -> None:
    workshop = Workshop(stage)
    broken = Flow("broken", "documents", (Step("only", lambda facts: bool(facts["missing"]), RETRY),))
    workshop.catalog.register(broken, {"only": lambda context: {}})
    job = workshop.orchestrator.submit("broken", stage.tenant_id, {})
    for _ in range(RetryPolicy().max_attempts):
        workshop.orchestrator.run(job.id)
        stage.clock.advance(RetryPolicy().backoff_max_s)
    assert (workshop.stored(job).status, workshop.stored(job).error_code) == (JobStatus.FAILED, "step_crashed")


def test_a_postponed_step_waits_without_losing_a_try(workshop: Workshop) -> None:
    def wait(context: StepContext) -> Mapping[str, Any]:
        raise StepPostponed(7.0, "The session is still draining.")

    workshop.behaviours["first"] = wait
    job = workshop.submit()
    for _ in range(RETRY.max_attempts + 2):
        waiting = workshop.orchestrator.run(job.id)
        assert (waiting.status, waiting.attempts) == (JobStatus.QUEUED, 0)
        workshop.stage.clock.advance(7.0)


def test_a_failed_job_goes_on_from_the_step_that_failed_when_asked(workshop: Workshop) -> None:
    def refuse(context: StepContext) -> Mapping[str, Any]:
        raise InvalidInput("no_skeleton", "There is no skeleton.")

    workshop.behaviours["second"] = refuse
    job = workshop.submit()
    workshop.orchestrator.run(job.id)
    workshop.behaviours.clear()
    assert workshop.orchestrator.retry(job.id).status is JobStatus.QUEUED
    assert workshop.stage.sent_job_ids() == [job.id, job.id]
    assert workshop.orchestrator.run(job.id).status is JobStatus.COMPLETED
    assert workshop.calls == ["first", "second", "second"]
    assert [finished.status for finished in workshop.finished] == [JobStatus.FAILED, JobStatus.COMPLETED]


def test_only_a_failed_job_can_be_retried(workshop: Workshop) -> None:
    with pytest.raises(IllegalTransition):
        workshop.orchestrator.retry(workshop.submit().id)


def test_a_cancelled_job_is_not_run(workshop: Workshop) -> None:
    job = workshop.submit()
    assert workshop.orchestrator.cancel(job.id).status is JobStatus.CANCELLED
    assert workshop.orchestrator.cancel(job.id).status is JobStatus.CANCELLED
    assert workshop.orchestrator.run(job.id).status is JobStatus.CANCELLED
    assert workshop.calls == []
    assert [finished.status for finished in workshop.finished] == [JobStatus.CANCELLED]


def test_a_completed_job_can_not_be_cancelled(workshop: Workshop) -> None:
    job = workshop.submit()
    workshop.orchestrator.run(job.id)
    with pytest.raises(IllegalTransition):
        workshop.orchestrator.cancel(job.id)


def test_a_job_cancelled_while_it_runs_learns_of_it_and_stores_nothing_more(workshop: Workshop) -> None:
    def cancelled_meanwhile(context: StepContext) -> Mapping[str, Any]:
        assert not context.cancelled()
        workshop.orchestrator.cancel(context.job.id)
        assert context.cancelled()
        return {"first": "too late"}

    workshop.behaviours["first"] = cancelled_meanwhile
    job = workshop.submit()
    assert workshop.orchestrator.run(job.id).status is JobStatus.CANCELLED
    assert workshop.stored(job).facts == {}
    assert workshop.calls == ["first"]
    assert [finished.status for finished in workshop.finished] == [JobStatus.CANCELLED]


def test_progress_is_stored_while_a_step_runs_and_gone_after_it(workshop: Workshop) -> None:
    seen: list[Mapping[str, Any]] = []

    def report(context: StepContext) -> Mapping[str, Any]:
        context.report_progress(30.0, 120.0, "audio_s")
        seen.append(workshop.stored(context.job).progress)
        return {"first": 1}

    workshop.behaviours["first"] = report
    job = workshop.submit()
    workshop.orchestrator.run(job.id)
    assert seen == [{"done": 30.0, "total": 120.0, "unit": "audio_s"}]
    assert workshop.stored(job).progress == {}


def test_a_heartbeat_is_refused_beyond_the_time_limit_of_the_step(workshop: Workshop) -> None:
    def too_long(context: StepContext) -> Mapping[str, Any]:
        workshop.stage.clock.advance(119.0)
        context.heartbeat()
        lease_until = workshop.stored(context.job).lease_until
        assert lease_until is not None
        assert (lease_until - workshop.stage.clock()).total_seconds() == 1.0
        workshop.stage.clock.advance(1.0)
        assert context.cancelled()
        context.heartbeat()
        return {}

    workshop.behaviours["first"] = too_long
    job = workshop.submit()
    assert workshop.orchestrator.run(job.id).status is JobStatus.PROCESSING, "left to the sweeper"
    assert workshop.orchestrator.sweep().recovered == 1
    assert workshop.stored(job).error_code == "lease_expired"


def test_an_end_that_raises_has_not_happened(workshop: Workshop) -> None:
    def fail_once(job: Job) -> None:
        workshop.on_finished = None
        raise ZeroDivisionError

    workshop.on_finished = fail_once
    job = workshop.submit()
    waiting = workshop.orchestrator.run(job.id)
    assert (waiting.status, waiting.facts) == (JobStatus.QUEUED, {"first": "done"})
    workshop.stage.clock.advance(LEASE_S)
    assert workshop.orchestrator.run(job.id).status is JobStatus.COMPLETED
    assert [finished.status for finished in workshop.finished] == [JobStatus.COMPLETED]
