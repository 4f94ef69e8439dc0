"""Fixtures of every test: the database, two councils and their people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import cast

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from astra_site.embedded import EmbeddedServices
from astra_site.lib.owner_connection import in_place_of_the_application, owner_connection
from astra_site.lib.redis_client import redis_client
from astra_site.lib.scoped_postgresql.base import DatabaseWrapper
from astra_site.lib.threads import give_connections_back
from tenants.models import Tenant
from tests.custody_flush import flush_as_owner
from tests.factories.sessions import CouncilFactory
from tests.people import Person

pytest_plugins = ["tests.running_stack", "tests.session_redis"]


@pytest.fixture(scope="session")
def database_owner(services: EmbeddedServices) -> DatabaseWrapper:
    """The owner of the test database, who creates it, empties it and drops it. The tests are the application."""
    return owner_connection()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, database_owner: DatabaseWrapper
) -> ExitStack:
    """Let the owner stand in for the application until the database is there."""
    owning = ExitStack()
    owning.enter_context(in_place_of_the_application(database_owner))
    return owning


@pytest.fixture(scope="session")
def django_db_setup(django_db_modify_db_settings: ExitStack, django_db_setup: None) -> Iterator[None]:
    """Be the application once pytest-django has created the test database; let go of it before it is dropped."""
    django_db_modify_db_settings.close()
    yield
    give_connections_back()
    application = cast(DatabaseWrapper, connections[DEFAULT_DB_ALIAS])
    application.close()
    application.close_pool()


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
def _the_owner_empties_the_tables(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let Django empty the tables between transactional tests, which the application can't."""
    with flush_as_owner(lambda: cast(DatabaseWrapper, request.getfixturevalue("database_owner"))):
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
