"""How a socket ends: close codes, and what an error is on a socket.

A close code is 4000 + the HTTP status that the REST API answers for the same error; the reason is the error's code.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from astra_site.lib.errors import AstraError, ErrorKind, InvalidInput, RateLimited
from astra_site.lib.problems import STATUS_OF

_RETRY_AFTER_S: Final = 2


class CloseCode(IntEnum):
    """The codes that have a meaning of their own; the server itself closes with 1009 (too large) and 1012 (restart)."""

    NORMAL = 1000
    INTERNAL = 1011
    MALFORMED = 4400
    HELLO_TIMEOUT = 4408
    REPLACED = 4409
    TOO_SLOW = 4429


class SocketEnd(Exception):
    """The conversation is over."""


class ClientGone(SocketEnd):
    """The client has closed the socket, or the connection is broken: there is nobody to tell."""


class Closing(SocketEnd):
    """We close the socket. `error`, where there is one, is told before."""

    def __init__(self, code: int, reason: str, error: AstraError | None = None) -> None:
        super().__init__(reason)
        self.code, self.reason, self.error = code, reason, error


def closing_of(error: AstraError) -> Closing:
    """Return how an error ends a socket."""
    if error.kind is ErrorKind.INTERNAL:
        return Closing(CloseCode.INTERNAL, "internal_error")
    return Closing(4000 + STATUS_OF[error.kind], error.code, error)


def malformed(code: str, message: str) -> Closing:
    """Return how a breach of the protocol ends a socket."""
    return Closing(CloseCode.MALFORMED, code, InvalidInput(code, message))


def too_slow() -> Closing:
    """Return how a client that does not read ends."""
    message = "The client does not read what is sent to it. Connect again and resume."
    return Closing(CloseCode.TOO_SLOW, "client_too_slow", RateLimited("client_too_slow", message))


def error_frame(error: AstraError, **about: Any) -> dict[str, Any]:
    """Return the frame that tells an error; `about` says what was refused, None is left out.

    `retry_after_s` is there exactly where sending the same again can succeed.
    """
    frame: dict[str, Any] = {"type": "error", "code": error.code, "detail": error.message}
    frame |= {name: value for name, value in about.items() if value is not None}
    if error.details:
        frame["details"] = error.details
    if not error.permanent:
        frame["retry_after_s"] = error.details.get("retry_after_s", _RETRY_AFTER_S)
    return frame
