"""How a socket ends: close codes, and what an error is on a socket.

A close code is 4000 + the HTTP status that the REST API answers for the same error; the reason is the error's code.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final

from django.db import DataError, InterfaceError, OperationalError
from rest_framework.exceptions import APIException

from astra_site.lib.errors import AstraError, Conflict, InvalidInput, RateLimited
from astra_site.lib.problems import Problem, problem_of

logger = logging.getLogger(__name__)

REFUSALS: Final = (AstraError, APIException, DataError, OperationalError, InterfaceError)
"""Errors that a client is told of; any other one is a fault of ours."""
_INTERNAL_STATUS: Final = 500
_TOLD: Final = ("code", "detail", "details", "errors", "trace_id")


class CloseCode(IntEnum):
    """The codes that are no error's; the server itself closes with 1009 (too large), 1011 (no pong), 1012 (restart)."""

    NORMAL = 1000
    INTERNAL = 1011


class SocketEnd(Exception):
    """The conversation is over."""


class ClientGone(SocketEnd):
    """The client has closed the socket, or the connection is broken: there is nobody to tell."""


class Closing(SocketEnd):
    """We close the socket. `problem`, where there is one, is told before."""

    def __init__(self, code: int, reason: str, problem: Problem | None = None) -> None:
        super().__init__(reason)
        self.code, self.reason, self.problem = code, reason, problem


def problem_told(error: Exception) -> Problem:
    """Return what a client is told of one of `REFUSALS`; any other error is raised again."""
    problem = problem_of(error)
    if problem is None:
        raise error
    return problem


def closing_of(error: Exception, code: int | None = None) -> Closing:
    """Return how one of `REFUSALS` ends a socket; `code` where it is not that of the error's kind."""
    problem = problem_told(error)
    if problem.status == _INTERNAL_STATUS:
        return Closing(CloseCode.INTERNAL, "internal_error")
    return Closing(4000 + problem.status if code is None else code, str(problem.body["code"]), problem)


def malformed(code: str, message: str) -> Closing:
    """Return how a breach of the protocol ends a socket."""
    return closing_of(InvalidInput(code, message))


def hello_timeout() -> Closing:
    """Return how a client that says nothing ends."""
    return closing_of(InvalidInput("hello_timeout", "The first frame, hello, did not come in time."), 4408)


def replaced() -> Closing:
    """Return how a stream ends that a newer one takes over."""
    return closing_of(Conflict("stream_replaced", "Another socket streams this session now."))


def too_slow() -> Closing:
    """Return how a client that does not read ends."""
    message = "The client does not read what is sent to it. Connect again and resume."
    return closing_of(RateLimited("client_too_slow", message))


@contextmanager
def closing_on_refusals() -> Iterator[None]:
    """Make errors that are not answered one by one the end of the socket."""
    try:
        yield
    except REFUSALS as error:
        raise closing_of(error) from error


def error_frame(problem: Problem, **about: Any) -> dict[str, Any]:
    """Return the frame that tells a problem; `about` says what was refused, None is left out.

    `retry_after_s` is there exactly where sending the same again can succeed.
    """
    frame: dict[str, Any] = {"type": "error"}
    frame |= {name: problem.body[name] for name in _TOLD if name in problem.body}
    frame |= {name: value for name, value in about.items() if value is not None}
    if problem.retry_after_s is not None:
        frame["retry_after_s"] = problem.retry_after_s
    return frame


def refusal_frame(error: Exception, **about: Any) -> dict[str, Any]:
    """Return the frame that answers one of `REFUSALS`; what is a fault of ours is logged."""
    problem = problem_told(error)
    if problem.status >= _INTERNAL_STATUS:
        logger.error("A frame was refused: %s", error, exc_info=error)
    return error_frame(problem, **about)
