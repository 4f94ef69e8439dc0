"""What a provider's claims mean here: which person, which councils, which role. Pure: no database, no settings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_MAX_SUBJECT_CHARS: Final = 255
_MAX_NAMES: Final = 100
_MAX_NAME_CHARS: Final = 200
_NOT_IN_USER_NAMES: Final = re.compile(r"[^A-Za-z0-9._+-]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_READABLE_CHARS: Final = 40
_DISTINCT_CHARS: Final = 12


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider says somebody is. The councils are named as it names them; `roles` are ours, highest first."""

    subject: str
    email: str
    first_name: str
    last_name: str
    user_name: str
    councils: frozenset[str]
    roles: tuple[str, ...]


def person_of(
    claims: Mapping[str, Any],
    *,
    issuer: str,
    tenant_claim: str,
    groups_claim: str,
    groups_of_role: Sequence[tuple[str, Sequence[str]]],
) -> Person:
    """Read the claims. Raises `ValueError` for a subject that is none; whatever else is odd counts as not said.

    `groups_of_role` lists our roles, highest first, with the provider's groups that stand for each.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= _MAX_SUBJECT_CHARS or _CONTROL.search(subject):
        raise ValueError("The claim sub must be a short text.")
    groups = _names(claims.get(groups_claim))
    return Person(
        subject=subject,
        email=_text(claims.get("email"), 254),
        first_name=_text(claims.get("given_name"), 150) or _text(claims.get("name"), 150),
        last_name=_text(claims.get("family_name"), 150),
        user_name=_user_name(claims, issuer, subject),
        councils=_names(claims.get(tenant_claim)),
        roles=tuple(role for role, names in groups_of_role if groups & set(names)),
    )


def _names(said: object) -> frozenset[str]:
    """Return a claim that is one name or a list of names; nothing for any other."""
    listed = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    return frozenset(
        name.strip()
        for name in listed[:_MAX_NAMES]
        if isinstance(name, str) and name.strip() and len(name) <= _MAX_NAME_CHARS and not _CONTROL.search(name)
    )


def _text(said: object, max_chars: int) -> str:
    return said.strip() if isinstance(said, str) and len(said) <= max_chars and not _CONTROL.search(said) else ""


def _user_name(claims: Mapping[str, Any], issuer: str, subject: str) -> str:
    """Return a name that can be read, and that nobody else has or can choose: it ends with a hash of who it is."""
    wished = _text(claims.get("preferred_username"), 200) or _text(claims.get("email"), 254)
    readable = _NOT_IN_USER_NAMES.sub("-", wished.partition("@")[0])[:_READABLE_CHARS] or "person"
    distinct = hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:_DISTINCT_CHARS]
    return f"{readable}-{distinct}"
