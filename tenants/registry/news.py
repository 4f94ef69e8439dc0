"""Telling of a new model through Redis: a flag for the council's next session, and an event for whoever listens.

Both may be lost without harm: sessions pin what the registry in PostgreSQL says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from redis.exceptions import ResponseError

from astra_site.lib.errors import Unavailable
from astra_site.lib.quick_redis import quick_redis

EVENT: Final = "MODEL_UPDATED"
"""The channel of the event: `{"tenant_id", "engine", "model", "adapter", "adapter_sha256", "revision"}` as JSON."""
_TELL: Final = "redis.call('SET', KEYS[1], ARGV[1]); redis.call('PUBLISH', ARGV[2], ARGV[3])"


def flag_key(tenant_id: UUID) -> str:
    """Return the key of a council's flag; its value is the revision."""
    return f"NEW_MODEL_AVAILABLE:{tenant_id}"


def tell(tenant_id: UUID, pin: Mapping[str, Any]) -> bool:
    """Raise the flag and publish the event, in one step; False when Redis does not answer."""
    event = json.dumps({"tenant_id": str(tenant_id), **pin})
    try:
        quick_redis().call(
            lambda client: client.eval(_TELL, 1, flag_key(tenant_id), str(pin["revision"]), EVENT, event)
        )
    except (Unavailable, ResponseError):
        return False
    return True


def take_flag(tenant_id: UUID) -> bool:
    """Take the flag down and say whether it was up: of all who ask at once, one is told so. False without Redis."""
    try:
        return quick_redis().call(lambda client: client.getdel(flag_key(tenant_id))) is not None
    except (Unavailable, ResponseError):
        return False
