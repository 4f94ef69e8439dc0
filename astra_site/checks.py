"""Whether the database's wall between the councils binds the role that the application signs in with."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from astra_site.lib.owner_connection import is_of_the_owner
from astra_site.lib.tenant_wall import TenantWallMissing, gaps_of_the_wall

_HINT: Final = "See DATABASE_URL and DATABASE_OWNER_URL in .env.example."
_seen_to_stand: Final = Event()


def check_tenant_wall(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report what would let the application see other tenants' rows: an error in production, elsewhere a warning.

    For `manage.py check --database default`, which containers run before they start to work.
    """
    if DEFAULT_DB_ALIAS not in (databases or ()) or is_of_the_owner(connections[DEFAULT_DB_ALIAS]):
        return []
    kind = Error if settings.PRODUCTION else Warning
    return [kind(gap, hint=_HINT, id="astra.W001") for gap in gaps_of_the_wall(connections[DEFAULT_DB_ALIAS])]


def refuse_without_wall(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Look at the first connection of a process; raise `TenantWallMissing`, and close it, where the wall has gaps.

    Whichever way a process was started, so it serves nobody. It looks again with each further connection until the wall
    stands.
    """
    if _seen_to_stand.is_set() or is_of_the_owner(connection):
        return
    gaps = gaps_of_the_wall(connection)
    if gaps:
        connection.close()
        raise TenantWallMissing("tenant_wall_missing", " ".join([*gaps, _HINT]))
    _seen_to_stand.set()
