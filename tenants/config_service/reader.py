"""Reading one tenant's configuration through the caches: memory, then Redis, then PostgreSQL by one reader for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Final, Self
from uuid import UUID

from astra_site.lib.flights import Flights
from astra_site.lib.quick_redis import QuickRedis
from tenants.config_service.announcements import Announcements
from tenants.config_service.config import Config, Pointer
from tenants.config_service.process_cache import ProcessCache
from tenants.config_service.shared_cache import Claim, SharedCache

CACHE_WITHIN_S: Final = 0.5
"""How long an answer may be looked for in Redis, or waited for from who is loading it, before PostgreSQL is asked. With
a call that has begun by then, and writing back what was loaded, a cache in trouble costs 1.5 s at most."""
_FRESH_FOR_S: Final = 2.0
"""What took longer to load is not written as the newest: it may be old by now."""

Load = Callable[[UUID, int | None], Config]
"""Reads a version, or for None the newest, from PostgreSQL."""


@dataclass(frozen=True)
class ConfigReader:
    """The caches of a process at one Redis, and the way through them. Safe to share between threads."""

    redis: QuickRedis
    here: ProcessCache
    news: Announcements
    load: Load
    flights: Flights[Config] = field(default_factory=Flights)

    @classmethod
    def at(cls, url: str, load: Load) -> Self:
        """Make one with empty caches; nothing is opened yet."""
        here = ProcessCache()
        news = Announcements(url, lambda said: here.hear_of(said.tenant_id, said.number), here.forget_newest)
        return cls(QuickRedis(url), here, news, load)

    def read(self, tenant_id: UUID, version: int | None) -> Config:
        """Return a version, or for None the newest. Raises what `load` raises, and nothing else."""
        held = self._remembered(tenant_id, version)
        if held is not None:
            return held
        found = self.flights.fetch(
            (tenant_id, version),
            partial(self._look_or_load, self.shared(tenant_id), version),
            partial(self.load, tenant_id, version),
            CACHE_WITHIN_S,
        )
        if version is not None:
            return found
        if self.here.is_outdated(found.pointer):  # the reading had begun before a publication that is known here
            found = self.load(tenant_id, None)
        self.here.hear_of(tenant_id, found.number)
        return found

    def publish(self, config: Config) -> None:
        """Take note of a version that was committed, and tell everybody."""
        self.here.hear_of(config.pointer.tenant_id, config.number)
        self.shared(config.pointer.tenant_id).announce(config)

    def shared(self, tenant_id: UUID) -> SharedCache:
        """Return a tenant's part in Redis, to be asked for `CACHE_WITHIN_S` from now."""
        return SharedCache(self.redis, tenant_id, monotonic() + CACHE_WITHIN_S)

    def _remembered(self, tenant_id: UUID, version: int | None) -> Config | None:
        """Return what this process knows. The newest version only while it would hear of a later one."""
        self.news.listen()
        if version is not None:
            pointer = self.here.numbered(tenant_id, version)
        else:
            pointer = self.here.newest(tenant_id) if self.news.is_in_force else None
        return self.here.content(pointer) if pointer else None

    def _look_or_load(self, shared: SharedCache, version: int | None) -> Config:
        """Look in Redis; if it is not there, load it, as the only one of all processes if possible."""
        seen = shared.pointer(version)
        found = self._behind(shared, version, seen)
        if found is None:
            token = shared.claim(version)
            if token is Claim.TAKEN:
                found = shared.wait_for(lambda: self._behind(shared, version, shared.pointer(version)))
            elif isinstance(token, str):  # whoever loaded may have ended between the look and the claim
                found = self._behind(shared, version, shared.pointer(version))
                if found is not None:
                    shared.let_go(version, token)
            if found is None:
                return self._load(shared.tenant_id, version, token if isinstance(token, str) else None, seen)
        self.here.keep(found, is_newest=version is None)
        return found

    def _behind(self, shared: SharedCache, version: int | None, pointer: Pointer | None) -> Config | None:
        """Return what a pointer leads to; nothing for a newest version that is known not to be."""
        if pointer is None or (version is None and self.here.is_outdated(pointer)):
            return None
        return self.here.content(pointer) or shared.content(pointer)

    def _load(self, tenant_id: UUID, version: int | None, token: str | None, seen: Pointer | None) -> Config:
        began_s = monotonic()
        try:
            config = self.load(tenant_id, version)
            if monotonic() - began_s < _FRESH_FOR_S:
                self.here.keep(config, is_newest=version is None)
                if seen is not None and seen.number > config.number:  # damaged: it would keep all that is true away
                    self.shared(tenant_id).drop(version, seen)
                self.shared(tenant_id).keep(config, version=version)
            return config
        finally:
            if token is not None:
                self.shared(tenant_id).let_go(version, token)
