"""The one connection that is not the application's: that of the owner of the tables, for migrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from astra_site.lib.scoped_postgresql.base import DatabaseWrapper


def owner_connection() -> DatabaseWrapper:
    """Return a connection of `DATABASE_OWNER_URL`'s role to the application's database; it opens at first use."""
    application = connections.settings[DEFAULT_DB_ALIAS]
    # A test database has a name of its own; a pooler's name for the application's database is not the owner's.
    renamed = {} if application["NAME"] == settings.DATABASE_NAME else {"NAME": application["NAME"]}
    return DatabaseWrapper({**application, **settings.DATABASE_OWNER, **renamed})


def is_of_the_owner(connection: BaseDatabaseWrapper) -> bool:
    """Say whether it is a connection that `owner_connection` returned."""
    return bool(connection.settings_dict.get("OF_THE_OWNER"))


@contextmanager
def in_place_of_the_application(owner: BaseDatabaseWrapper) -> Iterator[None]:
    """Let what this thread does with the default database be done by its owner."""
    application = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = owner
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = application


def application_role() -> str:
    """Return the name of the role that `DATABASE_URL` signs in with."""
    application: Any = DatabaseWrapper(connections.settings[DEFAULT_DB_ALIAS])
    with application.Database.connect(**application.get_connection_params()) as opened:
        return str(opened.info.user)
