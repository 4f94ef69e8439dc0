"""A broker that doubles, delays, reorders and loses the messages of the product, as long as it is told to.

Every process of a chaos stack uses it (`tests.chaos.settings`). Whether it is in disorder stands in a file that the
suite writes and removes; without the file it is Dramatiq's own broker. Delays are drawn for each copy, so that later
messages overtake earlier ones.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError

FILE_VARIABLE = "ASTRA_CHAOS_DISORDER"


@dataclass(frozen=True, slots=True)
class Disorder:
    """What happens to each message: it becomes `copies`, each late by up to `latest_ms`, each lost with a chance."""

    copies: int = 2
    latest_ms: int = 1_500
    lost: float = 0.0

    def begin(self, path: Path) -> None:
        """Tell every broker that looks at this file."""
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(asdict(self)))
        unfinished.replace(path)


def disorder_now() -> Disorder | None:
    """Return the disorder that the file asks for; None while there is none."""
    try:
        return Disorder(**json.loads(Path(os.environ[FILE_VARIABLE]).read_text()))
    except (FileNotFoundError, KeyError):
        return None


class DisorderlyBroker(RedisBroker):
    """Dramatiq's Redis broker, with bad post in between.

    Copies wait in the process that sends them and die with it. Dramatiq's own delayed queues are not used: the product
    doesn't use them either, and their consumer dies for good when Redis goes away at the wrong moment.
    """

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Enqueue the copies that the disorder makes of a message."""
        disorder = disorder_now()
        if disorder is None:
            return super().enqueue(message, delay=delay)
        for _ in range(disorder.copies):
            if random.random() >= disorder.lost:
                late_s = random.uniform(0, disorder.latest_ms / 1000)
                timer = threading.Timer(late_s, _deliver, [message.copy(message_id=str(uuid4()))])
                timer.daemon = True
                timer.start()
        return message


def _deliver(copy: dramatiq.Message[Any]) -> None:
    """Send a copy by the process's own broker: the one that was asked may gather for a pipeline that is over by now."""
    broker = dramatiq.get_broker()
    assert isinstance(broker, RedisBroker)
    with contextlib.suppress(RedisError):  # lost with the rest
        RedisBroker.enqueue(broker, copy)
