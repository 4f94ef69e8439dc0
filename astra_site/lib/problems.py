"""What a caller is told of an error: problem JSON (RFC 9457) over HTTP, the same members on the other transports.

Imported by DRF's settings, so it imports no view.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions as drf
from rest_framework.response import Response

from astra_site.lib.database_pool import let_go_of_dead_connection
from astra_site.lib.errors import AstraError, ErrorKind, Unavailable
from astra_site.lib.logs import current_context

logger = logging.getLogger(__name__)

STATUS_OF = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.UNSUPPORTED: 415,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.INTERNAL: 500,
}
PROBLEM_TYPE = "application/problem+json"
INTERNAL_ERROR = ("internal_error", "This went wrong on our side. Tell us the trace id.")
"""Code and detail of what no caller can do anything about."""


def problem_body(status: int, code: str, detail: str, **members: object) -> dict[str, object]:
    """Return the members of an RFC 9457 problem; `code` is stable, `detail` is for a person."""
    return {
        "type": f"https://astra.invalid/problems/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "trace_id": current_context().get("trace_id"),
        **members,
    }


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as every edge tells it: an HTTP status, the members of the problem, and the headers that go with it."""

    status: int
    body: dict[str, object]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def retry_after_s(self) -> float | None:
        """When the same call may succeed; None where repeating it is no use."""
        return float(self.headers["Retry-After"]) if "Retry-After" in self.headers else None


def plain_problem(status: int, code: str, detail: str) -> JsonResponse:
    """Build an RFC 9457 answer for an address that no API view serves."""
    return JsonResponse(problem_body(status, code, detail), status=status, content_type=PROBLEM_TYPE)


def plain_problem_of(error: AstraError) -> JsonResponse:
    """Answer an error as the API would, for an address that no API view serves."""
    found = _of_astra_error(error)
    return JsonResponse(found.body, status=found.status, content_type=PROBLEM_TYPE, headers=found.headers)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Translate any error that leaves a view; None lets a programming error become Django's 500."""
    if isinstance(error, OperationalError | InterfaceError):
        let_go_of_dead_connection()
    found = problem_of(error)
    if found is None:
        return None
    if found.status >= 500:
        logger.error("Request failed: %s", error, exc_info=error)
    response = Response(found.body, status=found.status, content_type=PROBLEM_TYPE, headers=found.headers)
    response.exception = True
    return response


def problem_of(error: BaseException) -> Problem | None:
    """Return what a caller is told of an error, on every transport; None for a programming error."""
    if isinstance(error, AstraError):
        return _of_astra_error(error)
    if isinstance(error, drf.APIException):
        return _of_drf_error(error)
    if isinstance(error, RequestDataTooBig):
        return _problem(413, "body_too_large", "The body is larger than this endpoint accepts.")
    if isinstance(error, Http404):
        return _problem(404, "not_found", "There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        return _problem(403, "forbidden", "This is not allowed.")
    if isinstance(error, SuspiciousOperation):
        return _problem(400, "request_malformed", "The request is malformed.")
    if isinstance(error, DataError):
        return _problem(400, "input_unstorable", "A value is too long, too large or of a kind that can't be stored.")
    if isinstance(error, OperationalError | InterfaceError):
        return _of_astra_error(
            Unavailable("database_unavailable", "The database does not answer; nothing was stored. Try again.")
        )
    return None


def _problem(status: int, code: str, detail: str, **members: object) -> Problem:
    return Problem(status, problem_body(status, code, detail, **members))


def _of_drf_error(error: drf.APIException) -> Problem:
    if isinstance(error, drf.ValidationError):
        return _problem(400, "input_invalid", "Some fields are missing or wrong.", errors=error.detail)
    found = _problem(error.status_code, str(error.default_code), str(error.detail))
    if error.status_code == 405:
        found.headers["Allow"] = ", ".join(getattr(error, "allowed_methods", []))
    return found


def _of_astra_error(error: AstraError) -> Problem:
    details = {"details": error.details} if error.details else {}
    body = problem_body(STATUS_OF[error.kind], error.code, error.message, **details)
    return Problem(STATUS_OF[error.kind], body, _headers_of(error))


def _headers_of(error: AstraError) -> dict[str, str]:
    if error.kind is ErrorKind.UNAUTHENTICATED:
        return {"WWW-Authenticate": 'Bearer realm="astra"'}
    if error.kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE):
        return {"Retry-After": str(error.details.get("retry_after_s", 2))}
    return {}
