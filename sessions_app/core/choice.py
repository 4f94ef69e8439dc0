"""Which CORE this installation asks: the one in this process, or the one at `ASTRA_CORE_URL`."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from astra_site.lib.hashing import Sha256
from astra_site.lib.redis_client import redis_client
from sessions_app.core.breaker import BreakerPolicy, CircuitBreaker
from sessions_app.core.guarded import GuardedCore
from sessions_app.core.remote import RemoteCoreClient
from sessions_app.understanding.client import CoreClient, EmbeddedCoreClient

_PROBE_SPARE_S = 5.0


def core_client() -> CoreClient:
    """Return the client of CORE that the settings name; the same object as long as they stay the same."""
    if not settings.CORE_URL:
        return embedded_core()
    return remote_core(
        settings.CORE_URL,
        settings.CORE_TOKEN,
        settings.CORE_TIMEOUT_S,
        settings.CORE_MAX_ANSWER_BYTES,
        settings.CORE_BREAKER_FAILURES,
        settings.CORE_BREAKER_COOL_DOWN_S,
    )


@cache
def embedded_core() -> CoreClient:
    """Return the engine of this process. It has no breaker: there is nobody to be spared."""
    return EmbeddedCoreClient()


@cache
def remote_core(
    url: str, token: str, timeout_s: float, max_answer_bytes: int, failures: int, cool_down_s: float
) -> CoreClient:
    """Return a client of a remote CORE behind the breaker of its address."""
    policy = BreakerPolicy(failures, cool_down_s, probe_lease_s=timeout_s + _PROBE_SPARE_S)
    breaker = CircuitBreaker(redis_client, f"core-{Sha256.of(url.encode()).hex[:12]}", policy)
    client = RemoteCoreClient(url, token=token, timeout_s=timeout_s, max_answer_bytes=max_answer_bytes)
    return GuardedCore(client, breaker)
