"""How many sockets a process holds, in all and for one tenant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings

from astra_site.lib.errors import RateLimited, Unavailable


class Places:
    """Counts what is open in this process; nothing about a session is kept."""

    def __init__(self) -> None:
        self.open_count = self._waiting = 0
        self._by_tenant: Counter[UUID] = Counter()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold one of `SOCKETS_PER_PROCESS`; raise `Unavailable` (`too_many_sockets`) when there is none."""
        if self.open_count >= settings.SOCKETS_PER_PROCESS:
            raise Unavailable("too_many_sockets", "This server holds as many sockets as it can. Try again.")
        self.open_count += 1
        try:
            yield
        finally:
            self.open_count -= 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Hold one of `SOCKETS_WAITING`; raise `Unavailable` (`too_many_sockets`) when there is none.

        For sockets that have not shown a token yet: what such a socket sends is in memory before anybody knows who it
        is. Whoever shows one in the handshake need not wait with them.
        """
        if self._waiting >= settings.SOCKETS_WAITING:
            raise Unavailable("too_many_sockets", "Too many sockets without a token in the handshake. Try again.")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    @contextmanager
    def one_of(self, tenant_id: UUID) -> Iterator[None]:
        """Hold one of `SOCKETS_PER_TENANT`; raise `RateLimited` (`too_many_sockets`) when there is none."""
        if self._by_tenant[tenant_id] >= settings.SOCKETS_PER_TENANT:
            raise RateLimited("too_many_sockets", "This tenant has too many sockets open: close some.")
        self._by_tenant[tenant_id] += 1
        try:
            yield
        finally:
            self._by_tenant[tenant_id] -= 1
            if not self._by_tenant[tenant_id]:
                del self._by_tenant[tenant_id]


places = Places()
