"""The ledger in PostgreSQL: the truth about quota. Entries of one account come one after the other, under its lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from tenants.models import QuotaAccount, QuotaEntry, QuotaEntryKind, Resource
from tenants.quota.standing import NO_PERIOD, Standing, month_of


@dataclass(frozen=True, slots=True)
class NewQuotaEntry:
    """What is to be written; number and period are given when it is."""

    kind: QuotaEntryKind
    amount: int | None
    reference: str = ""
    session_id: UUID | None = None
    actor: str = ""
    note: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenReservation:
    """A reservation that was made while Redis did not answer, and is not closed yet."""

    reference: str
    amount: int
    expires_at: datetime


def period_of(resource: Resource, now: datetime) -> str:
    """Return the period that a moment falls into: the month in the site's time zone; storage has no periods."""
    return month_of(now, timezone.get_default_timezone()) if resource == Resource.AI_MS else NO_PERIOD


def account_of(tenant_id: UUID, resource: Resource) -> QuotaAccount:
    """Return a council's account as it is stored; an empty one, without a limit, where nothing was entered yet."""
    known: QuotaAccount | None = QuotaAccount.objects.filter(tenant_id=tenant_id, resource=resource).first()
    return known or QuotaAccount(tenant_id=tenant_id, resource=resource)


def standing_of(account: QuotaAccount) -> Standing:
    """Return the account as a value, in the period of its newest entry."""
    return Standing(account.period, account.limit, account.extra, account.used)


def lock_account(tenant_id: UUID, resource: Resource) -> QuotaAccount:
    """Hold a council's account until the commit. Must run inside `transaction.atomic()`, after any session's lock."""
    accounts = QuotaAccount.objects.select_for_update(no_key=True).filter(tenant_id=tenant_id, resource=resource)
    known: QuotaAccount | None = accounts.first()
    if known is None:
        QuotaAccount.objects.get_or_create(tenant_id=tenant_id, resource=resource)
        known = accounts.get()
    return known


def post(account: QuotaAccount, new: NewQuotaEntry, now: datetime) -> QuotaEntry:
    """Write the next entry of an account that `lock_account` holds, and what it changes."""
    standing = apply(standing_of(account).in_period(period_of(Resource(account.resource), now)), new.kind, new.amount)
    account.number += 1
    _store(account, standing)
    entry: QuotaEntry = QuotaEntry.objects.create(
        tenant_id=account.tenant_id,
        resource=account.resource,
        number=account.number,
        kind=new.kind,
        amount=new.amount,
        period=standing.period,
        reference=new.reference,
        session_id=new.session_id,
        actor=new.actor,
        note=new.note,
        expires_at=new.expires_at,
        recorded_at=now,
    )
    return entry


def apply(standing: Standing, kind: str, amount: int | None) -> Standing:
    """Return the standing after an entry. Reservations move nothing: they only stand against what is left."""
    if kind == QuotaEntryKind.LIMIT:
        return standing.limited_to(amount)
    if kind == QuotaEntryKind.TOP_UP:
        return standing.topped_up(amount or 0)
    if kind in (QuotaEntryKind.SETTLE, QuotaEntryKind.ADJUST):
        return standing.spent(amount or 0)
    return standing


def entry_of(tenant_id: UUID, resource: Resource, kind: QuotaEntryKind, reference: str) -> QuotaEntry | None:
    """Return the entry of a kind that is made once per reference."""
    rows = QuotaEntry.objects.filter(tenant_id=tenant_id, resource=resource, kind=kind, reference=reference)
    entry: QuotaEntry | None = rows.first()
    return entry


def open_reservations(tenant_id: UUID, resource: Resource, now: datetime) -> list[OpenReservation]:
    """Return what is reserved in the ledger: reservations that are neither over nor followed by another entry."""
    later = QuotaEntry.objects.filter(
        tenant_id=tenant_id, resource=resource, reference=OuterRef("reference"), number__gt=OuterRef("number")
    )
    rows = QuotaEntry.objects.filter(
        ~Exists(later), tenant_id=tenant_id, resource=resource, kind=QuotaEntryKind.RESERVE, expires_at__gt=now
    )
    return [OpenReservation(row.reference, row.amount or 0, row.expires_at) for row in rows.order_by("number")]


def replay(entries: Iterable[QuotaEntry]) -> Standing:
    """Compute a standing from the entries of an account, in the order of their numbers."""
    standing = Standing()
    for entry in entries:
        standing = apply(standing.in_period(entry.period), entry.kind, entry.amount)
    return standing


def recount(tenant_id: UUID, resource: Resource) -> tuple[Standing, Standing]:
    """Compute an account anew from its ledger and store what comes out; return it as it was, and as it is now."""
    with transaction.atomic():
        account = lock_account(tenant_id, resource)
        before = standing_of(account)
        rows = QuotaEntry.objects.filter(tenant_id=tenant_id, resource=resource).order_by("number")
        after = replay(rows.iterator(chunk_size=2000))
        if after != before:
            _store(account, after)
    return before, after


def _store(account: QuotaAccount, standing: Standing) -> None:
    account.period, account.limit = standing.period, standing.limit
    account.extra, account.used = standing.extra, standing.used
    account.save(update_fields=["number", "period", "limit", "extra", "used"])
