"""Health: alive without asking anybody, ready only when everybody answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from astra_site import health
from astra_site.embedded import RedisClusterServers
from astra_site.lib.redis_client import redis_client


@pytest.fixture
def fresh_redis_client() -> Iterator[None]:
    redis_client.cache_clear()
    yield
    redis_client().close()
    redis_client.cache_clear()


def test_live_asks_nobody() -> None:
    answer = Client().get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db(transaction=True)
def test_ready_names_each_dependency_with_its_latency() -> None:
    answer = Client().get("/health/ready")
    assert answer.status_code == 200
    assert set(answer.json()["checks"]) == {"postgres", "redis", "object_store"}
    for check in answer.json()["checks"].values():
        assert check["status"] == "ok"
        assert 0 <= check["latency_ms"] < 10_000


@pytest.mark.django_db(transaction=True)
def test_not_ready_without_redis(settings: Settings, fresh_redis_client: None) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.cache_clear()
    answer = Client().get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    statuses = {name: check["status"] for name, check in answer.json()["checks"].items()}
    assert statuses == {"postgres": "ok", "redis": "unavailable", "object_store": "ok"}


@pytest.mark.django_db(transaction=True)
def test_a_session_redis_of_its_own_is_asked_too(settings: Settings, redis_cluster: RedisClusterServers) -> None:
    settings.SESSION_REDIS_URL = redis_cluster.url
    assert Client().get("/health/ready").json()["checks"]["session_redis"]["status"] == "ok"
    settings.SESSION_REDIS_URL = "redis+cluster://127.0.0.1:1,127.0.0.1:2"
    answer = Client().get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["session_redis"]["status"]) == (503, "unavailable")


@pytest.mark.django_db(transaction=True)
def test_not_ready_without_an_object_store(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.OBJECT_STORE_URL = f"file://{tmp_path / 'file'}"
    answer = Client().get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["object_store"]["status"] == "unavailable"


@pytest.mark.django_db(transaction=True)
def test_not_ready_without_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setitem(health.CHECKS, "postgres", refuse)
    answer = Client().get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["postgres"]["status"] == "unavailable"
    assert "refused" not in answer.content.decode()
