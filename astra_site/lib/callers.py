"""Who calls, told from the `Authorization` value of any transport, and whether they may."""

from __future__ import annotations

from astra_site.lib.active_tenants import is_active_tenant
from astra_site.lib.api_clients import holds, recall_grant
from astra_site.lib.auth_tokens import Principal, token_verifier
from astra_site.lib.errors import Forbidden, Unauthenticated
from astra_site.lib.tenant_scope import tenant_scope


def caller_of(authorization: str) -> Principal:
    """Return the caller of `Bearer <JWT>`, whose tenant is active now.

    Raises `Unauthenticated` (`token_missing`, `token_invalid`, `token_expired`, `client_revoked` …), `Forbidden`
    (`tenant_inactive`) and what the verifier raises.
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
    """Raise when the caller's tenant was switched off, or the API client that its token was issued to was revoked.

    `Forbidden` (`tenant_inactive`) for the one, `Unauthenticated` (`client_revoked`) for the other.
    """
    with tenant_scope(principal.tenant_id):  # what follows runs in it: the connection is told once for both
        is_active = is_active_tenant(principal.tenant_id)
    if not is_active:
        raise Forbidden("tenant_inactive", "The tenant of this token does not exist or is not active.")
    if principal.grant is not None and not holds(principal.grant):
        raise _revoked()


def is_known_good(principal: Principal) -> bool:
    """Say whether nothing has to be asked before the caller is believed; never blocks.

    False says that `check_active` has to be asked. Tenants are not looked at: for callers that find out about the
    tenant with what they do.
    """
    return principal.grant is None or recall_grant(principal.grant) is True


def check_scope(principal: Principal, scope: str) -> None:
    """Raise `Forbidden` (`scope_missing`) for a token that does not carry the scope."""
    if scope not in principal.scopes:
        raise Forbidden("scope_missing", f"The token lacks the scope {scope}.", details={"scope": scope})


def _revoked() -> Unauthenticated:
    return Unauthenticated("client_revoked", "The API client of this token was revoked, changed, or has expired.")
