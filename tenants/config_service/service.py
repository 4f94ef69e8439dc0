"""`get_config` and what keeps it true. Every transport and every reader of a session's configuration asks here.

PostgreSQL is the truth; memory and Redis only save asking it. What is cached is immutable and found by its hash; only
which version is the newest can be out of date, and whoever may not be wrong about that (a session that starts, a
publication) reads it from PostgreSQL.
"""

from __future__ import annotations

import os
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import transaction

from astra_site.lib.after_commit import after_commit
from astra_site.lib.errors import Forbidden, NotFound
from astra_site.lib.hashing import Sha256, canonical_json
from astra_site.lib.tenancy import all_tenants, current_scope
from tenants.config_service.config import Config, Pointer
from tenants.config_service.reader import ConfigReader
from tenants.errors import ConfigAltered, NothingPublished
from tenants.models import ConfigVersion, Tenant


def get_config(tenant_id: UUID, version: int | None = None) -> Config:
    """Return a published configuration of a tenant: the newest, or the one with this number.

    A version is visible here as soon as it is committed: in the process that published it at once, in others when
    they hear of it; where the news is lost, after 40 s at most. In no process does it go back. Inside a transaction,
    PostgreSQL is asked. A cache that is dead, frozen or slow delays the answer by 1.5 s at most.

    Raises `Forbidden` (`config_of_another_tenant`) outside the open scope, `NotFound` (`tenant_not_found`,
    `config_version_not_found`), `NothingPublished`, and `ConfigAltered` when PostgreSQL holds something else than what
    was published.
    """
    _check_visible(tenant_id)
    if transaction.get_connection().in_atomic_block:
        return load_config(tenant_id, version)
    return config_reader().read(tenant_id, version)


def pinned_config(version_id: UUID) -> Config:
    """Return the version that a session has pinned, by its id.

    The first time a process asks, it is read from PostgreSQL and its hash is checked; from then on it is in memory, and
    neither PostgreSQL nor Redis is asked. Raises `Forbidden` (`config_of_another_tenant`) outside the open scope,
    `ConfigVersion.DoesNotExist`, and `ConfigAltered`.
    """
    here = config_reader().here
    config = here.pinned(version_id)
    if config is None:
        config = _checked(ConfigVersion.objects.get(pk=version_id))
        here.keep_pinned(version_id, config)
    _check_visible(config.pointer.tenant_id)
    return config


def announce(version: ConfigVersion) -> None:
    """Make a version that is being published the newest one everywhere, after the commit."""
    after_commit(_announce, _checked(version))


def _announce(config: Config) -> None:
    config_reader().publish(config)


def load_config(tenant_id: UUID, version: int | None) -> Config:
    """Read a version, or for None the newest, from PostgreSQL. Raises as `get_config` does."""
    versions = ConfigVersion.objects.filter(tenant_id=tenant_id)
    if version is not None:
        versions = versions.filter(number=version)
    found: ConfigVersion | None = versions.order_by("-number").first()
    if found is not None:
        return _checked(found)
    if version is None:
        raise NothingPublished("config_not_published", "This tenant has no published configuration yet.")
    raise NotFound("config_version_not_found", f"This tenant has published no version {version}.")


def config_reader() -> ConfigReader:
    """Return the one of this process for `REDIS_URL`."""
    return _reader_at(settings.REDIS_URL)


@cache
def _reader_at(url: str) -> ConfigReader:
    return ConfigReader.at(url, load_config)


os.register_at_fork(after_in_child=_reader_at.cache_clear)


def _check_visible(tenant_id: UUID) -> None:
    """Look at the scope itself: what is in memory and in Redis is not behind the database's wall."""
    seen = current_scope().tenant_ids
    if seen is None or tenant_id in seen:
        return
    with all_tenants(reason="tell another tenant from a missing one"):
        exists = Tenant.objects.filter(pk=tenant_id).exists()
    if exists:
        raise Forbidden("config_of_another_tenant", "This configuration belongs to another tenant.")
    raise NotFound("tenant_not_found", "There is no tenant with this id.")


def _pointer_of(version: ConfigVersion) -> Pointer:
    return Pointer(version.tenant_id, version.number, Sha256.parse(version.sha256))


def _checked(version: ConfigVersion) -> Config:
    config = Config.checked(_pointer_of(version), canonical_json(version.content))
    if config is None:
        raise ConfigAltered("config_altered", f"Configuration {version} is not what was published: its hash differs.")
    return config
