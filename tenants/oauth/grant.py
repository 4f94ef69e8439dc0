"""What a client sends to the token endpoint, read as RFC 6749 says, and the errors it has names for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote_plus

GRANT_TYPE: Final = "client_credentials"


class GrantRefused(Exception):
    """An error that RFC 6749 section 5.2 names; its answer has a form of its own."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


class Form(Protocol):
    """A decoded form, in which a field may stand several times."""

    def getlist(self, key: str) -> Sequence[object]:
        """Return every value of a field."""
        ...


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A request for a token: who asks, with which secret, for which scopes (none: all that the client has)."""

    client_id: str
    secret: str
    scopes: frozenset[str]


def read_request(authorization: str, form: Form) -> ClientCredentials:
    """Return what is asked for; raise `GrantRefused` as section 5.2 says."""
    client_id, secret = _basic(authorization)
    if _single(form, "client_secret"):
        raise GrantRefused("invalid_request", "Send the secret once, in the header Authorization: Basic.")
    named = _single(form, "client_id")
    if named and named != client_id:
        raise GrantRefused("invalid_request", "The form names another client than the header.")
    grant_type = _single(form, "grant_type")
    if not grant_type:
        raise GrantRefused("invalid_request", "The form lacks grant_type.")
    if grant_type != GRANT_TYPE:
        raise GrantRefused("unsupported_grant_type", f"Only {GRANT_TYPE} is granted here.")
    return ClientCredentials(client_id, secret, frozenset(_single(form, "scope").split()))


def unknown_client() -> GrantRefused:
    """Return the one answer to every client that is not let in."""
    return GrantRefused("invalid_client", "The client is unknown, its secret is another, or it was revoked.", 401)


def _basic(authorization: str) -> tuple[str, str]:
    """Return id and secret of `Basic`, each of them form-encoded inside (section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise unknown_client()
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise unknown_client() from error
    client_id, colon, secret = decoded.partition(":")
    if not colon:
        raise unknown_client()
    return unquote_plus(client_id), unquote_plus(secret)


def _single(form: Form, name: str) -> str:
    values = form.getlist(name)
    if len(values) > 1 or not all(isinstance(value, str) for value in values):
        raise GrantRefused("invalid_request", f"The form has {name} more than once.")
    return str(values[0]) if values else ""
