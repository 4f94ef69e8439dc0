"""Redis for what can be had elsewhere: every call is short, and a Redis that failed is left alone for a moment.

`redis_client()` may wait for seconds, which is right where Redis is needed. A cache that keeps its reader waiting
longer than the source would is none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from time import monotonic
from typing import Final, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from astra_site.lib.errors import Unavailable

logger = logging.getLogger(__name__)

STEP_TIMEOUT_S: Final = 0.25
"""The longest for connecting, and for an answer: a call takes twice this at most."""
REST_S: Final = 1.0
"""How long nobody asks after a call that failed."""

_Result = TypeVar("_Result")


class QuickRedis:
    """Short calls to the Redis at an address. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Remember the address; nothing is opened yet."""
        self.url = url
        self._resting_until_s = 0.0
        # Nothing is said or asked when a connection opens: each of it would be one more wait.
        self._client = redis.Redis.from_url(
            url,
            socket_connect_timeout=STEP_TIMEOUT_S,
            socket_timeout=STEP_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            lib_name=None,
            lib_version=None,
        )

    def call(self, work: Callable[[redis.Redis], _Result]) -> _Result:
        """Return what one command or script answers (text as bytes).

        Raises `Unavailable` (`redis_unavailable`): there was no answer in time, or there was none a moment ago; and
        redis-py's `ResponseError` where Redis answers that it can't do this.
        """
        if monotonic() < self._resting_until_s:
            raise _silent()
        try:
            return work(self._client)
        except ResponseError:
            raise
        except RedisError as error:
            if monotonic() >= self._resting_until_s:
                logger.warning("Redis is left alone for %.0f s: %s", REST_S, error)
            self._resting_until_s = monotonic() + REST_S
            self._client.connection_pool.disconnect(inuse_connections=False)
            raise _silent() from error


def _silent() -> Unavailable:
    return Unavailable("redis_unavailable", "Redis does not answer; nothing is lost. Try again.")


def quick_redis() -> QuickRedis:
    """Return the one of this process for `REDIS_URL`."""
    return _at(settings.REDIS_URL)


@cache
def _at(url: str) -> QuickRedis:
    return QuickRedis(url)
