"""The servers that clients talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rpc.serving import Serving, serving


@pytest.fixture
def server(transactional_db: None) -> Iterator[Serving]:
    """A gRPC server."""
    with serving() as running:
        yield running
