"""What staff do to a council's quota, and what everybody may ask about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from astra_site.lib.after_commit import after_commit
from astra_site.lib.clock import Clock, utc_now
from tenants.errors import QuotaChangeInvalid
from tenants.models import QuotaEntry, QuotaEntryKind, Resource
from tenants.quota.heat import HeatUnavailable
from tenants.quota.ledger import (
    NewQuotaEntry,
    account_of,
    entry_of,
    lock_account,
    open_reservations,
    period_of,
    post,
    standing_of,
)
from tenants.quota.refusals import refusal
from tenants.quota.reservations import quota_heat, reserved, show_in_redis
from tenants.quota.standing import Standing

MOST = 10**15
"""More than any council has: 30,000 years of audio, a petabyte."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Where an account stands now. `held` is reserved and not settled; `left` is None without a limit."""

    standing: Standing
    held: int

    @property
    def left(self) -> int | None:
        """What may be reserved now, None for any amount."""
        return None if self.standing.left is None else max(0, self.standing.left - self.held)

    @property
    def total(self) -> int | None:
        """What may be used in this period in all, None without a limit."""
        return None if self.standing.limit is None else self.standing.limit + self.standing.extra


def usage_of(tenant_id: UUID, resource: Resource, *, clock: Clock = utc_now) -> Usage:
    """Return where a council stands: the ledger's figures, and what Redis (or without it the ledger) holds."""
    now = clock()
    standing = standing_of(account_of(tenant_id, resource)).in_period(period_of(resource, now))
    try:
        held = quota_heat(tenant_id, resource).read(now).held
    except HeatUnavailable:
        held = sum(one.amount for one in open_reservations(tenant_id, resource, now))
    return Usage(standing, held)


def has_quota(tenant_id: UUID, resource: Resource = Resource.AI_MS, amount: int = 1, *, clock: Clock = utc_now) -> bool:
    """Say whether an amount could be reserved now; by then somebody else may have been faster."""
    left = usage_of(tenant_id, resource, clock=clock).left
    return left is None or left >= amount


def top_up(
    tenant_id: UUID,
    resource: Resource,
    amount: int,
    *,
    actor: str,
    note: str,
    reference: str = "",
    clock: Clock = utc_now,
) -> QuotaEntry:
    """Add to what a council may use; AI time that is not used up stays for the months that follow.

    With a reference (an invoice, a form) it is done once. Raises `QuotaChangeInvalid` for an amount that is not
    positive, without a note, and for a reference that was used for another amount.
    """
    if not 0 < amount <= MOST:
        raise QuotaChangeInvalid(
            "quota_amount_invalid", "A top-up must be more than nothing, and less than a petabyte."
        )
    _check_note(note)
    with transaction.atomic():
        account = lock_account(tenant_id, resource)
        known = entry_of(tenant_id, resource, QuotaEntryKind.TOP_UP, reference) if reference else None
        if known is not None and known.amount != amount:
            raise QuotaChangeInvalid("quota_reference_used", "This reference was used for a top-up of another amount.")
        if known is not None:
            return known
        new = NewQuotaEntry(QuotaEntryKind.TOP_UP, amount, reference, actor=actor, note=note)
        entry = post(account, new, clock())
        after_commit(show_in_redis, account)
    return entry


def set_limit(
    tenant_id: UUID, resource: Resource, limit: int | None, *, actor: str, note: str, clock: Clock = utc_now
) -> None:
    """Set a council's allowance, None for no limit; it holds at once, for AI time also in every month that follows.

    The limit that is set already is not entered again. Raises `QuotaChangeInvalid`.
    """
    if limit is not None and not 0 <= limit <= MOST:
        raise QuotaChangeInvalid("quota_amount_invalid", "A limit is nothing or more, and less than a petabyte.")
    _check_note(note)
    with transaction.atomic():
        account = lock_account(tenant_id, resource)
        if account.limit == limit:
            return
        post(account, NewQuotaEntry(QuotaEntryKind.LIMIT, limit, actor=actor, note=note), clock())
        after_commit(show_in_redis, account)


def check_storage(tenant_id: UUID) -> None:
    """Raise `StorageQuotaExhausted` when nothing is left. For what begins, never for a session that runs."""
    standing = standing_of(account_of(tenant_id, Resource.STORAGE_BYTES))
    if standing.left is not None and standing.left <= 0:
        raise refusal(Resource.STORAGE_BYTES, 1, standing.left, standing)


@contextmanager
def storage_booked(
    tenant_id: UUID, size_bytes: int, *, reference: str, session_id: UUID | None = None, clock: Clock = utc_now
) -> Iterator[None]:
    """Store a file inside the block: its bytes are reserved before and booked after, once per reference.

    What was booked already is stored again for nothing. Raises `StorageQuotaExhausted` before anything is stored.
    """
    if entry_of(tenant_id, Resource.STORAGE_BYTES, QuotaEntryKind.SETTLE, reference) is not None:
        yield
        return
    resource = Resource.STORAGE_BYTES
    with reserved(tenant_id, resource, size_bytes, reference=reference, session_id=session_id, clock=clock) as hold:
        yield
        hold.settle(size_bytes)


def book_growth(
    tenant_id: UUID,
    resource: Resource,
    *,
    series: str,
    session_id: UUID,
    grown_since: Callable[[int], tuple[int, int]],
    clock: Clock = utc_now,
) -> int:
    """Book what has grown since the last booking of a series, whatever is left; return the amount.

    `grown_since(mark)` returns the growth since a mark (0 at first) and the new mark; it is called under the account's
    lock, so that two callers never book the same growth.
    """
    with transaction.atomic():
        account = lock_account(tenant_id, resource)
        earlier = QuotaEntry.objects.filter(
            session_id=session_id, resource=resource, kind=QuotaEntryKind.SETTLE, reference__startswith=f"{series}:"
        )
        last = earlier.order_by("-number").first()
        amount, mark = grown_since(int(last.reference.rpartition(":")[2]) if last else 0)
        if amount > 0:
            new = NewQuotaEntry(QuotaEntryKind.SETTLE, amount, f"{series}:{mark}", session_id)
            post(account, new, clock())
            after_commit(show_in_redis, account)
    return max(0, amount)


def _check_note(note: str) -> None:
    if not note.strip() or len(note) > 300 or "\x00" in note:
        raise QuotaChangeInvalid("quota_note_missing", "Say why in the note, in 1 to 300 characters.")
