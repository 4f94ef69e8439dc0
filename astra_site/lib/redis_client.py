"""The Redis connections of a process: pooled, with timeouts on every call.

`redis_client()` serves queues, locks and limits. `session_redis()` serves the heat of sessions: the same server, unless
`ASTRA_SESSION_REDIS_URL` names another one or a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

from astra_site.lib.errors import InvalidInput, Unavailable

SessionRedis = redis.Redis | RedisCluster
REDIS_FAILURES = (RedisError, RedisClusterException)
"""What redis-py raises: not everything that its cluster client raises is a `RedisError`."""

_CONNECT_TIMEOUT_S = 1.0
_CALL_TIMEOUT_S = 2.0
_CLUSTER = "+cluster"
_DEFAULT_PORT = 6379


@cache
def redis_client() -> redis.Redis:
    """Return the client of this process for `REDIS_URL`."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        socket_timeout=_CALL_TIMEOUT_S,
        health_check_interval=15,
        decode_responses=True,
    )


def session_redis() -> SessionRedis:
    """Return the client of this process for the heat of sessions: one server or a cluster.

    Raises `Unavailable` (`redis_unavailable`) when no node of a cluster answers the first call, and `InvalidInput`
    (`session_redis_url_invalid`) for an address that is none.
    """
    url: str = settings.SESSION_REDIS_URL
    return _session_client(url) if url else redis_client()


def session_redis_nodes() -> list[str]:
    """Return an address of each known node of the session Redis; a message published at one reaches all."""
    return node_addresses(settings.SESSION_REDIS_URL or settings.REDIS_URL)


def node_addresses(url: str) -> list[str]:
    """Return `redis+cluster://user:password@host:port,host:port` as an address of each node; another one as it is."""
    parts = urlsplit(url)
    if not parts.scheme.endswith(_CLUSTER):
        return [url]
    user, at, hosts = parts.netloc.rpartition("@")
    scheme = parts.scheme.removesuffix(_CLUSTER)
    nodes = [host for host in hosts.split(",") if host]
    if scheme not in ("redis", "rediss") or not nodes:
        raise InvalidInput(
            "session_redis_url_invalid", "A cluster's address is redis+cluster://host:port,host:port (or rediss+…)."
        )
    return [urlunsplit((scheme, f"{user}{at}{host}", "", parts.query, "")) for host in nodes]


@lru_cache(maxsize=4)
def _session_client(url: str) -> SessionRedis:
    """Every script of a session may be run twice, so a connection that broke is replaced and the call made again."""
    again = Retry(NoBackoff(), 1, (RedisConnectionError,))
    nodes = node_addresses(url)
    if nodes == [url]:
        return redis.Redis.from_url(
            url,
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            socket_timeout=_CALL_TIMEOUT_S,
            health_check_interval=15,
            retry=again,
            decode_responses=True,
        )
    parsed = [parse_url(node) for node in nodes]  # type: ignore[no-untyped-call]  # redis-py: untyped
    common = {name: value for name, value in parsed[0].items() if name not in ("host", "port", "connection_class")}
    try:
        return RedisCluster(
            startup_nodes=[_cluster_node(node) for node in parsed],
            ssl=url.startswith("rediss"),
            require_full_coverage=False,
            retry=again,
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            socket_timeout=_CALL_TIMEOUT_S,
            health_check_interval=15,
            decode_responses=True,
            **common,
        )
    except REDIS_FAILURES as error:
        raise Unavailable("redis_unavailable", "No node of the Redis cluster answers; nothing is lost.") from error


def _cluster_node(parsed: Mapping[str, Any]) -> ClusterNode:
    return ClusterNode(parsed["host"], parsed.get("port", _DEFAULT_PORT))  # type: ignore[no-untyped-call]  # redis-py
