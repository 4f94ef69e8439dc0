"""Tests empty their databases: they never do it to those that a shell has exported for a running product."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from demo.stack import ROOT

FOREIGN = {
    "DATABASE_URL": "postgresql://astra@db.example/astra",
    "DATABASE_OWNER_URL": "postgresql://astra_owner@db.example/astra",
    "REDIS_URL": "redis://redis.example:6379/0",
    "OBJECT_STORE_URL": "file:///srv/astra/objects",
    "ASTRA_DATA_DIR": "/srv/astra",
    "ASTRA_PUBLIC_URL": "https://astra.example",
}
PROBE = """
import json, os
from tests import services_plugin
print(json.dumps({name: os.environ.get(name) for name in %r}))
services_plugin.pytest_unconfigure()
"""


def environment_of_tests(**exported: str) -> dict[str, str | None]:
    """What tests see in a shell with these variables."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE % sorted(FOREIGN)],
        cwd=ROOT,
        env={**os.environ, **FOREIGN, **exported},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    seen: dict[str, str | None] = json.loads(done.stdout)
    return seen


def test_exported_addresses_are_ignored() -> None:
    seen = environment_of_tests()
    assert not set(seen.values()) & set(FOREIGN.values())
    assert seen["OBJECT_STORE_URL"] is None
    assert "astra-test-" in str(seen["DATABASE_URL"])
    assert "astra-test-" in str(seen["DATABASE_OWNER_URL"])
    assert "astra-test-" in str(seen["REDIS_URL"])
    assert "astra-test-" in str(seen["ASTRA_DATA_DIR"])


def test_servers_for_tests_can_be_chosen_on_purpose() -> None:
    chosen = {
        "ASTRA_TEST_DATABASE_URL": "postgresql:///only_tests",
        "ASTRA_TEST_DATABASE_OWNER_URL": "postgresql://owner@/only_tests",
        "ASTRA_TEST_REDIS_URL": "redis://127.0.0.1:1/9",
    }
    seen = environment_of_tests(**chosen)
    assert (seen["DATABASE_URL"], seen["DATABASE_OWNER_URL"], seen["REDIS_URL"]) == tuple(chosen.values())
