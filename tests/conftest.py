"""Fixtures of every test: the database, three councils' people, tokens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astra_site.embedded import EmbeddedServices
from astra_site.lib.redis_client import redis_client
from tests.custody_flush import flush_past_custody_triggers


@pytest.fixture(scope="session")
def django_db_setup(services: EmbeddedServices, django_db_setup: None) -> None:
    """Start the servers before pytest-django creates the test database."""


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
