"""Any sequence of reserving, settling, giving back, topping up, expiring and losing Redis, beside a simple model."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from astra_site.lib.redis_client import redis_client
from tenants.errors import QuotaExhausted
from tenants.quota.reservations import Hold, quota_heat
from tenants.quota.standing import Standing, month_of
from tests.quota.ground import Ground

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_redis")]
AMOUNTS = st.integers(min_value=0, max_value=60)
LEASE_S = 900


class Quota(RuleBasedStateMachine):
    """The product on real PostgreSQL and Redis, and what anybody could work out on paper."""

    def __init__(self) -> None:
        super().__init__()
        self.ground = Ground()
        self.standing = Standing(limit=None)
        self.holds: dict[str, tuple[Hold, datetime, int]] = {}
        self.settled: dict[str, int] = {}
        self.in_flight: list[Hold] = []
        self.count = 0

    @property
    def month(self) -> str:
        return month_of(self.ground.now, timezone.get_default_timezone())

    def roll(self) -> None:
        """The model's month and the ends of its leases."""
        self.holds = {name: held for name, held in self.holds.items() if held[1] > self.ground.now}
        self.standing = self.standing.in_period(self.month)

    def left(self) -> int | None:
        held = sum(amount for _, _, amount in self.holds.values())
        return None if self.standing.left is None else self.standing.left - held

    @initialize(limit=st.one_of(st.none(), st.integers(min_value=0, max_value=200)))
    def begin(self, limit: int | None) -> None:
        self.ground.set_limit(limit)
        self.standing = Standing(self.month, limit)

    @rule(amount=AMOUNTS, again=st.booleans(), data=st.data())
    def reserve(self, amount: int, again: bool, data: Any) -> None:
        self.count += 1
        name = f"input-{self.count}"
        if again and self.holds:
            name = data.draw(st.sampled_from(sorted(self.holds)))
        others = {other: held for other, held in self.holds.items() if other != name}
        left = self.standing.left
        free = None if left is None else left - sum(amount for _, _, amount in others.values())
        try:
            hold = self.ground.reserve(amount, name)
        except QuotaExhausted:
            assert free is not None
            assert free < amount
            return
        assert free is None or free >= amount
        self.holds[name] = (hold, hold.claim.until, amount)
        self.in_flight.append(hold)

    @precondition(lambda self: self.in_flight)
    @rule(share=st.integers(min_value=0, max_value=4), data=st.data(), times=st.integers(1, 2))
    def settle(self, share: int, data: Any, times: int) -> None:
        hold = data.draw(st.sampled_from(self.in_flight))
        used, name = hold.claim.amount * share // 4, hold.claim.reference
        for _ in range(times):
            self.ground.settle(hold, used)
        if used and name not in self.settled:
            self.settled[name] = used
            self.standing = self.standing.spent(used)
        if used:
            self.holds.pop(name, None)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def release(self, data: Any) -> None:
        hold = data.draw(st.sampled_from(self.in_flight))
        self.in_flight.remove(hold)
        self.ground.release(hold)
        held = self.holds.get(hold.claim.reference)
        if held is not None and held[0] is hold:
            del self.holds[hold.claim.reference]

    @rule(amount=st.integers(min_value=1, max_value=50), reference=st.sampled_from(["", "invoice"]))
    def top_up(self, amount: int, reference: str) -> None:
        amount = 20 if reference else amount
        first = not reference or reference not in {entry.reference for entry in self.ground.entries()}
        self.ground.top_up(amount, reference)
        self.standing = self.standing.topped_up(amount if first else 0)

    @rule(limit=st.one_of(st.none(), st.integers(min_value=0, max_value=200)))
    def limit(self, limit: int | None) -> None:
        self.ground.set_limit(limit)
        self.standing = self.standing.limited_to(limit)

    @rule(seconds=st.sampled_from([1, LEASE_S // 2, LEASE_S + 1, 12 * 24 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.ground.later(seconds=seconds)
        self.roll()

    @rule()
    def redis_is_emptied(self) -> None:
        redis_client().flushall()
        self.holds.clear()

    @rule()
    def redis_forgets_the_account(self) -> None:
        quota_heat(self.ground.tenant_id, self.ground.resource).forget_account()

    @invariant()
    def the_ledger_is_what_was_paid(self) -> None:
        entries = self.ground.entries()
        assert {entry.reference: entry.amount for entry in entries if entry.kind == "settle"} == self.settled
        assert self.ground.ledger_agrees()

    @invariant()
    def the_account_is_the_models(self) -> None:
        usage = self.ground.usage()
        assert usage.standing.in_period(self.month) == self.standing.in_period(self.month)
        assert usage.left is None or usage.left >= 0
        assert usage.held == sum(amount for _, _, amount in self.holds.values())


def test_no_sequence_breaks_the_books(clean_redis: None) -> None:
    limits = settings(
        max_examples=25,
        stateful_step_count=15,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    run_state_machine_as_test(Quota, settings=limits)
