"""How often somebody who has shown no token yet may ask: for a token, or to be sent to the identity provider."""

from __future__ import annotations

import math
from functools import cache
from typing import Final

from django.http import HttpRequest

from astra_site.lib.errors import RateLimited
from astra_site.lib.redis_client import redis_client
from astra_site.lib.token_bucket import Bucket, TokenBuckets

UNKNOWN_ADDRESS: Final = "local"


@cache
def stranger_buckets() -> TokenBuckets:
    """Return the buckets of this process."""
    return TokenBuckets(redis_client)


def address_of(request: HttpRequest) -> str:
    """Return where a request comes from, as far as the server knows."""
    return str(request.META.get("REMOTE_ADDR") or UNKNOWN_ADDRESS)


def check_rate(what: str, address: str, *, rate_per_s: float, burst: int) -> None:
    """Count one call of this kind from an address; raise `RateLimited` (`rate_limited`) when there were too many.

    By address too, so that nobody shuts another one out by asking in the other one's name.
    """
    bucket = Bucket(f"astra:rate:{{{what}:{address}}}", rate_per_s, burst)
    wait_s = stranger_buckets().wait_s(bucket)
    if wait_s > 0:
        raise RateLimited(
            "rate_limited", "Too many of these calls: wait a moment.", details={"retry_after_s": math.ceil(wait_s)}
        )
    stranger_buckets().take(bucket)
