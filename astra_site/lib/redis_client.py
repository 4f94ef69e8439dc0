"""The Redis connection of a process: pooled, with timeouts on every call."""

from __future__ import annotations

from functools import cache

import redis
from django.conf import settings

_CONNECT_TIMEOUT_S = 1.0
_CALL_TIMEOUT_S = 2.0


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
