"""Who calls over HTTP: bearer tokens and scopes. Imported by DRF's settings, so it imports no view."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from astra_site.lib.active_tenants import is_active_tenant
from astra_site.lib.auth_tokens import Principal, token_verifier
from astra_site.lib.errors import Forbidden, Unauthenticated


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
        if not is_active_tenant(principal.tenant_id):
            raise Forbidden("tenant_inactive", "The tenant of this token does not exist or is not active.")
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
            if scope not in request.user.scopes:
                raise Forbidden("scope_missing", f"The token lacks the scope {scope}.", details={"scope": scope})
            return True

    return RequiresScope
