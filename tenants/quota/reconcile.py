"""Ledger and Redis compared, and Redis put right. The ledger is the truth."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.conf import settings
from redis.exceptions import RedisError

from astra_site.lib.clock import Clock, utc_now
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import tenant_scope
from tenants.models import QuotaAccount, Resource
from tenants.quota.ledger import account_of, period_of, recount
from tenants.quota.reservations import quota_heat, write_account

logger = logging.getLogger(__name__)

_TURN = "quota:sweep"


@dataclass(frozen=True, slots=True)
class Drift:
    """What did not agree before it was put right; amounts in the resource's unit, None for no limit."""

    tenant_id: UUID
    resource: str
    what: str
    found: int | None
    right: int | None


def reconcile_redis(tenant_id: UUID, resource: Resource, *, clock: Clock = utc_now) -> list[Drift]:
    """Make Redis say what the ledger says; return what was wrong. A missing account is no drift: it is written when
    somebody needs it.

    Redis is read first: a ledger that is read after it and is behind it has been put back from a backup. Raises
    `Unavailable`.
    """
    now = clock()
    heat = quota_heat(tenant_id, resource)
    reading = heat.read(now)
    if reading.number < 0:
        return []
    account = account_of(tenant_id, resource)
    if (reading.period, reading.number) > (period_of(resource, now), account.number):
        heat.forget_account()
    standing, _ = write_account(tenant_id, resource, now)
    if reading.left == standing.left or reading.period != standing.period:
        return []
    drift = Drift(tenant_id, resource, "redis", reading.left, standing.left)
    logger.warning(
        "Quota in Redis differed from the ledger and was put right.",
        extra={"resource": resource, "found": drift.found, "right": drift.right},
    )
    return [drift]


def reconcile_account(tenant_id: UUID, resource: Resource, *, clock: Clock = utc_now) -> list[Drift]:
    """Compute an account anew from every entry of its ledger, put it right, then Redis; return what was wrong."""
    before, after = recount(tenant_id, resource)
    wrong = [
        Drift(tenant_id, resource, name, getattr(before, name), getattr(after, name))
        for name in ("limit", "extra", "used")
        if getattr(before, name) != getattr(after, name)
    ]
    if wrong:
        # Whole values are told apart by the number of their entry, and that did not change.
        quota_heat(tenant_id, resource).forget_account()
    return [*wrong, *reconcile_redis(tenant_id, resource, clock=clock)]


def take_turn() -> bool:
    """Say whether it is this sweeper's turn: one of all of them every `QUOTA_SWEEP_S`, none while Redis is down."""
    try:
        return bool(redis_client().set(_TURN, "1", nx=True, ex=max(1, settings.QUOTA_SWEEP_S)))
    except RedisError:
        return False  # what is compared with the ledger is not there; it is compared when it is back


def limited_accounts() -> Iterator[Callable[[], object]]:
    """Return the comparison of each account that has a limit."""
    for account in QuotaAccount.objects.filter(limit__isnull=False).order_by("id"):
        yield partial(_mend, account.tenant_id, Resource(account.resource))


def _mend(tenant_id: UUID, resource: Resource) -> None:
    with tenant_scope(tenant_id):
        reconcile_redis(tenant_id, resource)
