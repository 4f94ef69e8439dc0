"""Where no server exists for the platform, the message says what to do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from astra_site.embedded import EmbeddedServerMissing, PostgresServer, RedisServer


@pytest.fixture(autouse=True)
def _platform_without_binaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", "")


def test_without_redis_the_message_names_the_ways_out(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerMissing, match=r"apt install redis-server.*REDIS_URL") as caught:
        RedisServer(tmp_path / "redis").start()
    assert caught.value.code == "embedded_redis_missing"


def test_without_postgres_the_message_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerMissing, match="DATABASE_URL") as caught:
        PostgresServer(tmp_path / "postgres").start()
    assert caught.value.code == "embedded_postgres_missing"
