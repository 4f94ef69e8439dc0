"""What a client says before the first frame: subprotocols, and a token in one of two places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from astra_site.lib.errors import Forbidden, InvalidInput

_BEARER = "bearer."


@dataclass(frozen=True, slots=True)
class Handshake:
    """The subprotocol to answer (None where none was asked for), and the token if one was given."""

    subprotocol: str | None
    token: str | None


def read_handshake(scope: Mapping[str, Any], subprotocol: str) -> Handshake:
    """Return what the client offers.

    Raises `InvalidInput` (`subprotocol_unsupported`) when it offers subprotocols and ours is not among them: it would
    speak, and expect, something else; and `Forbidden` as `check_origin`. A browser can't set headers: its token comes
    as the subprotocol `bearer.<token>`.
    """
    check_origin(header(scope, b"origin"))
    offered: list[str] = [name for name in scope.get("subprotocols") or [] if name]
    if offered and subprotocol not in offered:
        raise InvalidInput(
            "subprotocol_unsupported", f"Ask for the subprotocol {subprotocol}, and for a browser bearer.<token>."
        )
    token = _header_token(header(scope, b"authorization"))
    for name in offered:
        if token is None and name.startswith(_BEARER):
            token = name.removeprefix(_BEARER)
    return Handshake(subprotocol if offered else None, token)


def check_origin(origin: str) -> None:
    """Raise `Forbidden` (`origin_not_allowed`) for a page of a site that is not among `SOCKET_ORIGINS`.

    Only browsers name an origin; a client that is none is let in by its token alone.
    """
    if origin and origin.lower() not in {allowed.lower().rstrip("/") for allowed in settings.SOCKET_ORIGINS}:
        raise Forbidden("origin_not_allowed", "Pages of this site may not open a socket here.")


def header(scope: Mapping[str, Any], wanted: bytes) -> str:
    """Return a header of the handshake, or an empty text."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted), "")


def _header_token(authorization: str) -> str | None:
    """Return the token of the header; what has another form is passed on, and is no token to whoever looks at it."""
    kind, _, token = authorization.strip().partition(" ")
    return (token if kind.lower() == "bearer" else authorization) or None
