"""The ledger is the truth: nobody changes it, everything else is computed from it and put right by it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from astra_site.lib.clock import utc_now
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import tenant_scope
from jobs.runtime.orchestration import orchestrator
from jobs.runtime.sweeper import sweep_once
from tenants.errors import QuotaChangeInvalid
from tenants.models import QuotaAccount
from tenants.quota.reconcile import reconcile_redis
from tenants.quota.reservations import quota_heat
from tests.quota.ground import AI, STORAGE, Ground

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_redis")]


def command(name: str, *arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines() if line.startswith("{")]


@pytest.mark.parametrize("statement", ["UPDATE tenants_quotaentry SET amount = 0", "DELETE FROM tenants_quotaentry"])
def test_the_database_refuses_to_change_the_ledger(statement: str) -> None:
    Ground.limited(100)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(statement)


def test_a_top_up_with_a_reference_is_made_once() -> None:
    ground = Ground.limited(0)
    for _ in range(3):
        ground.top_up(50, "invoice-7")
    assert ground.left() == 50
    with pytest.raises(QuotaChangeInvalid) as refused:
        ground.top_up(60, "invoice-7")
    assert refused.value.code == "quota_reference_used"
    ground.top_up(50)
    ground.top_up(50)
    assert ground.left() == 150


@pytest.mark.parametrize("amount", [0, -5, 10**16])
def test_a_senseless_top_up_is_refused(amount: int) -> None:
    with pytest.raises(QuotaChangeInvalid):
        Ground.limited(0).top_up(amount)


@pytest.mark.parametrize("left", ["7", "100000", ""])
def test_a_redis_that_says_something_else_is_put_right(left: str) -> None:
    ground = Ground.limited(100)
    ground.settle(ground.reserve(40, "a"), 40)
    ground.reserve(10, "in flight")
    redis_client().hset(f"{{quota:{ground.tenant_id}}}:ai_ms:account", "left", left)
    with tenant_scope(ground.tenant_id):
        (drift,) = reconcile_redis(ground.tenant_id, AI, clock=ground.clock)
        assert (drift.found, drift.right) == (int(left) if left else None, 60)
        assert reconcile_redis(ground.tenant_id, AI, clock=ground.clock) == []
        assert quota_heat(ground.tenant_id, AI).read(ground.now).left == 60
    assert ground.left() == 50


def test_a_redis_that_knows_entries_which_the_ledger_lost_is_put_right() -> None:
    ground = Ground.limited(100)
    ground.reserve(1, "a")
    redis_client().hset(f"{{quota:{ground.tenant_id}}}:ai_ms:account", mapping={"left": "0", "number": "99"})
    with tenant_scope(ground.tenant_id):
        assert len(reconcile_redis(ground.tenant_id, AI, clock=ground.clock)) == 1
    ground.reserve(99, "b")


def test_the_sweeper_puts_redis_right() -> None:
    ground = Ground.limited(100)
    ground.now = utc_now()
    ground.reserve(1, "a")
    redis_client().hset(f"{{quota:{ground.tenant_id}}}:ai_ms:account", "left", "5")
    sweep_once(orchestrator())
    ground.reserve(99, "b")


def test_an_account_that_was_tampered_with_is_computed_anew() -> None:
    ground = Ground.limited(100)
    ground.now = utc_now()
    ground.settle(ground.reserve(40, "a"), 40)
    with tenant_scope(ground.tenant_id):
        QuotaAccount.objects.update(used=0)
    slug = ground.tenant.slug
    found = command("reconcile_quota", slug)
    assert {"council": slug, "resource": "ai_ms", "what": "used", "found": 0, "right": 40} in found
    assert command("reconcile_quota", slug) == []
    assert ground.left() == 60


def test_commands_set_top_up_and_show() -> None:
    ground = Ground()
    slug = ground.tenant.slug
    command("set_quota", slug, "--ai-hours-per-month", "none", "--storage-gb", "2", "--note", "contract")
    for _ in range(2):
        amounts = ["--ai-hours", "1.5", "--storage-gb", "1"]
        command("top_up_quota", slug, *amounts, "--reference", "INV-1", "--note", "invoice")
    command("set_quota", slug, "--ai-hours-per-month", "2", "--note", "contract")
    time, storage = command("show_quota", slug)
    assert (time["limit"], time["topped_up"], time["left"]) == (7_200_000, 5_400_000, 12_600_000)
    assert (storage["limit"], storage["left"], storage["month"]) == (2 * 10**9, 3 * 10**9, None)
    actors = {entry.actor.split(":")[0] for entry in ground.entries()}
    assert actors == {"command"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["top_up_quota", "nobody", "--ai-hours", "1", "--note", "x"],
        ["top_up_quota", "{slug}", "--note", "x"],
        ["top_up_quota", "{slug}", "--ai-hours", "-1", "--note", "x"],
        ["top_up_quota", "{slug}", "--ai-hours", "nan", "--note", "x"],
        ["top_up_quota", "{slug}", "--ai-hours", "1", "--note", " "],
        ["top_up_quota", "{slug}", "--ai-hours", "1"],
        ["set_quota", "{slug}", "--note", "x"],
        ["set_quota", "{slug}", "--storage-gb", "many", "--note", "x"],
        ["show_quota", "nobody"],
        ["reconcile_quota", "nobody"],
    ],
    ids=" ".join,
)
def test_commands_refuse_what_makes_no_sense(arguments: list[str]) -> None:
    ground = Ground()
    name, *rest = [argument.format(slug=ground.tenant.slug) for argument in arguments]
    with pytest.raises(CommandError):
        call_command(name, *rest, stdout=StringIO())
    assert ground.entries() == []
    assert Ground(tenant=ground.tenant, resource=STORAGE).entries() == []
