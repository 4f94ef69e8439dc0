"""The Redis side of quota: what is left by the ledger, and who has reserved how much of it right now.

It may vanish at any moment. An account that is missing is written again from the ledger by whoever misses it;
reservations that are lost are work in flight, which is paid for when it is settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

import redis
from redis.exceptions import RedisError

from astra_site.lib.errors import Unavailable
from tenants.quota import scripts
from tenants.quota.ledger import OpenReservation
from tenants.quota.standing import Standing

_TTL_S = 40 * 24 * 3600
_LEDGERS = "ledger"
"""The token of reservations that the ledger has: no run gives them back in Redis, they end by time or settlement."""


class HeatUnavailable(Unavailable):
    """Redis does not answer: the ledger decides."""


class Outcome(IntEnum):
    """What became of a reservation."""

    RESERVED = 1
    TOO_LITTLE = 0
    ACCOUNT_STALE = -1


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, the ledger entry that it is based on, and what is left over after it (None: no limit)."""

    outcome: Outcome
    number: int
    left: int | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What is reserved, for what, by which run, until when."""

    reference: str
    amount: int
    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class HeatReading:
    """An account as Redis has it: what the ledger's entry `number` left (-1: it is missing), and what is held."""

    period: str
    number: int
    left: int | None
    held: int


class QuotaHeat:
    """One council's account of one resource in Redis. Every call raises `HeatUnavailable` without Redis."""

    def __init__(self, client: redis.Redis, tenant_id: UUID, resource: str) -> None:
        """Bind to an account; nothing is read yet. All keys of a council share one hash tag."""
        prefix = f"{{quota:{tenant_id}}}:{resource}"
        self._keys = [f"{prefix}:account", f"{prefix}:held", f"{prefix}:leases"]
        self._client = client

    def reserve(self, claim: Claim, period: str, now: datetime) -> Answer:
        """Hold an amount if so much is left beside what others hold. The same reference again replaces its hold."""
        outcome, number, left = self._run(
            scripts.RESERVE,
            [_ms(now), _TTL_S, period, claim.reference, claim.amount, claim.token, _ms(claim.until)],
        )
        return Answer(Outcome(outcome), int(number), _amount(left))

    def renew(self, claim: Claim, now: datetime) -> bool:
        """Hold on, also where the hold was lost meanwhile; False when another run has taken the reference over."""
        arguments = [_ms(now), _TTL_S, claim.reference, claim.amount, claim.token, _ms(claim.until)]
        return bool(self._run(scripts.RENEW, arguments))

    def release(self, claim: Claim) -> bool:
        """Give a hold back; False when it is not this run's."""
        return bool(self._run(scripts.RELEASE, [claim.reference, claim.token]))

    def project(
        self, standing: Standing, number: int, *, settled: str = "", reservations: Iterable[OpenReservation] = ()
    ) -> bool:
        """Write what the ledger says at an entry, unless a later one is there; end the hold of what it settles."""
        left = "" if standing.left is None else standing.left
        arguments: list[str | int] = [_TTL_S, standing.period, number, left, settled]
        for open_one in reservations:
            arguments += [open_one.reference, f"{open_one.amount}|{_LEDGERS}", _ms(open_one.expires_at)]
        return bool(self._run(scripts.PROJECT, arguments))

    def read(self, now: datetime) -> HeatReading:
        """Return the account and what is held."""
        period, number, left, held = self._run(scripts.READ, [_ms(now)])
        return HeatReading(period, int(number), _amount(left), int(held))

    def forget_account(self) -> None:
        """Drop what is known of the ledger; the holds stay."""
        with _redis_errors():
            self._client.delete(self._keys[0])

    def _run(self, script: str, arguments: list[Any]) -> Any:
        with _redis_errors():
            return self._client.register_script(script)(keys=self._keys, args=arguments)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _amount(written: str) -> int | None:
    return None if written == "" else int(written)


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise HeatUnavailable("redis_unavailable", "Redis does not answer; nothing is lost. Try again.") from error
