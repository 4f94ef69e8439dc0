"""What somebody with the rights of the tables' owner does to them, and the application can't."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from astra_site.lib.owner_connection import in_place_of_the_application, owner_connection
from astra_site.lib.tenancy import all_tenants


@contextmanager
def as_the_owner() -> Iterator[None]:
    """Let this thread's statements be the owner's, on the rows of all tenants: the policies bind the owner too.

    On a connection of its own, so that an open transaction of the test's neither is seen nor may hold what it needs.
    """
    owner = owner_connection()
    try:
        with in_place_of_the_application(owner), all_tenants(reason="a test plays the owner of the tables"):
            yield
    finally:
        owner.close()
