"""The one error tree of the product.

Services raise an `AstraError`; every edge (HTTP, WebSocket, gRPC, actor, admin) translates it once. Foreign
exceptions are wrapped at the adapter that meets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ErrorKind(StrEnum):
    """What an edge needs to know to translate an error; the stable `code` says which error it is."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class AstraError(Exception):
    """Root of every error that the product raises on purpose.

    Args:
        code: stable identifier in snake_case, part of the public API.
        message: one sentence for a person: what is wrong and what to do.
        permanent: True when repeating the same call can't succeed. Retry policies read only this.
        details: facts for a program, JSON-serialisable, safe to show to the caller.
    """

    kind: ErrorKind = ErrorKind.INTERNAL
    permanent: bool = True

    def __init__(
        self,
        code: str,
        message: str,
        *,
        permanent: bool | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details: dict[str, object] = dict(details or {})
        if permanent is not None:
            self.permanent = permanent


class InvalidInput(AstraError):
    """The input itself is wrong."""

    kind = ErrorKind.INVALID


class Unauthenticated(AstraError):
    """No identity, or one that can't be verified."""

    kind = ErrorKind.UNAUTHENTICATED


class Forbidden(AstraError):
    """A known identity that may not do this, another tenant's object included."""

    kind = ErrorKind.FORBIDDEN


class NotFound(AstraError):
    """No such object."""

    kind = ErrorKind.NOT_FOUND


class Conflict(AstraError):
    """The object is in a state that does not allow this, or the content contradicts what is stored."""

    kind = ErrorKind.CONFLICT


class TooLarge(AstraError):
    """More bytes, pixels or seconds than the limit."""

    kind = ErrorKind.TOO_LARGE


class Unsupported(AstraError):
    """A media type, codec or option that this installation can't work with."""

    kind = ErrorKind.UNSUPPORTED


class RateLimited(AstraError):
    """Too many requests; `details["retry_after_s"]` says when to come back."""

    kind = ErrorKind.RATE_LIMITED
    permanent = False


class Unavailable(AstraError):
    """A dependency does not answer; the same call may succeed later."""

    kind = ErrorKind.UNAVAILABLE
    permanent = False
