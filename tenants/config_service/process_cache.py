"""What this process remembers: contents for good, and for moments which version is a tenant's newest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from time import monotonic
from typing import Any, Final
from uuid import UUID

from astra_site.lib.hashing import Sha256
from tenants.config_service.config import Config, Pointer

NEWEST_FOR_S: Final = 5.0
"""How long a newest version is believed when the news of a later one was lost."""
_CONTENTS: Final = 64
_NUMBERED: Final = 1024


class ProcessCache:
    """Safe to share between threads. A content is found by tenant and hash, so it can't be another one's or an old one.

    A tenant's newest version never goes back: once a number is known, no lower one is taken for the newest.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._contents: OrderedDict[tuple[UUID, Sha256], Config] = OrderedDict()
        self._pinned: OrderedDict[UUID, Config] = OrderedDict()
        self._numbered: OrderedDict[tuple[UUID, int], Pointer] = OrderedDict()
        self._newest: dict[UUID, tuple[Pointer, float]] = {}
        self._at_least: dict[UUID, int] = {}

    def content(self, pointer: Pointer) -> Config | None:
        """Return the version if its content is remembered."""
        key = (pointer.tenant_id, pointer.sha256)
        with self._lock:
            held = self._contents.get(key)
            if held is None:
                return None
            self._contents.move_to_end(key)
        return held if held.number == pointer.number else Config(pointer, held.body, held.content)

    def numbered(self, tenant_id: UUID, number: int) -> Pointer | None:
        """Return what a number points to."""
        return self._numbered.get((tenant_id, number))

    def newest(self, tenant_id: UUID) -> Pointer | None:
        """Return the newest version, if that was known a moment ago and nothing later was heard of."""
        pointer, until_s = self._newest.get(tenant_id, (None, 0.0))
        return pointer if monotonic() < until_s else None

    def is_outdated(self, pointer: Pointer) -> bool:
        """Say whether a later version is known than one that is said to be the newest."""
        return pointer.number < self._at_least.get(pointer.tenant_id, 0)

    def keep(self, config: Config, *, is_newest: bool) -> None:
        """Remember a committed version; as the newest one unless a later one is known."""
        pointer = config.pointer
        with self._lock:
            self._contents[(pointer.tenant_id, pointer.sha256)] = config
            self._numbered[(pointer.tenant_id, pointer.number)] = pointer
            _trim(self._contents, _CONTENTS)
            _trim(self._numbered, _NUMBERED)
            if is_newest and not self.is_outdated(pointer):
                self._at_least[pointer.tenant_id] = pointer.number
                self._newest[pointer.tenant_id] = (pointer, monotonic() + NEWEST_FOR_S)

    def pinned(self, version_id: UUID) -> Config | None:
        """Return the version with an id. An id has one content for ever, whether it was committed or not."""
        with self._lock:
            config = self._pinned.get(version_id)
            if config is not None:
                self._pinned.move_to_end(version_id)
        return config

    def keep_pinned(self, version_id: UUID, config: Config) -> None:
        """Remember the version with an id."""
        with self._lock:
            self._pinned[version_id] = config
            _trim(self._pinned, _CONTENTS)

    def hear_of(self, tenant_id: UUID, number: int) -> None:
        """Take note that a version was published."""
        with self._lock:
            if number > self._at_least.get(tenant_id, 0):
                self._at_least[tenant_id] = number
                self._newest.pop(tenant_id, None)

    def forget_newest(self) -> None:
        """Believe nothing about newest versions any more: news may have been lost."""
        with self._lock:
            self._newest.clear()


def _trim(remembered: OrderedDict[Any, Any], most: int) -> None:
    while len(remembered) > most:
        remembered.popitem(last=False)
