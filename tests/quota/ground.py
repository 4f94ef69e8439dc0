"""A council with a limit, and a clock that tests turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.test import TestCase

from astra_site.lib.tenancy import tenant_scope
from tenants.models import QuotaEntry, Resource, Tenant
from tenants.quota.ledger import account_of, replay, standing_of
from tenants.quota.reservations import Hold, reserve
from tenants.quota.services import Usage, set_limit, top_up, usage_of
from tests.factories.tenants import TenantFactory

AI, STORAGE = Resource.AI_MS, Resource.STORAGE_BYTES
NOON = datetime(2026, 11, 25, 17, tzinfo=UTC)
DEADLINE_S = 60.0


@dataclass
class Ground:
    """One council and its account, seen from a moment that the test chooses."""

    tenant: Tenant = field(default_factory=lambda: TenantFactory())
    now: datetime = NOON
    resource: Resource = AI

    @classmethod
    def limited(cls, limit: int | None, resource: Resource = AI) -> Ground:
        """A council with a limit."""
        ground = cls(resource=resource)
        ground.set_limit(limit)
        return ground

    @property
    def tenant_id(self) -> UUID:
        """The council's id."""
        return self.tenant.id

    def clock(self) -> datetime:
        """The moment."""
        return self.now

    def later(self, **parts: float) -> None:
        """Turn the clock."""
        self.now += timedelta(**parts)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """The council's scope; what waits for the commit is done at its end, also inside a test's transaction."""
        with tenant_scope(self.tenant_id), TestCase.captureOnCommitCallbacks(execute=True):
            yield

    def set_limit(self, limit: int | None) -> None:
        """Set the limit."""
        with self.scope():
            set_limit(self.tenant_id, self.resource, limit, actor="root", note="contract", clock=self.clock)

    def top_up(self, amount: int, reference: str = "") -> None:
        """Buy more."""
        with self.scope():
            top_up(
                self.tenant_id,
                self.resource,
                amount,
                actor="root",
                note="invoice",
                reference=reference,
                clock=self.clock,
            )

    def reserve(self, amount: int, reference: str) -> Hold:
        """Reserve."""
        with tenant_scope(self.tenant_id):
            return reserve(self.tenant_id, self.resource, amount, reference=reference, clock=self.clock)

    def settle(self, hold: Hold, amount: int) -> None:
        """Settle in a transaction of its own."""
        with self.scope(), transaction.atomic():
            hold.settle(amount)

    def release(self, hold: Hold) -> None:
        """Give back."""
        with tenant_scope(self.tenant_id):
            hold.release()

    def usage(self) -> Usage:
        """Where the council stands."""
        with tenant_scope(self.tenant_id):
            return usage_of(self.tenant_id, self.resource, clock=self.clock)

    def left(self) -> int | None:
        """What could be reserved."""
        return self.usage().left

    def entries(self) -> list[QuotaEntry]:
        """The ledger."""
        with tenant_scope(self.tenant_id):
            return list(QuotaEntry.objects.filter(resource=self.resource).order_by("number"))

    def ledger_agrees(self) -> bool:
        """Say whether the entries give what the account says, without a gap in their numbers."""
        entries = self.entries()
        with tenant_scope(self.tenant_id):
            account = account_of(self.tenant_id, self.resource)
        numbers = [entry.number for entry in entries]
        return replay(entries) == standing_of(account) and numbers == list(range(1, account.number + 1))


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    """Run each call on a thread of its own; return what each returned."""

    def run(call: Callable[[], object]) -> object:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(DEADLINE_S) for future in [pool.submit(run, call) for call in calls]]
