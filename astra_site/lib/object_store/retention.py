"""The rule for a retention date, the same in every store."""

from __future__ import annotations

from datetime import UTC, datetime

from astra_site.lib.errors import InvalidInput
from astra_site.lib.object_store.errors import ObjectProtected
from astra_site.lib.object_store.protocol import Bucket


def checked_retention(bucket: Bucket, until: datetime, now: datetime, current: datetime | None) -> datetime:
    """Return `until` in UTC to the second if it may be set; raise `InvalidInput` or `ObjectProtected` otherwise."""
    if bucket is not Bucket.WORM:
        raise InvalidInput("retention_invalid", "Only objects of the WORM bucket can be protected.")
    if until.tzinfo is None or until <= now:
        raise InvalidInput("retention_invalid", "A retention date has a time zone and lies in the future.")
    wanted = until.astimezone(UTC).replace(microsecond=0)
    if current is not None and wanted < current:
        raise protected(current)
    return wanted


def protected(until: datetime) -> ObjectProtected:
    """The error for touching an object under retention."""
    return ObjectProtected(
        "object_protected", "This object is under retention.", details={"until": until.astimezone(UTC).isoformat()}
    )
