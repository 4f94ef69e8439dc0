"""Flows, plans and retry policies: pure rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.core.catalog import FlowCatalog
from jobs.core.flow import Flow, RetryPolicy, Step, by_fact
from jobs.core.plan import next_step
from jobs.core.ports import StepContext
from jobs.errors import FlowInvalid, FlowUnknown

FLOW = Flow("f", "documents", tuple(Step(name, by_fact(name)) for name in ("a", "b", "c")))


def nothing(context: StepContext) -> dict[str, object]:
    return {}


def test_the_plan_is_the_first_step_that_the_facts_do_not_satisfy() -> None:
    names = [
        step.name if step else None
        for step in (
            next_step(FLOW, facts) for facts in ({}, {"a": 1}, {"b": 1}, {"a": 1, "c": 0}, {"a": 1, "b": 1, "c": 0})
        )
    ]
    assert names == ["a", "b", "a", "b", None]


def test_the_wait_doubles_up_to_its_limit() -> None:
    policy = RetryPolicy(max_attempts=9, backoff_base_s=2.0, backoff_max_s=10.0, jitter=0.0)
    assert [policy.delay_s(attempt, 0.9) for attempt in (1, 2, 3, 4, 5)] == [2.0, 4.0, 8.0, 10.0, 10.0]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_chance_only_shortens_the_wait_by_its_share(attempt: int, chance: float) -> None:
    policy = RetryPolicy(backoff_base_s=1.0, backoff_max_s=60.0, jitter=0.25)
    longest = policy.delay_s(attempt, 0.0)
    assert longest * 0.75 <= policy.delay_s(attempt, chance) <= longest <= 60.0


def test_the_tries_count_the_first_one() -> None:
    policy = RetryPolicy(max_attempts=2)
    assert [policy.is_exhausted(failed) for failed in (0, 1, 2, 3)] == [False, False, True, True]


def test_a_flow_needs_steps_with_names_of_their_own() -> None:
    with pytest.raises(FlowInvalid):
        Flow("f", "documents", ())
    with pytest.raises(FlowInvalid):
        Flow("f", "documents", (FLOW.steps[0], FLOW.steps[0]))


def test_a_catalog_wants_one_executor_per_step_and_one_flow_per_name() -> None:
    catalog = FlowCatalog()
    with pytest.raises(FlowInvalid):
        catalog.register(FLOW, {"a": nothing, "b": nothing})
    executors = {"a": nothing, "b": nothing, "c": nothing}
    catalog.register(FLOW, executors)
    catalog.register(FLOW, executors)
    with pytest.raises(FlowInvalid):
        catalog.register(Flow("f", "batch", FLOW.steps), executors)
    assert catalog.names() == ["f"]
    with pytest.raises(FlowUnknown):
        catalog.flow("g")
