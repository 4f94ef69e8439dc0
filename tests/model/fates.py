"""What can happen to a process in the middle of a call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar
from unittest import mock

import psycopg
import redis
from django.db import connection
from redis.connection import AbstractConnection

from astra_site.lib.behind import Behind

_Answer = TypeVar("_Answer")


class PowerCut(BaseException):
    """The process is gone. No error: nothing that handles errors may take it."""


@dataclass(frozen=True, slots=True)
class Fate:
    """`cut_at` is the SQL statement at which the process dies (0: it lives).

    With `answer_lost` PostgreSQL has done that statement by then; inside a transaction that means nothing, as a commit
    is no statement of a cursor. With `hooks_lost` nothing follows a commit, and with
    `redis_down` what follows it fails.
    """

    cut_at: int = 0
    answer_lost: bool = False
    hooks_lost: bool = False
    redis_down: bool = False

    @property
    def is_certain(self) -> bool:
        """Say whether the call is certain to come to its end."""
        return not self.cut_at


CALM = Fate()


def suffer(fate: Fate, call: Callable[[], _Answer]) -> _Answer | None:
    """Make a call under a fate; None when the process died of it."""
    try:
        with _cut(fate.cut_at, fate.answer_lost), _without_hooks(fate.hooks_lost), _without_redis(fate.redis_down):
            return call()
    except PowerCut:
        connection.close()  # a dead process has none: the server rolls back what was open
        return None


@contextmanager
def _cut(at: int, answer_lost: bool) -> Iterator[None]:
    """Let no statement through from the given one on, Django's or the fast path's."""
    execute, seen, own_thread = psycopg.Cursor.execute, 0, threading.get_ident()

    def count(cursor: psycopg.Cursor[Any], *args: Any, **options: Any) -> psycopg.Cursor[Any]:
        nonlocal seen
        if threading.get_ident() != own_thread:
            return execute(cursor, *args, **options)
        seen += 1
        if seen < at:
            return execute(cursor, *args, **options)
        if seen == at and answer_lost:
            execute(cursor, *args, **options)
        raise PowerCut

    if not at:
        yield
        return
    with mock.patch.object(psycopg.Cursor, "execute", count):
        yield


@contextmanager
def _without_hooks(lost: bool) -> Iterator[None]:
    """Commit, and forget what was to follow the commit or the answer: mirror, message, announcement."""

    def forget(*args: object, **options: object) -> None:
        return None

    if not lost:
        yield
        return
    with mock.patch.object(connection, "on_commit", forget), mock.patch.object(Behind, "hand_over", forget):
        yield


@contextmanager
def _without_redis(down: bool) -> Iterator[None]:
    """Break every connection to Redis at its next command."""

    def refuse(self: AbstractConnection, *args: object, **options: object) -> NoReturn:
        raise redis.ConnectionError("nobody is there")

    if not down:
        yield
        return
    with mock.patch.object(AbstractConnection, "send_packed_command", refuse):
        yield
