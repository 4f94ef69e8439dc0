"""The HTTP edge: one base view, bearer tokens, scopes, and problem JSON (RFC 9457) for every error."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Any

from django.apps import apps
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions as drf
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from astra_site.lib.auth_tokens import Principal, token_verifier
from astra_site.lib.errors import AstraError, ErrorKind, Forbidden, Unauthenticated
from astra_site.lib.logs import current_context, log_context
from astra_site.lib.tenancy import tenant_scope

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


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <JWT>`; the principal becomes `request.user` and `request.auth`."""

    def authenticate(self, request: Request) -> tuple[Principal, Principal] | None:
        """Return the principal of the token, or None when the header is missing."""
        parts = get_authorization_header(request).split()
        if not parts:
            return None
        if len(parts) != 2 or parts[0].lower() != b"bearer":
            raise Unauthenticated("token_invalid", "Send the token as: Authorization: Bearer <token>.")
        principal = token_verifier().verify(parts[1].decode("ascii", errors="replace"))
        tenants = apps.get_model("tenants", "Tenant")._default_manager
        if not tenants.filter(pk=principal.tenant_id, is_active=True).exists():
            raise Forbidden("tenant_inactive", "The tenant of this token does not exist or is not active.")
        return principal, principal

    def authenticate_header(self, request: Request) -> str:
        """Make a missing token a `401` with its challenge."""
        return 'Bearer realm="astra"'


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular: untyped base hook
    """Describes the bearer token in the OpenAPI document."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class DenyUnlessDeclared(BasePermission):
    """The default of every view: a view that does not say who may call it can't be called."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuse."""
        return False


def require_scope(scope: str) -> type[BasePermission]:
    """Return a permission that wants a token with this scope (`401` without a token, `403` without the scope)."""

    class RequiresScope(BasePermission):
        def has_permission(self, request: Request, view: APIView) -> bool:
            if not isinstance(request.user, Principal):
                raise Unauthenticated("token_missing", "Send a token: Authorization: Bearer <token>.")
            if scope not in request.user.scopes:
                raise Forbidden("scope_missing", f"The token lacks the scope {scope}.", details={"scope": scope})
            return True

    return RequiresScope


class AstraAPIView(APIView):
    """Base of every API view: opens the caller's tenant scope and binds the log context for the whole request."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Handle the request; whatever `initial` opens is closed afterwards."""
        with ExitStack() as self.open_contexts:
            return super().dispatch(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, then open the tenant scope before permissions and the handler run."""
        principal = request.user
        if isinstance(principal, Principal):
            session_id = self.kwargs.get("session_id")
            self.open_contexts.enter_context(tenant_scope(principal.tenant_id))
            self.open_contexts.enter_context(log_context(tenant_id=principal.tenant_id, session_id=session_id))


def problem(status: int, code: str, detail: str, **members: object) -> Response:
    """Build an RFC 9457 answer; `code` is stable, `detail` is for a person."""
    body = {
        "type": f"https://astra.invalid/problems/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "trace_id": current_context().get("trace_id"),
        **members,
    }
    return Response(body, status=status, content_type=PROBLEM_TYPE)


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
    if isinstance(error, OperationalError | InterfaceError):
        return problem(503, "database_unavailable", "The database does not answer; nothing was stored. Try again.")
    return None


def _astra_problem(error: AstraError) -> Response:
    details = {"details": error.details} if error.details else {}
    response = problem(STATUS_OF[error.kind], error.code, error.message, **details)
    if error.kind is ErrorKind.UNAUTHENTICATED:
        response["WWW-Authenticate"] = 'Bearer realm="astra"'
    if error.kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE):
        response["Retry-After"] = str(error.details.get("retry_after_s", 2))
    return response
