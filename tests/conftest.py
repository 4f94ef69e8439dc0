"""Fixtures of every test: the database, two councils and their people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astra_site.embedded import EmbeddedServices
from astra_site.lib.redis_client import redis_client
from astra_site.lib.threads import give_connections_back
from tenants.models import Tenant
from tests.custody_flush import flush_past_custody_triggers
from tests.factories.sessions import CouncilFactory
from tests.people import Person

pytest_plugins = ["tests.running_stack", "tests.session_redis"]


@pytest.fixture(scope="session")
def django_db_setup(services: EmbeddedServices, django_db_setup: None) -> Iterator[None]:
    """Start the servers before pytest-django creates the test database, and let go of it before it is dropped."""
    yield
    give_connections_back()


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """Keep the database's name in every process of the run: each has a PostgreSQL of its own."""


@pytest.fixture
def clean_redis(services: EmbeddedServices) -> Iterator[None]:
    """An empty Redis before and after the test."""
    redis_client().flushall()
    yield
    redis_client().flushall()


@pytest.fixture(scope="session", autouse=True)
def _custody_tables_can_be_flushed() -> Iterator[None]:
    """Let Django empty the append-only tables between transactional tests."""
    with flush_past_custody_triggers():
        yield


@pytest.fixture
def council(db: None) -> Tenant:
    """A council with its default skeleton and a published configuration."""
    made: Tenant = CouncilFactory(slug="quibdo", name="Concejo Municipal de Quibdó")
    return made


@pytest.fixture
def alice(council: Tenant) -> Person:
    """A clerk of the council."""
    return Person("alice", council)


@pytest.fixture
def bob(council: Tenant) -> Person:
    """Another clerk of the same council."""
    return Person("bob", council)


@pytest.fixture
def charlie(db: None) -> Person:
    """The outsider: a clerk of another council."""
    other: Tenant = CouncilFactory(slug="tado", name="Concejo Municipal de Tadó")
    return Person("charlie", other)
