"""The servers that clients talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.realtime.live_server import LiveServer
from tests.realtime.live_server import serving as serving_sockets
from tests.rpc.serving import Serving, serving


@pytest.fixture
def server(transactional_db: None) -> Iterator[Serving]:
    """A gRPC server."""
    with serving() as running:
        yield running


@pytest.fixture
def sockets(transactional_db: None) -> Iterator[LiveServer]:
    """The web process, which serves WebSockets."""
    with serving_sockets() as running:
        yield running
