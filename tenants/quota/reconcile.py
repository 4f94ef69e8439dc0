"""Ledger and Redis compared, and Redis put right. The ledger is the truth."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.conf import settings

from astra_site.lib.clock import Clock, utc_now
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import tenant_scope
from tenants.models import QuotaAccount, Resource
from tenants.quota.ledger import account_of, open_reservations, period_of, recount, standing_of
from tenants.quota.reservations import quota_heat

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
    account = account_of(tenant_id, resource)
    if reading is None:
        return []
    standing = standing_of(account).in_period(period_of(resource, now))
    if (reading.period, reading.number) > (standing.period, account.number):
        heat.forget_account()
    reservations = open_reservations(tenant_id, resource, now)
    heat.project(standing, account.number, reservations=reservations)
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


def sweep_quota() -> Iterator[Callable[[], object]]:
    """Compare the accounts that have a limit, every `QUOTA_SWEEP_S`, whichever of the sweepers is first.

    Needs Redis, as what it mends is there; without it there is nothing to mend.
    """
    if not redis_client().set(_TURN, "1", nx=True, ex=max(1, settings.QUOTA_SWEEP_S)):
        return
    for account in QuotaAccount.objects.filter(limit__isnull=False).order_by("id"):
        yield partial(_mend, account.tenant_id, Resource(account.resource))


def _mend(tenant_id: UUID, resource: Resource) -> None:
    with tenant_scope(tenant_id):
        reconcile_redis(tenant_id, resource)
