"""A gRPC server and its clients."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from tests.people import Person
from tests.rpc.serving import Rpc, Serving, serving


@pytest.fixture
def server(transactional_db: None) -> Iterator[Serving]:
    """A server that answers."""
    with serving() as running:
        yield running


@pytest.fixture
def channel(server: Serving) -> Iterator[grpc.Channel]:
    """A connection to the server."""
    with grpc.insecure_channel(server.target) as opened:
        yield opened


@pytest.fixture
def rpc(channel: grpc.Channel, alice: Person) -> Rpc:
    """Alice's client app."""
    return Rpc(channel, alice.token())
