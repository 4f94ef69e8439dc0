"""What servers see of a load: Redis tells each command, PostgreSQL counts transactions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import redis

_TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
_COUNTED_AFTER_S = 12.0
"""An idle server process adds what it has counted within ten seconds."""


@contextmanager
def redis_commands(url: str) -> Iterator[list[str]]:
    """Collect the commands that clients send inside the block; what scripts call themselves is left out."""
    commands: list[str] = []
    begun = threading.Event()
    client = redis.Redis.from_url(url, socket_timeout=0.5, decode_responses=True)

    def listen(monitor: redis.client.Monitor) -> None:
        while not ended.is_set():
            begun.set()
            try:
                seen = monitor.next_command()  # type: ignore[no-untyped-call]  # redis-py: untyped
            except redis.TimeoutError:
                continue
            if seen["client_type"] != "lua":
                commands.append(str(seen["command"]))

    ended = threading.Event()
    with client.monitor() as monitor:  # type: ignore[no-untyped-call]  # redis-py: untyped
        thread = threading.Thread(target=listen, args=[monitor])
        thread.start()
        begun.wait(5)
        try:
            yield commands
            time.sleep(1)  # what is sent behind the last answer
        finally:
            ended.set()
            thread.join()


def sql_transactions(url: str, load: Callable[[], object]) -> int:
    """Return how many transactions PostgreSQL ran during a load; a statement on its own is one."""
    with psycopg.connect(url, autocommit=True) as connection:
        before = connection.execute(_TRANSACTIONS).fetchone()
        load()
        time.sleep(_COUNTED_AFTER_S)
        connection.execute("SELECT pg_stat_clear_snapshot()")
        after = connection.execute(_TRANSACTIONS).fetchone()
    return int(after[0] - before[0]) if before and after else 0
