"""Who calls, told from the `Authorization` value of any transport, and whether they may."""

from __future__ import annotations

from astra_site.lib.active_tenants import is_active_tenant
from astra_site.lib.auth_tokens import Principal, token_verifier
from astra_site.lib.errors import Forbidden, Unauthenticated
from astra_site.lib.tenant_scope import tenant_scope


def caller_of(authorization: str) -> Principal:
    """Return the caller of `Bearer <JWT>`, whose tenant is active now.

    Raises `Unauthenticated` (`token_missing`, `token_invalid`, `token_expired` …), `Forbidden` (`tenant_inactive`) and
    what the verifier raises.
    """
    parts = authorization.split()
    if not parts:
        raise Unauthenticated("token_missing", "Send a token: Authorization: Bearer <token>.")
    if len(parts) != 2 or parts[0].lower() != "bearer":
        raise Unauthenticated("token_invalid", "Send the token as: Authorization: Bearer <token>.")
    principal = token_verifier().verify(parts[1])
    check_active(principal)
    return principal


def check_active(principal: Principal) -> None:
    """Raise `Forbidden` (`tenant_inactive`) when the caller's tenant was switched off."""
    with tenant_scope(principal.tenant_id):  # what follows runs in it: the connection is told once for both
        is_active = is_active_tenant(principal.tenant_id)
    if not is_active:
        raise Forbidden("tenant_inactive", "The tenant of this token does not exist or is not active.")


def check_scope(principal: Principal, scope: str) -> None:
    """Raise `Forbidden` (`scope_missing`) for a token that does not carry the scope."""
    if scope not in principal.scopes:
        raise Forbidden("scope_missing", f"The token lacks the scope {scope}.", details={"scope": scope})
