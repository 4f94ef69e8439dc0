"""Reserve, settle, release, under everything that goes wrong between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import tenant_scope
from tenants.errors import QuotaExhausted
from tenants.models import QuotaEntryKind
from tenants.quota.reconcile import reconcile_redis
from tenants.quota.reservations import quota_heat, reserved
from tenants.quota.services import has_quota
from tests.quota.ground import AI, STORAGE, Ground, at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_redis")]


@pytest.fixture
def nobody_at_redis(settings: Settings) -> Iterator[object]:
    """Return a context in which nobody is at Redis' address."""
    address = settings.REDIS_URL

    @contextmanager
    def away() -> Iterator[None]:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        redis_client.cache_clear()
        try:
            yield
        finally:
            settings.REDIS_URL = address
            redis_client.cache_clear()

    yield away
    redis_client.cache_clear()


def test_without_a_limit_everything_is_granted_and_counted() -> None:
    ground = Ground()
    hold = ground.reserve(10**9, "a")
    ground.settle(hold, 5_000)
    assert ground.left() is None
    assert (ground.usage().standing.used, ground.usage().held) == (5_000, 0)


def test_what_is_reserved_is_not_there_for_others_until_it_is_given_back() -> None:
    ground = Ground.limited(100)
    hold = ground.reserve(80, "a")
    with pytest.raises(QuotaExhausted) as refused:
        ground.reserve(21, "b")
    assert (refused.value.code, refused.value.permanent) == ("quota_exhausted", True)
    assert refused.value.details == {"needed_s": 0.021, "left_s": 0.02, "month": "2026-11"}
    ground.reserve(20, "c")
    assert ground.left() == 0
    ground.release(hold)
    assert ground.left() == 80


def test_only_what_was_used_is_paid_and_silence_costs_nothing() -> None:
    ground = Ground.limited(100)
    ground.settle(ground.reserve(80, "a"), 30)
    assert (ground.left(), ground.usage().held) == (70, 0)
    hold = ground.reserve(70, "b")
    ground.settle(hold, 0)
    assert not hold.is_settled
    ground.release(hold)
    assert ground.left() == 70
    assert [entry.kind for entry in ground.entries()] == ["limit", "settle"]


@pytest.mark.django_db(transaction=True)
def test_a_doubled_job_pays_once() -> None:
    ground = Ground.limited(100)
    first, second = ground.reserve(40, "chunk"), ground.reserve(40, "chunk")
    assert ground.usage().held == 40
    at_once([partial(ground.settle, hold, 30) for hold in (first, second) * 4])
    assert (ground.left(), ground.usage().held) == (70, 0)
    assert [entry.amount for entry in ground.entries()] == [100, 30]


def test_a_run_that_was_overtaken_gives_nothing_back_that_is_not_its_own() -> None:
    ground = Ground.limited(100)
    dead = ground.reserve(60, "chunk")
    alive = ground.reserve(60, "chunk")
    ground.release(dead)
    assert ground.usage().held == 60
    dead.keep()
    ground.release(alive)
    assert ground.usage().held == 0


def test_a_block_that_fails_gives_back_even_what_it_had_settled() -> None:
    ground = Ground.limited(100)

    def work() -> None:
        with reserved(ground.tenant_id, AI, 60, reference="a", clock=ground.clock) as hold, transaction.atomic():
            hold.settle(50)
            raise ZeroDivisionError

    with tenant_scope(ground.tenant_id), pytest.raises(ZeroDivisionError):
        work()
    assert (ground.left(), ground.usage().standing.used, ground.usage().held) == (100, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_thirty_two_workers_race_for_the_last_seconds() -> None:
    ground = Ground.limited(100_000)

    def work(number: int) -> int:
        try:
            hold = ground.reserve(9_000, f"chunk-{number}")
        except QuotaExhausted:
            return 0
        ground.settle(hold, 9_000)
        return 9_000

    paid = at_once([partial(work, number) for number in range(32)])
    assert sum(value for value in paid if isinstance(value, int)) == 99_000
    assert (ground.left(), ground.usage().standing.used) == (1_000, 99_000)
    assert ground.ledger_agrees()


def test_the_reservation_of_a_killed_worker_comes_back_by_itself(settings: Settings) -> None:
    ground = Ground.limited(100)
    ground.reserve(100, "dead")
    ground.later(seconds=settings.QUOTA_LEASE_S - 1)
    with pytest.raises(QuotaExhausted):
        ground.reserve(1, "next")
    ground.later(seconds=2)
    assert ground.left() == 100
    ground.reserve(100, "next")


def test_long_work_keeps_its_reservation(settings: Settings) -> None:
    ground = Ground.limited(100)
    hold = ground.reserve(100, "recording")
    for _ in range(5):
        ground.later(seconds=settings.QUOTA_LEASE_S / 2)
        hold.keep()
        assert ground.left() == 0
    redis_client().flushall()
    assert ground.usage().held == 0
    ground.later(seconds=settings.QUOTA_LEASE_S / 2)
    hold.keep()
    with pytest.raises(QuotaExhausted):
        ground.reserve(1, "other")


def test_redis_emptied_in_the_middle_is_filled_from_the_ledger() -> None:
    ground = Ground.limited(100)
    ground.settle(ground.reserve(30, "a"), 30)
    flying = ground.reserve(50, "b")
    redis_client().flushall()
    with pytest.raises(QuotaExhausted):
        ground.reserve(71, "c")
    hold = ground.reserve(70, "c")  # what was in flight when Redis was emptied is not known any more …
    ground.settle(flying, 50)
    ground.settle(hold, 70)
    assert (ground.usage().standing.used, ground.left()) == (150, 0)  # … and is paid for all the same
    with pytest.raises(QuotaExhausted):
        ground.reserve(1, "d")


@pytest.mark.django_db(transaction=True)
def test_many_find_redis_empty_at_the_same_moment() -> None:
    ground = Ground.limited(1_000)
    redis_client().flushall()

    def work(number: int) -> bool:
        if number % 5 == 0:
            quota_heat(ground.tenant_id, AI).forget_account()
        try:
            ground.settle(ground.reserve(100, f"r{number}"), 100)
        except QuotaExhausted:
            return False
        return True

    assert sum(bool(done) for done in at_once([partial(work, number) for number in range(24)])) == 10
    assert ground.left() == 0


def test_a_new_month_begins_with_its_allowance_and_what_was_bought() -> None:
    ground = Ground.limited(100)
    ground.top_up(50)
    ground.settle(ground.reserve(120, "a"), 120)
    assert ground.left() == 30
    ground.later(days=6)  # 1 December, 17:00 UTC: noon in Bogotá
    assert ground.usage().standing.period == "2026-12"
    assert ground.left() == 130
    with pytest.raises(QuotaExhausted):
        ground.reserve(131, "b")
    ground.settle(ground.reserve(130, "b"), 130)
    ground.later(days=31)
    assert ground.left() == 100
    assert ground.ledger_agrees()


def test_the_month_is_the_sites_own(settings: Settings) -> None:
    ground = Ground.limited(100)
    ground.settle(ground.reserve(100, "a"), 100)
    ground.later(days=5, hours=11)  # 1 December 04:00 UTC is still 30 November in Bogotá
    assert settings.TIME_ZONE == "America/Bogota"
    with pytest.raises(QuotaExhausted):
        ground.reserve(1, "b")
    ground.later(hours=1)
    ground.reserve(100, "b")


def test_a_reservation_over_the_end_of_the_month_stands_against_the_new_one() -> None:
    ground = Ground.limited(100)
    ground.now = datetime(2026, 12, 1, 4, 59, tzinfo=UTC)  # 30 November, 23:59 in Bogotá
    hold = ground.reserve(60, "a")
    ground.later(minutes=2)
    assert ground.left() == 40
    ground.settle(hold, 60)
    assert (ground.left(), ground.usage().standing.used) == (40, 60)


def test_another_councils_quota_is_untouched() -> None:
    poor, rich = Ground.limited(10), Ground.limited(1_000)
    poor.settle(poor.reserve(10, "same"), 10)
    assert rich.left() == 1_000
    rich.settle(rich.reserve(500, "same"), 400)
    assert (poor.left(), rich.left()) == (0, 600)
    with pytest.raises(QuotaExhausted):
        poor.reserve(1, "x")


def test_ai_time_and_storage_do_not_mix() -> None:
    ground = Ground.limited(10)
    ground.reserve(10, "a")
    stored = Ground(tenant=ground.tenant, resource=STORAGE)
    stored.reserve(10**12, "a")
    assert stored.left() is None


def test_a_top_up_ends_the_drought_at_once() -> None:
    ground = Ground.limited(0)
    with tenant_scope(ground.tenant_id):
        assert not has_quota(ground.tenant_id, AI, 40, clock=ground.clock)
    with pytest.raises(QuotaExhausted):
        ground.reserve(40, "a")
    ground.top_up(40)
    with tenant_scope(ground.tenant_id):
        assert has_quota(ground.tenant_id, AI, 40, clock=ground.clock)
        assert not has_quota(ground.tenant_id, AI, 41, clock=ground.clock)
    ground.reserve(40, "a")


def test_a_lower_limit_stops_at_once_and_is_no_debt() -> None:
    ground = Ground.limited(100)
    ground.settle(ground.reserve(80, "a"), 80)
    ground.set_limit(50)
    assert ground.left() == 0
    ground.set_limit(None)
    assert ground.left() is None
    ground.set_limit(90)
    assert ground.left() == 10


def test_a_top_up_that_redis_did_not_hear_of_is_found_before_anybody_is_refused(nobody_at_redis: object) -> None:
    ground = Ground.limited(10)
    ground.settle(ground.reserve(10, "a"), 10)
    with nobody_at_redis():  # type: ignore[operator]  # a context
        ground.top_up(30)
    ground.reserve(30, "b")


@pytest.mark.django_db(transaction=True)
def test_without_redis_the_ledger_decides_and_nobody_over_reserves(nobody_at_redis: object) -> None:
    ground = Ground.limited(100)
    ground.settle(ground.reserve(40, "before"), 40)
    with nobody_at_redis():  # type: ignore[operator]  # a context

        def work(number: int) -> bool:
            try:
                hold = ground.reserve(20, f"r{number}")
            except QuotaExhausted:
                return False
            if number % 2:
                ground.settle(hold, 20)
            return True

        assert sum(bool(done) for done in at_once([partial(work, number) for number in range(12)])) == 3
        assert ground.left() == 0
    with tenant_scope(ground.tenant_id):
        reconcile_redis(ground.tenant_id, AI, clock=ground.clock)
    assert ground.left() == 0
    with pytest.raises(QuotaExhausted):
        ground.reserve(1, "after")
    ground.later(days=1)
    assert ground.left() == 100 - ground.usage().standing.used
    assert ground.ledger_agrees()


def test_without_redis_work_is_settled_and_given_back(nobody_at_redis: object) -> None:
    ground = Ground.limited(100)
    started = ground.reserve(50, "started before")
    with nobody_at_redis():  # type: ignore[operator]  # a context
        ground.settle(started, 45)
        hold = ground.reserve(55, "failed")
        ground.release(hold)
        assert ground.left() == 55
        other = ground.reserve(55, "done")
        ground.settle(other, 5)
    kinds = [entry.kind for entry in ground.entries()]
    assert kinds == ["limit", "settle", "reserve", "release", "reserve", "settle"]
    assert {QuotaEntryKind.RESERVE, QuotaEntryKind.RELEASE} <= set(kinds)
    redis_client().flushall()
    ground.reserve(50, "after")
    assert ground.left() == 0


def test_what_was_reserved_while_redis_was_away_is_known_when_it_is_back(nobody_at_redis: Any) -> None:
    ground = Ground.limited(100)
    ground.release(ground.reserve(1, "warm"))
    with nobody_at_redis():
        ground.reserve(100, "a")
    with pytest.raises(QuotaExhausted):
        ground.reserve(100, "b")
