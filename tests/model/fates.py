"""What can happen to a process in the middle of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar
from unittest import mock

import redis
from django.db import connection
from redis.connection import AbstractConnection

_Answer = TypeVar("_Answer")


class PowerCut(BaseException):
    """The process is gone. No error: nothing that handles errors may take it."""


@dataclass(frozen=True, slots=True)
class Fate:
    """`cut_at` is the SQL statement at which the process dies (0: it lives); it may die between commit and mirror."""

    cut_at: int = 0
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
        with _cut(fate.cut_at), _without_hooks(fate.hooks_lost), _without_redis(fate.redis_down):
            return call()
    except PowerCut:
        connection.close()  # a dead process has none: the server rolls back what was open
        return None


@contextmanager
def _cut(at: int) -> Iterator[None]:
    """Let no statement through from the given one on."""
    seen = 0

    def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen >= at:
            raise PowerCut
        return execute(sql, params, many, context)

    if not at:
        yield
        return
    with connection.execute_wrapper(count):
        yield


@contextmanager
def _without_hooks(lost: bool) -> Iterator[None]:
    """Commit, and forget what was to follow the commit: mirror, message, announcement."""
    if not lost:
        yield
        return

    def forget() -> None:
        connection.run_on_commit.clear()

    with mock.patch.object(connection, "run_and_clear_commit_hooks", forget):
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
