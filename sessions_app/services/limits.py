"""How much a session and a council may send, and when the workers are too far behind to take more.

Both answer `429` and when to come back; the input is not refused for good. An outage of Redis lifts the rates, and how
far the workers are behind is asked of the database: an emptied Redis changes nothing.
"""

from __future__ import annotations

import math
import threading
from functools import cache, lru_cache
from time import monotonic
from uuid import UUID

from django.conf import settings

from astra_site.lib.errors import RateLimited
from astra_site.lib.redis_client import redis_client
from astra_site.lib.token_bucket import Bucket, TokenBuckets
from jobs.services import Backlog, backlog

__all__ = ["Backlog", "backlog", "check_pressure", "check_rate", "count_input", "pressure", "rate_buckets"]

LIVE_QUEUE = "realtime"
_LOOK_AGAIN_S = 1.0
_BEHIND_RETRY_S = 10


@cache
def rate_buckets() -> TokenBuckets:
    """Return the buckets of this process."""
    return TokenBuckets(redis_client)


def buckets_of(tenant_id: UUID, session_id: UUID) -> tuple[Bucket, Bucket]:
    """Return the buckets of a session and of its council.

    A session's is named after the caller's council too: an outsider who guesses a session's id empties his own.
    """
    of_session, of_tenant = _names_of(tenant_id, session_id)
    return (
        Bucket(of_session, settings.SESSION_RATE_PER_S, settings.SESSION_RATE_BURST),
        Bucket(of_tenant, settings.TENANT_RATE_PER_S, settings.TENANT_RATE_BURST),
    )


@lru_cache(maxsize=4096)
def _names_of(tenant_id: UUID, session_id: UUID) -> tuple[str, str]:
    return f"astra:rate:{{session:{tenant_id}:{session_id}}}", f"astra:rate:{{tenant:{tenant_id}}}"


def check_rate(tenant_id: UUID, session_id: UUID) -> None:
    """Raise `RateLimited` (`rate_limited`) while a session or its council has sent more than it may; never blocks."""
    wait_s = rate_buckets().wait_s(*buckets_of(tenant_id, session_id))
    if wait_s > 0:
        raise RateLimited(
            "rate_limited",
            "This session, or all of its council, sends more than it may: send the same again later.",
            details={"retry_after_s": math.ceil(wait_s)},
        )


def count_input(tenant_id: UUID, session_id: UUID) -> None:
    """Count one input that came, new or repeated, towards the rates."""
    rate_buckets().take(*buckets_of(tenant_id, session_id))


class Pressure:
    """Whether the workers are behind, looked up once a second at most, with a way back that is longer than the way in.

    Behind from the limits on (how many live inputs wait, for how long the oldest has waited), and no more from half of
    both: so it does not change with every input.
    """

    def __init__(self) -> None:
        """Start as not behind, and look at the first question."""
        self._lock = threading.Lock()
        self._looked_at_s = -math.inf
        self._is_behind = False

    def is_behind(self) -> bool:
        """Say whether the workers are behind. One caller a second asks the database, the others don't wait for it."""
        if not settings.BACKLOG_INPUTS and not settings.BACKLOG_AGE_S:
            return False
        if monotonic() - self._looked_at_s > _LOOK_AGAIN_S and self._lock.acquire(blocking=False):
            try:
                self._is_behind = self._judge(backlog(LIVE_QUEUE, at_most=settings.BACKLOG_INPUTS + 1))
                self._looked_at_s = monotonic()
            finally:
                self._lock.release()
        return self._is_behind

    def look_again(self) -> None:
        """Let the next question ask the database."""
        self._looked_at_s = -math.inf

    def _judge(self, now: Backlog) -> bool:
        share = 0.5 if self._is_behind else 1.0
        too_many = settings.BACKLOG_INPUTS and now.count > settings.BACKLOG_INPUTS * share
        too_old = settings.BACKLOG_AGE_S and now.oldest_s > settings.BACKLOG_AGE_S * share
        return bool(too_many or too_old)


pressure = Pressure()


def check_pressure() -> None:
    """Raise `RateLimited` (`workers_behind`) while the workers have more to do than new inputs should wait for."""
    if pressure.is_behind():
        raise RateLimited(
            "workers_behind",
            "The workers are behind: keep this input and send it again later. Nothing that was accepted is lost.",
            details={"retry_after_s": _BEHIND_RETRY_S},
        )
