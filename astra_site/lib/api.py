"""The HTTP edge: the base of every API view."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.request import Request
from rest_framework.views import APIView

from astra_site.lib.auth_tokens import Principal
from astra_site.lib.bearer import BearerAuthentication, require_scope
from astra_site.lib.logs import log_context
from astra_site.lib.tenancy import tenant_scope

__all__ = ["AstraAPIView", "require_scope"]


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular: untyped base hook
    """Describes the bearer token in the OpenAPI document."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class AstraAPIView(APIView):
    """Base of every API view: opens the caller's tenant scope and binds the log context for the whole request."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Handle the request; whatever `initial` opens is closed afterwards."""
        with ExitStack() as self.open_contexts:
            return super().dispatch(request, *args, **kwargs)

    @staticmethod
    def actor(request: Request) -> str:
        """Return the subject of the caller's token, for the journal."""
        return str(request.user.pk)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, then open the tenant scope before permissions and the handler run."""
        principal = request.user
        if isinstance(principal, Principal):
            session_id = self.kwargs.get("session_id")
            self.open_contexts.enter_context(tenant_scope(principal.tenant_id))
            self.open_contexts.enter_context(log_context(tenant_id=principal.tenant_id, session_id=session_id))
