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
_BEHIND_S = 1.0
"""What is sent behind the last answer is sent by then."""


@contextmanager
def redis_commands(url: str) -> Iterator[list[str]]:
    """Collect the commands that clients send inside the block; what scripts call themselves is left out."""
    commands: list[str] = []
    client = redis.Redis.from_url(url, decode_responses=True)
    last = f"the end of {time.time_ns()}"

    def listen(monitor: redis.client.Monitor) -> None:
        for seen in monitor.listen():  # type: ignore[no-untyped-call]  # redis-py: untyped
            if last in str(seen["command"]):
                return
            if seen["client_type"] != "lua":
                commands.append(str(seen["command"]))

    with client.monitor() as monitor:  # type: ignore[no-untyped-call]  # redis-py: untyped
        thread = threading.Thread(target=listen, args=[monitor])
        thread.start()
        try:
            yield commands
            time.sleep(_BEHIND_S)
        finally:
            redis.Redis.from_url(url).echo(last)
            thread.join()


def sql_transactions(url: str, load: Callable[[], object]) -> int:
    """Return how many transactions PostgreSQL ran during a load; a statement on its own is one."""
    with psycopg.connect(url, autocommit=True) as connection:
        counted = []
        for call in (lambda: None, load):
            call()
            time.sleep(_COUNTED_AFTER_S)
            connection.execute("SELECT pg_stat_clear_snapshot()")
            counted.append(connection.execute(_TRANSACTIONS).fetchone() or (0,))
    return int(counted[1][0]) - int(counted[0][0])
