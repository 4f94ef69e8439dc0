"""What each connection was told about the tenant scope, so that it is told again only when that has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus

SETTING: Final = "astra.tenant_ids"
"""The ids of the tenants whose rows are seen, with commas between; `*` for all; nothing for none."""
_TELL: Final = "SELECT pg_catalog.set_config(%s, %s, %s)"
_UNKNOWN: Final = "?"
"""No scope is written like this, so whatever is wanted differs from it."""


@dataclass(slots=True)
class _Standing:
    session: str = _UNKNOWN
    """What holds between transactions. It is told outside of them only, so no rollback takes it back."""
    transaction: str | None = None
    """What was told for the rest of the open transaction, if anything; its end takes it back, whichever that is."""


_standings: WeakKeyDictionary[psycopg.Connection[Any], _Standing] = WeakKeyDictionary()


def tell(connection: psycopg.Connection[Any], wanted: str, *, lasting: bool) -> None:
    """Tell the connection whose rows are seen, with a statement of its own only where it holds something else.

    To be called before every statement: that no transaction is open is how the end of the last one is noticed.

    Args:
        wanted: the value of the setting.
        lasting: outside a transaction, tell it for all that follows; otherwise the caller opens one.
    """
    status = connection.pgconn.transaction_status
    if status == TransactionStatus.INERROR:
        return  # nothing runs any more but a rollback
    standing = _standing_of(connection)
    if status == TransactionStatus.IDLE:
        standing.transaction = None
        if lasting and standing.session != wanted:
            _tell_between_transactions(connection, standing, wanted)
        if lasting:
            return
    held = standing.session if standing.transaction is None else standing.transaction
    if held != wanted:
        standing.transaction = _UNKNOWN
        _execute(connection, wanted, local=True)
        standing.transaction = wanted


def forget(connection: psycopg.Connection[Any], *, lasting: bool) -> None:
    """Take for unknown what the open transaction was told, and with `lasting` also what holds after it."""
    standing = _standing_of(connection)
    standing.transaction = _UNKNOWN
    if lasting:
        standing.session = _UNKNOWN


def _standing_of(connection: psycopg.Connection[Any]) -> _Standing:
    found = _standings.get(connection)
    if found is None:
        found = _standings[connection] = _Standing()
    return found


def _tell_between_transactions(connection: psycopg.Connection[Any], standing: _Standing, wanted: str) -> None:
    """Tell it before the transaction that the next statement may open, not inside: so its rollback changes nothing."""
    autocommit = connection.autocommit
    standing.session = _UNKNOWN
    connection.autocommit = True
    try:
        _execute(connection, wanted, local=False)
    finally:
        connection.autocommit = autocommit
    standing.session = wanted


def _execute(connection: psycopg.Connection[Any], value: str, *, local: bool) -> None:
    with psycopg.Cursor(connection) as cursor:
        cursor.execute(_TELL, (SETTING, value, local))
