"""A Redis of its own for each test, which it may kill, and readers that stand for processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from pytest_django import Settings

from astra_site.embedded import RedisServer
from tenants.config_service import service
from tenants.config_service.reader import ConfigReader
from tests.config_service.ground import Database

NewReader = Callable[..., ConfigReader]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that nobody else uses."""
    server = RedisServer(tmp_path / "redis", aof=False, bound=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    """Redis as the test itself sees it."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        yield client


@pytest.fixture
def database() -> Database:
    """PostgreSQL, counted."""
    return Database()


@pytest.fixture
def new_reader(server: RedisServer, database: Database) -> Iterator[NewReader]:
    """Make a reader with empty memory, as a process that has just started; at another address if told."""
    made: list[ConfigReader] = []

    def new(url: str = "") -> ConfigReader:
        made.append(ConfigReader.at(url or server.url, database.load))
        return made[-1]

    yield new
    server.stop()  # so that nobody listens on
    for reader in made:
        reader.news.close()


@pytest.fixture
def own_reader(server: RedisServer, settings: Settings) -> Iterator[ConfigReader]:
    """The reader of this process, which publications and the edges use, at the test's own Redis."""
    settings.REDIS_URL = server.url
    reader = service.config_reader()
    yield reader
    server.stop()  # so that nobody listens on
    reader.news.close()
    service._reader_at.cache_clear()
