"""Hearing of published versions: one Redis subscription of the process, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import RedisError
from redis.retry import Retry

from tenants.config_service.config import Pointer
from tenants.config_service.shared_cache import CHANNEL

logger = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S: Final = 1.0
_PING_EVERY_S: Final = 1.0
_SILENT_AFTER_S: Final = 3.0
_RECONNECT_S: Final = 1.0


class Announcements:
    """Subscribes with the first `listen` and goes on for as long as the process lives.

    Args:
        url: the address of Redis.
        heard: called with every published version.
        lost: called when the subscription ends: from then on news may be missed, until `is_in_force` again.
    """

    def __init__(self, url: str, heard: Callable[[Pointer], None], lost: Callable[[], None]) -> None:
        """Remember who wants to hear; nothing is opened yet."""
        self.is_in_force = False
        self._is_told = False
        self._url, self._heard, self._lost = url, heard, lost
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self) -> None:
        """See to it that the subscription is being kept. Returns at once."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if (self._thread is None or not self._thread.is_alive()) and not self._ended.is_set():
                self._thread = threading.Thread(target=self._keep_listening, name="config-announcements", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the subscription for good; returns when its thread has ended."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_SILENT_AFTER_S + _CONNECT_TIMEOUT_S)

    def _keep_listening(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen_once()
            except (RedisError, OSError) as error:
                if not self._is_told:
                    logger.warning("News of configurations may be missed for a moment: %s", error)
                self._is_told = True
            finally:
                self.is_in_force = False
                self._lost()
            self._ended.wait(_RECONNECT_S)

    def _listen_once(self) -> None:
        """Hear what is said until the connection breaks or says nothing, not even to a ping."""
        client = redis.Redis.from_url(
            self._url,
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            socket_timeout=_SILENT_AFTER_S,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        with client, client.pubsub() as subscription:  # type: ignore[no-untyped-call]  # redis-py: untyped
            subscription.subscribe(CHANNEL)
            self._follow(subscription)

    def _follow(self, subscription: PubSub) -> None:
        heard_s = asked_s = monotonic()
        while not self._ended.is_set():
            message = subscription.get_message(timeout=_PING_EVERY_S)
            now_s = monotonic()
            if message is not None:
                heard_s = now_s
                self._take(message)
            if now_s - heard_s > _SILENT_AFTER_S:
                raise TimeoutError("Redis says nothing")
            if now_s - asked_s >= _PING_EVERY_S:
                asked_s = now_s
                subscription.ping()

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self.is_in_force, self._is_told = True, False
        pointer = Pointer.parse(str(message["data"])) if message["type"] == "message" else None
        if pointer is not None:
            self._heard(pointer)
