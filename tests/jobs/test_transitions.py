"""Every move of a job: what it changes, and the states that refuse it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from astra_site.lib.errors import InvalidInput, Unavailable
from jobs.core import transitions
from jobs.core.job import Job, JobEventKind, JobStatus
from jobs.core.transitions import Transition
from jobs.errors import IllegalTransition

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
OUTAGE = Unavailable("store_unavailable", "The store does not answer.")
MOVES: dict[str, Callable[[Job], Transition]] = {
    "start": lambda job: transitions.start(job, "a", uuid4(), NOW, 30.0),
    "complete_step": lambda job: transitions.complete_step(job, "a", {}, "b", NOW, 30.0),
    "complete": lambda job: transitions.complete(job, NOW),
    "retry_later": lambda job: transitions.retry_later(job, OUTAGE, 5.0, NOW),
    "fail": lambda job: transitions.fail(job, OUTAGE, NOW),
    "cancel": lambda job: transitions.cancel(job, NOW),
    "retry": lambda job: transitions.retry(job, NOW),
}
ALLOWED = {
    "start": {JobStatus.QUEUED},
    "complete_step": {JobStatus.PROCESSING},
    "complete": {JobStatus.PROCESSING},
    "retry_later": {JobStatus.PROCESSING},
    "fail": {JobStatus.PROCESSING},
    "cancel": {JobStatus.QUEUED, JobStatus.PROCESSING},
    "retry": {JobStatus.FAILED},
}


def job_in(status: JobStatus) -> Job:
    job = Job(uuid4(), uuid4(), "flow", "documents", {}, created_at=NOW, not_before=NOW, status=status, revision=7)
    if status is JobStatus.PROCESSING:
        return replace(job, lease_token=uuid4(), lease_until=NOW, current_step="a", started_at=NOW)
    return job


@pytest.mark.parametrize("status", JobStatus)
@pytest.mark.parametrize("move", MOVES)
def test_each_state_allows_its_moves_and_no_other(move: str, status: JobStatus) -> None:
    job = job_in(status)
    if status in ALLOWED[move]:
        transition = MOVES[move](job)
        assert transition.before is job
        assert transition.after.revision == job.revision + 1
        assert len(transition.events) == 1
    else:
        with pytest.raises(IllegalTransition) as caught:
            MOVES[move](job)
        assert caught.value.details["status"] == status.value


@pytest.mark.parametrize("move", MOVES)
def test_a_job_holds_a_lease_exactly_while_it_is_processing(move: str) -> None:
    for status in ALLOWED[move]:
        after = MOVES[move](job_in(status)).after
        assert (after.lease_token is not None) == (after.status is JobStatus.PROCESSING)
        assert (after.lease_until is not None) == (after.status is JobStatus.PROCESSING)


def test_start_gives_a_lease_and_keeps_the_first_start() -> None:
    first = transitions.start(job_in(JobStatus.QUEUED), "a", uuid4(), NOW, 30.0).after
    assert first.lease_until == NOW + timedelta(seconds=30)
    assert first.started_at == NOW
    again = transitions.retry_later(first, OUTAGE, 5.0, NOW).after
    later = NOW + timedelta(minutes=1)
    assert transitions.start(again, "a", uuid4(), later, 30.0).after.started_at == NOW


def test_completing_a_step_adds_its_facts_and_forgets_failed_tries() -> None:
    job = replace(job_in(JobStatus.PROCESSING), facts={"old": 1}, attempts=2, error_code="x", error_message="y")
    after = transitions.complete_step(job, "a", {"new": 2}, "b", NOW, 30.0).after
    assert after.facts == {"old": 1, "new": 2}
    assert (after.attempts, after.error_code, after.current_step) == (0, None, "b")


def test_a_retry_is_due_after_its_wait_and_says_why() -> None:
    transition = transitions.retry_later(job_in(JobStatus.PROCESSING), OUTAGE, 5.0, NOW)
    assert transition.after.not_before == NOW + timedelta(seconds=5)
    assert (transition.after.attempts, transition.after.error_code) == (1, "store_unavailable")
    assert transition.events[0].kind is JobEventKind.RETRYING


def test_a_wait_that_is_nobodys_fault_is_not_counted() -> None:
    after = transitions.retry_later(job_in(JobStatus.PROCESSING), OUTAGE, 5.0, NOW, counted=False).after
    assert after.attempts == 0


def test_a_failure_keeps_its_error_and_a_retry_by_hand_forgets_it() -> None:
    failed = transitions.fail(job_in(JobStatus.PROCESSING), InvalidInput("bad", "Bad."), NOW)
    assert (failed.after.error_code, failed.after.error_message, failed.after.attempts) == ("bad", "Bad.", 1)
    assert failed.ends_the_job
    again = transitions.retry(failed.after, NOW).after
    assert (again.error_code, again.attempts, again.finished_at) == (None, 0, None)


def test_two_joined_moves_are_one_revision_with_both_events() -> None:
    step = transitions.complete_step(job_in(JobStatus.PROCESSING), "a", {}, None, NOW, 30.0)
    joined = step.then(transitions.complete(step.after, NOW))
    assert joined.after.revision == joined.before.revision + 1
    assert [event.kind for event in joined.events] == [JobEventKind.STEP_COMPLETED, JobEventKind.COMPLETED]
    assert joined.ends_the_job
