"""The verbs of API clients. Every one of them leaves a line in the client's history."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from astra_site.lib.api_clients import ClientGrant, forget_grants
from astra_site.lib.auth_tokens import GENERATION_CLAIM
from astra_site.lib.clock import utc_now
from astra_site.lib.hashing import Sha256
from astra_site.lib.ids import new_id
from astra_site.lib.own_tokens import own_keys
from astra_site.lib.tenancy import all_tenants, tenant_scope
from tenants.errors import ClientInvalid, ClientUnknown, ScopeRefused
from tenants.models import ApiClient, ApiClientEvent, ClientEventKind
from tenants.roles import ALL_SCOPES

SECRET_PREFIX: Final = "astra_"  # noqa: S105 - what every secret begins with, so that scanners find leaked ones
_SECRET_BYTES: Final = 32
_NO_SECRET: Final = str(Sha256.of(b""))
"""Compared with where there is no client, so that the answer takes as long."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token, the scopes it carries, and how long it is good for."""

    access_token: str
    scopes: tuple[str, ...]
    expires_in_s: int


def create_client(
    tenant_id: UUID, *, name: str, scopes: Iterable[str], expires_at: datetime | None, actor: str
) -> tuple[ApiClient, str]:
    """Make a client of a tenant; return it and its secret, which can't be had again.

    Raises `ClientInvalid` for scopes that do not exist, or none.
    """
    secret = _new_secret()
    with tenant_scope(tenant_id), transaction.atomic():
        client: ApiClient = ApiClient.objects.create(
            tenant_id=tenant_id,
            name=name,
            scopes=_checked(scopes),
            expires_at=expires_at,
            secret_hash=_hash_of(secret),
        )
        _record(client, ClientEventKind.CREATED, actor, scopes=client.scopes)
    return client, secret


def change_client(
    client: ApiClient, *, name: str, scopes: Iterable[str], expires_at: datetime | None, actor: str
) -> None:
    """Change what a client is called and may do. Other scopes end the tokens that it holds."""
    wanted = _checked(scopes)
    with tenant_scope(client.tenant_id), transaction.atomic():
        before: ApiClient = ApiClient.objects.select_for_update().get(pk=client.pk)
        ends_tokens = before.scopes != wanted
        ApiClient.objects.filter(pk=client.pk).update(
            name=name, scopes=wanted, expires_at=expires_at, generation=F("generation") + int(ends_tokens)
        )
        _record(client, ClientEventKind.CHANGED, actor, name=name, scopes=wanted)
    forget_grants(client.pk)


def renew_secret(client: ApiClient, *, actor: str) -> str:
    """Return a new secret. The old one and the tokens that were issued on it are of no use from now on."""
    secret = _new_secret()
    _change(client, ClientEventKind.SECRET, actor, secret_hash=_hash_of(secret))
    return secret


def revoke(client: ApiClient, *, actor: str) -> None:
    """Shut a client out, with the tokens that it holds (`astra_site.lib.api_clients` says how soon)."""
    _change(client, ClientEventKind.REVOKED, actor, is_active=False)


def restore(client: ApiClient, *, actor: str) -> None:
    """Let a revoked client ask for tokens again; those it had stay refused."""
    _change(client, ClientEventKind.RESTORED, actor, is_active=True)


def authenticate_client(client_id: str, secret: str) -> ApiClient:
    """Return the active client of an active tenant that this is the secret of; raise `ClientUnknown` for any other."""
    try:
        wanted = UUID(client_id)
    except ValueError:
        wanted = None
    with all_tenants(reason="find the API client that shows its secret"):
        found: ApiClient | None = ApiClient.objects.filter(pk=wanted).select_related("tenant").first()
    is_right = hmac.compare_digest(_hash_of(secret), found.secret_hash if found else _NO_SECRET)
    if found is None or not is_right or not found.is_active or not found.tenant.is_active or _has_expired(found):
        raise ClientUnknown("client_invalid", "There is no such client, its secret is another, or it was revoked.")
    return found


def issue_token(client: ApiClient, scopes: Collection[str], *, address: str) -> IssuedToken:
    """Issue a token with the scopes asked for, all of the client's for none, and note it in the client's history.

    Raises `ScopeRefused` for a scope that the client does not have, `NotFound` (`token_endpoint_off`) where the
    installation has no key, and `TokenKeyRefused`.
    """
    given = tuple(scope for scope in client.scopes if scope in scopes) if scopes else tuple(client.scopes)
    if set(scopes) - set(given):
        raise ScopeRefused("scope_refused", "The client does not have all of these scopes.")
    now = utc_now()
    ends_at = now + timedelta(seconds=settings.TOKEN_TTL_S)
    if client.expires_at is not None:
        ends_at = min(ends_at, client.expires_at)
    claims: dict[str, Any] = {
        "iss": settings.TOKEN_ISSUER,
        "aud": settings.JWT_AUDIENCE,
        "sub": str(client.pk),
        "client_id": str(client.pk),
        "tenant_id": str(client.tenant_id),
        "scope": " ".join(given),
        "iat": now,
        "exp": ends_at,
        "jti": str(new_id()),
        GENERATION_CLAIM: client.generation,
    }
    token = own_keys().sign(claims)
    with tenant_scope(client.tenant_id), transaction.atomic():
        ApiClient.objects.filter(pk=client.pk).update(last_used_at=now)
        said = {"jti": claims["jti"], "scopes": list(given), "address": address}
        _record(client, ClientEventKind.TOKEN, f"client:{client.name}", **said)
    return IssuedToken(token, given, int((ends_at - now).total_seconds()))


def grant_holds(grant: ClientGrant) -> bool:
    """Say whether a token that was issued on this grant may still be used."""
    with tenant_scope(grant.tenant_id):
        rows = ApiClient.objects.filter(pk=grant.client_id, generation=grant.generation, is_active=True)
        return bool(rows.filter(Q(expires_at=None) | Q(expires_at__gt=utc_now())).exists())


def _change(client: ApiClient, kind: ClientEventKind, actor: str, **changes: Any) -> None:
    with tenant_scope(client.tenant_id), transaction.atomic():
        ApiClient.objects.filter(pk=client.pk).update(generation=F("generation") + 1, **changes)
        _record(client, kind, actor)
    forget_grants(client.pk)


def _record(client: ApiClient, kind: ClientEventKind, actor: str, **details: Any) -> None:
    ApiClientEvent.objects.create(
        tenant_id=client.tenant_id, client_id=client.pk, kind=kind, actor=actor, details=details
    )


def _checked(scopes: Iterable[str]) -> list[str]:
    wanted = set(scopes)
    if not wanted or wanted - set(ALL_SCOPES):
        raise ClientInvalid("client_scopes_invalid", "A client has at least one scope, and only scopes that exist.")
    return [scope for scope in ALL_SCOPES if scope in wanted]


def _has_expired(client: ApiClient) -> bool:
    return client.expires_at is not None and client.expires_at <= utc_now()


def _new_secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def _hash_of(secret: str) -> str:
    """Return what is kept of a secret. Being 256 random bits, it can't be guessed however fast its hash is."""
    return str(Sha256.of(secret.encode()))
