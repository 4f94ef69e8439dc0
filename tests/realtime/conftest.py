"""A live server for the tests of sockets, which need the transactional database: it has connections of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astra_site.embedded import EmbeddedServices
from tests.realtime.live_server import LiveServer, serving


@pytest.fixture(scope="package")
def live(services: EmbeddedServices, django_db_setup: None) -> Iterator[LiveServer]:
    """One server for all tests of the package; settings are read per connection, so tests may change them."""
    with serving() as running:
        yield running
