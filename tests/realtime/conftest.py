"""A live server for the tests of sockets, which need the transactional database: it has connections of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astra_site.embedded import EmbeddedServices
from tests.realtime.live_server import LiveServer, serving
from tests.realtime.waiting import nothing_is_open, wait_for_threads, wait_until


@pytest.fixture(scope="package")
def live(services: EmbeddedServices, django_db_setup: None) -> Iterator[LiveServer]:
    """One server for all tests of the package; settings are read per connection, so tests may change them."""
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_is_in_work_when_the_database_is_emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """A call goes on in its thread when its socket is gone: wait until every thread is free."""
    if request.node.get_closest_marker("django_db") is None:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    wait_until(nothing_is_open)
    wait_for_threads()
