"""Amounts as people write and read them: hours of audio, gigabytes. Pure."""

from __future__ import annotations

from decimal import Decimal

MS_PER_HOUR = 3_600_000
BYTES_PER_GB = 1_000_000_000


def from_hours(hours: Decimal) -> int:
    """Return hours as ms."""
    return int(hours * MS_PER_HOUR)


def from_gb(gigabytes: Decimal) -> int:
    """Return gigabytes (of 10^9 bytes, as object stores bill them) as bytes."""
    return int(gigabytes * BYTES_PER_GB)


def to_hours(ms: int) -> Decimal:
    """Return ms as hours, to the thousandth."""
    return round(Decimal(ms) / MS_PER_HOUR, 3)


def to_gb(size_bytes: int) -> Decimal:
    """Return bytes as gigabytes, to the megabyte."""
    return round(Decimal(size_bytes) / BYTES_PER_GB, 3)
