"""Identifiers: UUIDv7, so that ids sort by the time they were made (RFC 9562)."""

from __future__ import annotations

from uuid import UUID

from uuid_utils import compat


def new_id() -> UUID:
    """Return a fresh UUIDv7 as the standard library's type."""
    return compat.uuid7()
