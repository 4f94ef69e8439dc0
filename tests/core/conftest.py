"""A session whose CORE is remote, and may be told to misbehave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from sessions_app.core import choice
from sessions_app.core.guarded import GuardedCore
from sessions_app.core.remote import RemoteCoreClient
from tests.core.faults import DEADLINE_S
from tests.doubles.misbehaving_core import Core
from tests.people import Person
from tests.sessions.minutes_client import Minutes


@pytest.fixture
def core() -> Iterator[Core]:
    """A remote CORE on loopback."""
    with Core().running() as running:
        yield running


@pytest.fixture
def remote(core: Core, settings: Settings) -> Iterator[Core]:
    """The same, as the one that this installation asks."""
    settings.CORE_URL = core.url
    settings.CORE_TIMEOUT_S = DEADLINE_S
    settings.CORE_MAX_ANSWER_BYTES = 100_000
    yield core
    close_core()


def close_core() -> None:
    """Close the connections of the client in use, and forget it."""
    client = choice.core_client()
    assert isinstance(client, GuardedCore)
    assert isinstance(client.client, RemoteCoreClient)
    client.client.close()
    choice.remote_core.cache_clear()


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    """A live session."""
    return Minutes.start(alice, mode="realtime")
