"""What a client says before the first frame: subprotocols, and a token in one of two places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from astra_site.lib.errors import InvalidInput, Unauthenticated

_BEARER = "bearer."


@dataclass(frozen=True, slots=True)
class Handshake:
    """The subprotocol to answer (None where none was asked for), the token if one was given, and the trace."""

    subprotocol: str | None
    token: str | None


def read_handshake(scope: Mapping[str, Any], subprotocol: str) -> Handshake:
    """Return what the client offers.

    Raises `InvalidInput` (`subprotocol_unsupported`) when it offers subprotocols and ours is not among them: it would
    speak, and expect, something else. A browser can't set headers, so its token comes as `bearer.<token>` there.
    Raises `Unauthenticated` (`token_invalid`) for a token in a form that is none.
    """
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


def header(scope: Mapping[str, Any], wanted: bytes) -> str:
    """Return a header of the handshake, or an empty text."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted), "")


def _header_token(authorization: str) -> str | None:
    if not authorization:
        return None
    parts = authorization.split()
    if len(parts) != 2 or parts[0].lower() != "bearer":
        raise Unauthenticated("token_invalid", "Send the token as: Authorization: Bearer <token>.")
    return parts[1]
