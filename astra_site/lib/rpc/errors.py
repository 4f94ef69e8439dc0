"""Errors of a gRPC call: the same problems as over HTTP, as a status with its facts in the trailing metadata."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final

import grpc

from astra_site.lib.errors import ErrorKind
from astra_site.lib.logs import current_context, log_context
from astra_site.lib.middleware import trace_id_from
from astra_site.lib.problems import STATUS_OF, Problem, problem_body, problem_of
from astra_site.lib.rpc.behaviour import Call, Method, inside, service_of

logger = logging.getLogger(__name__)

CODE_OF_KIND: Final = {
    ErrorKind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    ErrorKind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    ErrorKind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    ErrorKind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    ErrorKind.CONFLICT: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorKind.TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorKind.UNSUPPORTED: grpc.StatusCode.INVALID_ARGUMENT,
    ErrorKind.RATE_LIMITED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorKind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    ErrorKind.INTERNAL: grpc.StatusCode.INTERNAL,
}
_CODE_OF_STATUS: Final = {status: CODE_OF_KIND[kind] for kind, status in STATUS_OF.items()}
_FAULT: Final = STATUS_OF[ErrorKind.INTERNAL]
_MESSAGE_CHARS: Final = 1_000
_PROBLEM_BYTES: Final = 4_000
"""Metadata has room for 8 KiB by default in every implementation; longer lists of faults are left out."""


def status_code_of(problem: Problem) -> grpc.StatusCode:
    """Return the gRPC status of a problem."""
    return _CODE_OF_STATUS.get(problem.status, grpc.StatusCode.INVALID_ARGUMENT)


def trailing_metadata_of(problem: Problem) -> tuple[tuple[str, str | bytes], ...]:
    """Return what a program needs to know of a problem: its code, when to come back, and the whole of it."""
    body = problem.body
    packed = json.dumps(body, ensure_ascii=False, default=str).encode()
    if len(packed) > _PROBLEM_BYTES:
        kept = {name: value for name, value in body.items() if name not in ("details", "errors")}
        packed = json.dumps(kept, ensure_ascii=False, default=str).encode()[:_PROBLEM_BYTES]
    metadata: list[tuple[str, str | bytes]] = [
        ("astra-error-code", str(body["code"])),
        ("astra-problem-bin", packed),
        ("x-trace-id", str(body["trace_id"])),
    ]
    if problem.retry_after_s is not None:
        metadata.append(("retry-after-s", f"{problem.retry_after_s:g}"))
    return tuple(metadata)


class ProblemsBecomeStatus:
    """Ends a call whose behaviour raised, with the status of its problem; a fault of ours tells nothing of itself."""

    def __init__(self, call: Call) -> None:
        """Remember the call."""
        self._call = call

    async def __aenter__(self) -> None:
        """Nothing to do yet."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Translate; what gRPC raises itself (a cancelled call, a status that is set already) passes."""
        if error is None or isinstance(error, asyncio.CancelledError | grpc.aio.AbortError):
            return
        problem = problem_of(error)
        if problem is None or problem.status == _FAULT:
            logger.error("Call failed: %s", error, exc_info=error)
        elif problem.status > _FAULT:
            logger.warning("Call could not be served: %s", error, extra={"code": problem.body["code"]})
        if problem is None:
            body = problem_body(_FAULT, "internal_error", "Something went wrong here; the trace_id finds what.")
            problem = Problem(_FAULT, body)
        message = str(problem.body["detail"])[:_MESSAGE_CHARS]
        await self._call.abort(status_code_of(problem), message, trailing_metadata_of(problem))


class ProblemInterceptor(grpc.aio.ServerInterceptor):
    """The outermost interceptor: binds the trace id (W3C `traceparent`, else new) and translates errors, once.

    Args:
        public: services (`package.Service`) of other makers that are left as they are: health, reflection.
    """

    def __init__(self, public: frozenset[str]) -> None:
        """Remember which services are not ours."""
        self._public = public

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Method | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Method | None:
        """Wrap the method's behaviour."""
        handler = await continuation(handler_call_details)
        if handler is None or service_of(handler_call_details) in self._public:
            return handler
        return inside(handler, _traced)


@asynccontextmanager
async def _traced(call: Call) -> AsyncIterator[None]:
    given = {key: value for key, value in call.invocation_metadata() or () if isinstance(value, str)}
    with log_context(trace_id=trace_id_from(given.get("traceparent", ""))):
        call.set_trailing_metadata((("x-trace-id", current_context()["trace_id"]),))
        async with ProblemsBecomeStatus(call):
            yield
