"""A circuit breaker that all processes of an installation share through Redis (docs/adr/0009-core-breaker.md).

Closed: calls go through, failures in a row are counted. Open: calls fail at once. Half-open, after the cool-down:
exactly one call at a time goes through as a probe, under a lease; its success closes the breaker, its failure opens it
for another cool-down. Without Redis every call goes through: the breaker saves time, nothing depends on it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import cast
from uuid import uuid4

import redis
from redis.exceptions import RedisError

from sessions_app.core.errors import CoreBreakerOpen

logger = logging.getLogger(__name__)

# One hash: `failures` in a row; once open, `open_until`; while a probe is out, `probe` (its token) and `probe_until`.
# Times are the Redis server's own, in ms. ARGV: token, probe lease (ms), memory (ms) → {verdict, ms to wait}
_ADMIT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local open_until = tonumber(redis.call('HGET', KEYS[1], 'open_until') or '')
if not open_until then return {'closed', 0} end
local probe_until = tonumber(redis.call('HGET', KEYS[1], 'probe_until') or '0')
local busy_until = math.max(open_until, probe_until)
if now < busy_until then return {'open', busy_until - now} end
redis.call('HSET', KEYS[1], 'probe', ARGV[1], 'probe_until', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'probe', 0}
"""

# ARGV: token, outcome, failures that open, cool-down (ms), memory (ms) → what changed: opened, closed, or nothing.
# A call that began before the breaker opened says nothing about now, nor does a probe that overstayed its lease.
_SETTLE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local changed = ''
if redis.call('HGET', KEYS[1], 'probe') == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'probe', 'probe_until')
  if ARGV[2] == 'success' then redis.call('DEL', KEYS[1]) changed = 'closed'
  elseif ARGV[2] == 'failure' then redis.call('HSET', KEYS[1], 'open_until', now + ARGV[4]) changed = 'opened' end
elseif redis.call('HEXISTS', KEYS[1], 'open_until') == 0 then
  if ARGV[2] == 'success' then redis.call('DEL', KEYS[1])
  elseif ARGV[2] == 'failure' and redis.call('HINCRBY', KEYS[1], 'failures', 1) >= tonumber(ARGV[3]) then
    redis.call('HSET', KEYS[1], 'open_until', now + ARGV[4])
    changed = 'opened'
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return changed
"""


class Outcome(StrEnum):
    """What a call that was let through says about the other side; `NONE` for one that says nothing."""

    SUCCESS = "success"
    FAILURE = "failure"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens and for how long.

    Args:
        failures: failures in a row that open it.
        cool_down_s: how long it stays open before a probe.
        probe_lease_s: a probe that said nothing for so long is taken for dead; longer than any call.
    """

    failures: int = 5
    cool_down_s: float = 30.0
    probe_lease_s: float = 10.0

    @property
    def memory_ms(self) -> int:
        """Time after which a breaker that nobody asked is forgotten, and thus closed."""
        return int(max(self.cool_down_s, self.probe_lease_s) * 1000) + 600_000


class CircuitBreaker:
    """The breaker of one name. Holds nothing itself: any number of objects in any number of processes are one."""

    def __init__(self, client: Callable[[], redis.Redis], name: str, policy: BreakerPolicy) -> None:
        """Bind to a name; `client` is asked for the connection at each call."""
        self._client = client
        self._key = f"breaker:{{{name}}}"
        self._policy = policy

    def admit(self) -> str:
        """Let one call through and return the token with which to `settle` it; raise `CoreBreakerOpen`."""
        token = uuid4().hex
        arguments: list[str | int] = [token, int(self._policy.probe_lease_s * 1000), self._policy.memory_ms]
        try:
            verdict, wait_ms = cast("list[str]", self._run(_ADMIT, arguments))
        except RedisError as error:
            logger.warning("The breaker is out of order and lets the call through: %s", error)
            return ""
        if verdict == "open":
            raise CoreBreakerOpen(int(wait_ms) / 1000)
        return token

    def settle(self, token: str, outcome: Outcome) -> None:
        """Say how a call that was let through ended. Never raises for Redis."""
        if not token:
            return
        policy = self._policy
        cool_down_ms = int(policy.cool_down_s * 1000)
        arguments: list[str | int] = [token, str(outcome), policy.failures, cool_down_ms, policy.memory_ms]
        try:
            changed = self._run(_SETTLE, arguments)
        except RedisError as error:
            logger.warning("The breaker did not hear how a call ended: %s", error)
            return
        if changed:
            logger.warning("The breaker has %s.", changed, extra={"breaker": self._key})

    def _run(self, script: str, arguments: list[str | int]) -> object:
        return self._client().register_script(script)(keys=[self._key], args=arguments)
