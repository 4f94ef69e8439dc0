"""Who calls over HTTP: bearer tokens and scopes. Imported by DRF's settings, so it imports no view."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from astra_site.lib.auth_tokens import Principal
from astra_site.lib.callers import caller_of, check_scope
from astra_site.lib.errors import Unauthenticated


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <JWT>`; the principal becomes `request.user` and `request.auth`."""

    def authenticate(self, request: Request) -> tuple[Principal, Principal] | None:
        """Return the principal of the token, or None when the header is missing."""
        header = get_authorization_header(request).decode("ascii", errors="replace")
        if not header.strip():
            return None
        principal = caller_of(header)
        return principal, principal

    def authenticate_header(self, request: Request) -> str:
        """Make a missing token a `401` with its challenge."""
        return 'Bearer realm="astra"'


class DenyUnlessDeclared(BasePermission):
    """The default of every view: a view that does not say who may call it can't be called."""

    def has_permission(self, request: Request, view: object) -> bool:
        """Refuse."""
        return False


def require_scope(scope: str) -> type[BasePermission]:
    """Return a permission that wants a token with this scope (`401` without a token, `403` without the scope)."""

    class RequiresScope(BasePermission):
        def has_permission(self, request: Request, view: object) -> bool:
            if not isinstance(request.user, Principal):
                raise Unauthenticated("token_missing", "Send a token: Authorization: Bearer <token>.")
            check_scope(request.user, scope)
            return True

    return RequiresScope
