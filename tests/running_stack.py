"""The whole product, running as a newcomer's `make serve` runs it, once for all tests that want it over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from demo.client import Client
from demo.stack import COUNCIL_SLUG, Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL, Redis, web, worker and sweeper with short leases, so that recovery takes seconds."""
    around = {**without_servers(), "ASTRA_JOB_LEASE_S": "4", "ASTRA_JOB_RESEND_AFTER_S": "2"}
    with Stack(tmp_path_factory.mktemp("stack"), around=around) as running:
        running.start(lambda line: None)
        yield running


def without_servers() -> dict[str, str]:
    """Return the environment of this run without its servers, so that a stack starts its own."""
    own = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if name not in own}


@pytest.fixture(scope="session")
def stack_client(stack: Stack) -> Iterator[Client]:
    """A client app of the stack's council."""
    with Client(stack.url, stack.manage("issue_dev_token", COUNCIL_SLUG)) as opened:
        yield opened
