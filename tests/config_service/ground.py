"""A council that publishes, and several processes' worth of readers of what it published."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier, Lock
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

import redis
from django.db import connections

from astra_site.lib.tenancy import tenant_scope
from tenants.config_service.config import Config
from tenants.config_service.reader import ConfigReader
from tenants.config_service.service import load_config
from tenants.models import ConfigVersion, Tenant
from tests.factories.tenants import ConfigVersionFactory

_Result = TypeVar("_Result")
DEADLINE_S = 60.0


def publish(council: Tenant, word: str) -> ConfigVersion:
    """Publish a version that is told from others by a hotword."""
    version: ConfigVersion = ConfigVersionFactory(tenant=council, hotwords=[word])
    return version


def word_of(config: Config) -> str:
    """Tell which version it is by its content."""
    return str(config.content["hotwords"][0])


@dataclass
class Database:
    """PostgreSQL, with every visit counted; `before` is called on each one."""

    visits: int = 0
    before: Callable[[], object] = lambda: None
    _lock: Lock = field(default_factory=Lock)

    def load(self, tenant_id: UUID, version: int | None) -> Config:
        with self._lock:
            self.visits += 1
        self.before()
        return load_config(tenant_id, version)


def in_scope(tenant_id: UUID, work: Callable[[], _Result]) -> _Result:
    """Work in the council's scope, and give the thread's connection back."""
    try:
        with tenant_scope(tenant_id):
            return work()
    finally:
        connections.close_all()


def at_once(count: int, work: Callable[[int], _Result]) -> list[_Result]:
    """Do the same in many threads that begin together; each is given its number."""
    together = Barrier(count)

    def one(number: int) -> _Result:
        together.wait(DEADLINE_S)
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count), timeout=DEADLINE_S))


def read(reader: ConfigReader, council: Tenant, version: int | None = None) -> Config:
    """Read in the council's scope."""
    with tenant_scope(council.id):
        return reader.read(council.id, version)


def forget_all(reader: ConfigReader) -> None:
    """Empty its memory, as that of a process that has just started."""
    reader.here.__init__()  # type: ignore[misc]  # begin anew


def seconds(work: Callable[[], Any]) -> float:
    """Return how long something takes."""
    began_s = monotonic()
    work()
    return monotonic() - began_s


def keys_of(client: redis.Redis, council: Tenant, name: str = "*") -> list[str]:
    """Return what Redis holds of a council's configuration."""
    keys: Any = client.keys(f"{{config:{council.id}}}:{name}")
    return sorted(key.decode() if isinstance(key, bytes) else key for key in keys)
