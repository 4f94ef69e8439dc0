"""The Redis of sessions in its two forms: the server of the run, and a cluster of three masters."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings
from redis.cluster import RedisCluster
from redis.crc import key_slot

from astra_site.embedded import EmbeddedServices, RedisClusterServers
from astra_site.lib.redis_client import SessionRedis, session_redis
from sessions_app.buffer.keys import BufferKeys


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisClusterServers]:
    """Three masters on loopback ports, formed once for all tests."""
    with RedisClusterServers(tmp_path_factory.mktemp("redis-cluster"), bound=True) as running:
        yield running


@pytest.fixture
def on_cluster(redis_cluster: RedisClusterServers, settings: Settings) -> RedisCluster:
    """Sessions live in the cluster during this test."""
    settings.SESSION_REDIS_URL = redis_cluster.url
    client = session_redis()
    assert isinstance(client, RedisCluster)
    return client


@pytest.fixture(params=["standalone", "cluster"])
def session_client(request: pytest.FixtureRequest, services: EmbeddedServices) -> SessionRedis:
    """A client of each form: what holds for one has to hold for the other."""
    if request.param == "cluster":
        client: SessionRedis = request.getfixturevalue("on_cluster")
        return client
    return session_redis()


def session_on(node: int, masters: int = 3) -> UUID:
    """Return the id of a session that the cluster keeps on one of its nodes."""
    while True:
        session_id = uuid4()
        if key_slot(BufferKeys.of(session_id).meta.encode()) * masters // 16384 == node:
            return session_id
