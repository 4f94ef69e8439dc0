"""The rows speak the core's language."""

from __future__ import annotations

from jobs.core.job import JobEventKind, JobStatus
from jobs.models import EventKind, Status


def test_every_state_and_event_of_the_core_has_words_for_people() -> None:
    assert {status.value for status in JobStatus} == set(Status.values)
    assert {kind.value for kind in JobEventKind} == set(EventKind.values)
