"""Reserve, settle, release: how work and files are taken from a council's quota.

What may be used is reserved before, in Redis, so that many workers can't use the same remainder; what was used is
settled in the ledger, in the caller's transaction and once per reference. A worker that dies leaves a hold that is
given up after `QUOTA_LEASE_S`. Without Redis the ledger decides, under the account's lock.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from astra_site.lib.after_commit import after_commit
from astra_site.lib.clock import Clock, utc_now
from astra_site.lib.errors import Unavailable
from astra_site.lib.ids import new_id
from astra_site.lib.redis_client import redis_client
from tenants.models import QuotaAccount, QuotaEntryKind, Resource
from tenants.quota.heat import Claim, HeatUnavailable, Outcome, QuotaHeat
from tenants.quota.ledger import (
    NewQuotaEntry,
    entry_of,
    lock_account,
    open_reservations,
    period_of,
    post,
    standing_of,
)
from tenants.quota.refusals import refusal
from tenants.quota.standing import Standing

logger = logging.getLogger(__name__)

_ROUNDS = 10


@dataclass(slots=True)
class Hold:
    """A reservation of this run. `keep` it while long work goes on; `settle` what was used."""

    tenant_id: UUID
    resource: Resource
    claim: Claim
    session_id: UUID | None = None
    clock: Clock = utc_now
    in_ledger: bool = False
    is_settled: bool = field(default=False, init=False)

    def keep(self) -> None:
        """Extend the reservation once a third of its time is over; never raises for Redis."""
        now = self.clock()
        if self.claim.until - now > timedelta(seconds=settings.QUOTA_LEASE_S * 2 / 3):
            return
        self.claim = replace(self.claim, until=_lease_end(now))
        try:
            quota_heat(self.tenant_id, self.resource).renew(self.claim, now)
        except HeatUnavailable:
            logger.warning("A reservation of quota was not extended: Redis does not answer.")

    def settle(self, amount: int) -> None:
        """Book what was used, in the caller's transaction: both are there after the commit, or neither.

        A reference is settled once; what is settled by another run stays. Nothing used costs nothing. May be more than
        was reserved: what was used is the truth.
        """
        self.is_settled = settle(
            self.tenant_id,
            self.resource,
            amount,
            reference=self.claim.reference,
            session_id=self.session_id,
            now=self.clock(),
        )

    def release(self) -> None:
        """Give the reservation back; never raises for Redis, where it ends by itself."""
        try:
            quota_heat(self.tenant_id, self.resource).release(self.claim)
        except HeatUnavailable:
            logger.warning("A reservation of quota was not given back: Redis does not answer. It ends by time.")
        if self.in_ledger:
            with transaction.atomic():
                account = lock_account(self.tenant_id, self.resource)
                post(account, NewQuotaEntry(QuotaEntryKind.RELEASE, 0, self.claim.reference), self.clock())


@contextmanager
def reserved(
    tenant_id: UUID,
    resource: Resource,
    amount: int,
    *,
    reference: str,
    session_id: UUID | None = None,
    clock: Clock = utc_now,
) -> Iterator[Hold]:
    """Hold an amount for the block. What the block does not settle, or settles and then fails, is given back.

    A hold of the same reference is taken over: the run before is taken for dead. Call it outside of transactions.
    Raises `QuotaExhausted` or `StorageQuotaExhausted`, and `Unavailable` (`quota_unsettled`).
    """
    hold = reserve(tenant_id, resource, amount, reference=reference, session_id=session_id, clock=clock)
    try:
        yield hold
    except BaseException:
        hold.release()
        raise
    if not hold.is_settled:
        hold.release()


def reserve(
    tenant_id: UUID,
    resource: Resource,
    amount: int,
    *,
    reference: str,
    session_id: UUID | None = None,
    clock: Clock = utc_now,
) -> Hold:
    """Hold an amount, in Redis or, where it does not answer, in the ledger. See `reserved`."""
    now = clock()
    hold = Hold(tenant_id, resource, Claim(reference, amount, new_id().hex, _lease_end(now)), session_id, clock)
    try:
        _reserve_in_redis(hold, now)
    except HeatUnavailable:
        logger.warning("Quota is decided by the ledger: Redis does not answer.")
        hold.in_ledger = _reserve_in_ledger(hold, now)
    return hold


def settle(
    tenant_id: UUID,
    resource: Resource,
    amount: int,
    *,
    reference: str,
    session_id: UUID | None = None,
    now: datetime,
) -> bool:
    """Book a use, once per reference, in the caller's transaction; False when there was nothing to book."""
    if amount <= 0:
        return False
    with transaction.atomic():
        account = lock_account(tenant_id, resource)
        if entry_of(tenant_id, resource, QuotaEntryKind.SETTLE, reference) is None:
            post(account, NewQuotaEntry(QuotaEntryKind.SETTLE, amount, reference, session_id), now)
        after_commit(show_in_redis, account, settled=reference)
    return True


def show_in_redis(account: QuotaAccount, *, settled: str = "") -> None:
    """Mirror what was just committed; never raises for Redis: the next change or the sweeper makes up for it."""
    heat = quota_heat(account.tenant_id, Resource(account.resource))
    try:
        heat.project(standing_of(account), account.number, settled=settled)
    except HeatUnavailable:
        logger.warning("A change of quota is not in Redis yet: it does not answer.")


def quota_heat(tenant_id: UUID, resource: Resource) -> QuotaHeat:
    """Return a council's account in Redis."""
    return QuotaHeat(redis_client(), tenant_id, resource)


def write_account(tenant_id: UUID, resource: Resource, now: datetime) -> tuple[Standing, int]:
    """Write to Redis what the ledger says; return it with the number of its last entry. Raises `HeatUnavailable`.

    Under the account's lock: nothing newer can be committed before this is written, so whoever finds an emptied Redis
    never fills it with what was true a moment ago.
    """
    with transaction.atomic():
        account = lock_account(tenant_id, resource)
        standing = standing_of(account).in_period(period_of(resource, now))
        reservations = open_reservations(tenant_id, resource, now)
        quota_heat(tenant_id, resource).project(standing, account.number, reservations=reservations)
    return standing, account.number


def _reserve_in_redis(hold: Hold, now: datetime) -> None:
    """Reserve in one round trip; bring the account up to date where it is missing, over, or behind the ledger.

    What others reserved in the ledger while Redis did not answer has to be known there before more is given away.
    """
    heat, period = quota_heat(hold.tenant_id, hold.resource), period_of(hold.resource, now)
    if open_reservations(hold.tenant_id, hold.resource, now):
        write_account(hold.tenant_id, hold.resource, now)
    for _ in range(_ROUNDS):
        answer = heat.reserve(hold.claim, period, now)
        if answer.outcome is Outcome.RESERVED:
            return
        standing, number = write_account(hold.tenant_id, hold.resource, now)
        if answer.outcome is Outcome.TOO_LITTLE and answer.number >= number:
            raise refusal(hold.resource, hold.claim.amount, answer.left or 0, standing)
    raise Unavailable("quota_unsettled", "The quota changes too fast to be read; try again.")


def _reserve_in_ledger(hold: Hold, now: datetime) -> bool:
    """Reserve under the account's lock; returns whether there was a limit, and so an entry."""
    claim = hold.claim
    with transaction.atomic():
        account = lock_account(hold.tenant_id, hold.resource)
        standing = standing_of(account).in_period(period_of(hold.resource, now))
        if standing.left is None:
            return False
        others = open_reservations(hold.tenant_id, hold.resource, now)
        left = standing.left - sum(other.amount for other in others if other.reference != claim.reference)
        if left < claim.amount:
            raise refusal(hold.resource, claim.amount, left, standing)
        entry = NewQuotaEntry(
            QuotaEntryKind.RESERVE, claim.amount, claim.reference, hold.session_id, expires_at=claim.until
        )
        post(account, entry, now)
    return True


def _lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.QUOTA_LEASE_S)
