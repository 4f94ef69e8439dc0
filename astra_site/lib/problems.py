"""Problem JSON (RFC 9457) for every error that leaves the API. Imported by DRF's settings, so it imports no view."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions as drf
from rest_framework.response import Response

from astra_site.lib.errors import AstraError, ErrorKind
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


def problem(status: int, code: str, detail: str, **members: object) -> Response:
    """Build an RFC 9457 answer."""
    return Response(problem_body(status, code, detail, **members), status=status, content_type=PROBLEM_TYPE)


def plain_problem(status: int, code: str, detail: str) -> JsonResponse:
    """Build an RFC 9457 answer for an address that no API view serves."""
    return JsonResponse(problem_body(status, code, detail), status=status, content_type=PROBLEM_TYPE)


def plain_problem_of(error: AstraError) -> JsonResponse:
    """Answer an error as the API would, for an address that no API view serves."""
    status, body = STATUS_OF[error.kind], _body_of(error)
    return JsonResponse(body, status=status, content_type=PROBLEM_TYPE, headers=_headers_of(error))


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Translate any error that leaves a view; None lets a programming error become Django's 500."""
    response = _translate(error)
    if response is not None and response.status_code >= 500:
        logger.error("Request failed: %s", error, exc_info=error)
    if response is not None:
        response.exception = True
    return response


def _translate(error: Exception) -> Response | None:
    if isinstance(error, AstraError):
        return _astra_problem(error)
    if isinstance(error, drf.ValidationError):
        return problem(400, "input_invalid", "Some fields are missing or wrong.", errors=error.detail)
    if isinstance(error, RequestDataTooBig):
        return problem(413, "body_too_large", "The body is larger than this endpoint accepts.")
    if isinstance(error, drf.APIException):
        response = problem(error.status_code, str(error.default_code), str(error.detail))
        if error.status_code == 405:
            response["Allow"] = ", ".join(getattr(error, "allowed_methods", []))
        return response
    if isinstance(error, Http404):
        return problem(404, "not_found", "There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        return problem(403, "forbidden", "This is not allowed.")
    if isinstance(error, SuspiciousOperation):
        return problem(400, "request_malformed", "The request is malformed.")
    if isinstance(error, DataError):
        return problem(400, "input_unstorable", "A value is too long, too large or of a kind that can't be stored.")
    if isinstance(error, OperationalError | InterfaceError):
        return problem(503, "database_unavailable", "The database does not answer; nothing was stored. Try again.")
    return None


def _astra_problem(error: AstraError) -> Response:
    status, body = STATUS_OF[error.kind], _body_of(error)
    return Response(body, status=status, content_type=PROBLEM_TYPE, headers=_headers_of(error))


def _body_of(error: AstraError) -> dict[str, object]:
    details = {"details": error.details} if error.details else {}
    return problem_body(STATUS_OF[error.kind], error.code, error.message, **details)


def _headers_of(error: AstraError) -> dict[str, str]:
    if error.kind is ErrorKind.UNAUTHENTICATED:
        return {"WWW-Authenticate": 'Bearer realm="astra"'}
    if error.kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE):
        return {"Retry-After": str(error.details.get("retry_after_s", 2))}
    return {}
