"""Whether the API client that a token was issued to may still use it; the app that owns clients says so.

A token is good until it expires, but a client can be revoked at any moment. What the database said is believed for
`BELIEVED_S`, so a busy client costs one look in so many seconds, and a revoked one is out within them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

BELIEVED_S: Final = 5.0
_MOST_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class ClientGrant:
    """What a token of ours was issued on: the client, and the generation of its secret and scopes at that time."""

    client_id: UUID
    tenant_id: UUID
    generation: int


_checks: list[Callable[[ClientGrant], bool]] = []
_known: dict[ClientGrant, tuple[bool, float]] = {}
_lock = threading.Lock()


def register_client_check(check: Callable[[ClientGrant], bool]) -> None:
    """Say how to find out whether a grant still holds, once per process, from `AppConfig.ready`."""
    _checks[:] = [check]


def recall_grant(grant: ClientGrant) -> bool | None:
    """Say whether a grant holds as far as was heard in the last seconds; None for not known. Never blocks."""
    holds, until_s = _known.get(grant, (None, 0.0))
    return holds if monotonic() < until_s else None


def holds(grant: ClientGrant) -> bool:
    """Say whether a grant holds now, give or take `BELIEVED_S`; may ask the database."""
    remembered = recall_grant(grant)
    if remembered is not None:
        return remembered
    if not _checks:
        raise ImproperlyConfigured("No app has registered which API clients there are (register_client_check).")
    found = _checks[0](grant)
    with _lock:
        _known.pop(grant, None)
        while len(_known) >= _MOST_REMEMBERED:
            del _known[next(iter(_known))]
        _known[grant] = found, monotonic() + BELIEVED_S
    return found


def forget_grants(client_id: UUID) -> None:
    """Forget what was heard of a client: this process is asked to look again."""
    with _lock:
        for grant in [grant for grant in _known if grant.client_id == client_id]:
            del _known[grant]
