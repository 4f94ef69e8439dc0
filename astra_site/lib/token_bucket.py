"""Token buckets in Redis, shared by all processes, asked behind the answer and obeyed from memory.

A caller is let through or refused by what this process last heard of its bucket: nothing waits for Redis, and without
Redis nothing is refused. What passed is taken out of the bucket a moment later, together with others, and the bucket
answers for how long it is empty. So a process may let a few more through than there are tokens; they are owed, and the
wait is as much longer.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

import redis
from redis.exceptions import RedisError

from astra_site.lib.behind import Behind

logger = logging.getLogger(__name__)

_MOST_REMEMBERED = 10_000

# KEYS bucket. ARGV: tokens per second, tokens at most, tokens taken → ms until there is one again, 0 when there is one.
# One key per call, so that it runs on a cluster whatever the name. Debt is bounded: nobody waits for longer than it
# takes to fill an empty bucket.
TAKE = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local rate, most, taken = tonumber(ARGV[1]) / 1000, tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = most
if kept[1] then tokens = math.min(most, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * rate) end
tokens = math.max(tokens - taken, 1 - most)
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil((most - tokens) / rate) + 1000)
if tokens >= 1 then return 0 end
return math.ceil((1 - tokens) / rate)
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket: its name in Redis, tokens per second, and how many it holds. A rate of 0 limits nothing."""

    name: str
    rate_per_s: float
    burst: int


class TokenBuckets:
    """The buckets of this process.

    Args:
        client: returns the Redis client, with timeouts; asked anew each time.
    """

    def __init__(self, client: Callable[[], redis.Redis]) -> None:
        self._client = client
        self._empty_until_s: dict[str, float] = {}
        self._behind = Behind("astra-rates", self._take_all, (RedisError, OSError))

    def wait_s(self, *buckets: Bucket) -> float:
        """Return for how long the emptiest of the buckets has no token, as far as this process knows; never blocks."""
        now_s = monotonic()
        return max(
            self._empty_until_s.get(bucket.name, 0.0) - now_s if bucket.rate_per_s else 0.0 for bucket in buckets
        )

    def take(self, *buckets: Bucket) -> None:
        """Take a token out of each of the buckets soon."""
        for bucket in buckets:
            if bucket.rate_per_s:
                self._behind.hand_over(bucket)

    def finish(self, within_s: float) -> bool:
        """Wait until everything is taken that was to be taken; False when it takes longer."""
        return self._behind.finish(within_s)

    def forget(self) -> None:
        """Forget what was heard of the buckets."""
        self._empty_until_s.clear()

    def _take_all(self, taken: list[Bucket]) -> None:
        counts = Counter(taken)
        with self._client().pipeline(transaction=False) as pipeline:
            for bucket, count in counts.items():
                pipeline.eval(TAKE, 1, bucket.name, str(bucket.rate_per_s), str(bucket.burst), str(count))
            waits_ms: list[Any] = pipeline.execute()
        now_s = monotonic()
        if len(self._empty_until_s) > _MOST_REMEMBERED:
            self._empty_until_s = {name: until_s for name, until_s in self._empty_until_s.items() if until_s > now_s}
        for bucket, wait_ms in zip(counts, waits_ms, strict=True):
            if wait_ms:
                self._empty_until_s[bucket.name] = now_s + int(wait_ms) / 1000
            else:
                self._empty_until_s.pop(bucket.name, None)
