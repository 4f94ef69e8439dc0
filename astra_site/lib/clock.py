"""Time: aware UTC. Pure code takes a `Clock`; only edges and services use `utc_now` itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment, aware and in UTC."""
    return datetime.now(UTC)


def iso_utc(moment: datetime) -> str:
    """Render a moment as ISO 8601 in UTC with microseconds and `Z`: one text for one moment."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
