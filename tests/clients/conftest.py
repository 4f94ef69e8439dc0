"""The servers that clients talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astra_site.embedded import EmbeddedServices
from tests.realtime.live_server import LiveServer
from tests.realtime.live_server import serving as serving_web
from tests.rpc.serving import Serving, serving


@pytest.fixture
def server(transactional_db: None) -> Iterator[Serving]:
    """A gRPC server."""
    with serving() as running:
        yield running


@pytest.fixture(scope="package")
def web(services: EmbeddedServices, django_db_setup: None) -> Iterator[LiveServer]:
    """A web server, as it runs in production, for all tests of the package."""
    with serving_web() as running:
        yield running
