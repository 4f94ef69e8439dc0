"""A quota account as a value, and how entries of the ledger change it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

NO_PERIOD = ""
"""The period of an account that never starts anew."""


def month_of(moment: datetime, zone: tzinfo) -> str:
    """Return the calendar month of a moment in a time zone, as `2026-11`: months compare as their texts do."""
    return moment.astimezone(zone).strftime("%Y-%m")


@dataclass(frozen=True, slots=True)
class Standing:
    """What is allowed and what is used, in the resource's unit.

    `limit` is the allowance of each period, None for no limit. `extra` was bought on top; it is used up after the
    allowance, and what is not used up stays when the next period begins. `used` counts this period.
    """

    period: str = NO_PERIOD
    limit: int | None = None
    extra: int = 0
    used: int = 0

    @property
    def left(self) -> int | None:
        """What may still be used, None for any amount; below zero after the limit was lowered under what is used."""
        return None if self.limit is None else self.limit + self.extra - self.used

    def in_period(self, period: str) -> Standing:
        """Return the account as it stands in a period: a later one begins unused, an earlier one is over."""
        if period <= self.period:
            return self
        unused = self.extra if self.left is None else max(0, min(self.extra, self.left))
        return replace(self, period=period, extra=unused, used=0)

    def limited_to(self, limit: int | None) -> Standing:
        """Set the allowance of this and the following periods."""
        return replace(self, limit=limit)

    def topped_up(self, amount: int) -> Standing:
        """Add to what was bought."""
        return replace(self, extra=self.extra + amount)

    def spent(self, amount: int) -> Standing:
        """Use an amount; a negative one gives back."""
        return replace(self, used=max(0, self.used + amount))
