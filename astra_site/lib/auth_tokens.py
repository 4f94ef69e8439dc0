"""Access tokens: JWTs (RFC 7519) of the identity provider, and of this installation for its own API clients.

Which of the two a token says it is from decides which keys, algorithms and rules it is checked against, and nothing of
the other: a provider can't make tokens of our clients, nor our key those of a person.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings

from astra_site.lib.api_clients import ClientGrant
from astra_site.lib.errors import Forbidden, Unauthenticated
from astra_site.lib.jwks import FileKeys, KeySource, ProviderKeys
from astra_site.lib.own_tokens import ALGORITHM, own_keys

ALLOWED_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"})
GENERATION_CLAIM = "gen"
"""How often the client's secret or rights had been changed when its token was issued."""
_LEEWAY_S = 10
_MAX_SUBJECT_CHARS = 200
_REMEMBERED_S = 60.0
_MOST_REMEMBERED = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_LATEST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_REQUIRED = ("exp", "iss", "aud", "sub")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: the subject of the token, its one tenant, and what it may do.

    `expires_at` is the moment from which the token is refused (its `exp` and the leeway). A request ends before it
    matters; a connection that stays open must end by then. `grant` is there for tokens of our own API clients, which
    may be revoked before.
    """

    subject: str
    tenant_id: UUID
    scopes: frozenset[str]
    expires_at: datetime
    grant: ClientGrant | None = None
    is_authenticated: bool = True

    @property
    def pk(self) -> str:
        """The identity that throttles and logs use."""
        return self.subject


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """Whose tokens are taken: the name in `iss`, the keys, and the signature algorithms.

    `is_own`: it is this installation, so its tokens name the API client that they were issued to.
    """

    name: str
    keys: KeySource
    algorithms: tuple[str, ...]
    is_own: bool = False


class VerifiedTokens:
    """Tokens that were verified a moment ago, by their hash: a live client sends the same one every few seconds.

    What it says holds for a minute at most, and never beyond the token's expiry. Whether the tenant is active is not
    remembered here.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._known: dict[bytes, tuple[Principal, float]] = {}
        self._lock = threading.Lock()

    def principal_of(self, token: str, now_s: float) -> Principal | None:
        """Return who a remembered token is."""
        principal, until_s = self._known.get(_hash_of(token), (None, 0.0))
        return principal if now_s < until_s else None

    def remember(self, token: str, principal: Principal, now_s: float) -> None:
        """Remember a verified token; the oldest are forgotten where there are too many."""
        with self._lock:
            self._known.pop(_hash_of(token), None)
            while len(self._known) >= _MOST_REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[_hash_of(token)] = principal, min(principal.expires_at.timestamp(), now_s + _REMEMBERED_S)


def _hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", errors="surrogatepass")).digest()


class TokenVerifier:
    """Checks signature, algorithm, issuer, audience, expiry and the tenant claim of an access token.

    Args:
        keys: the identity provider's.
        issuer: the identity provider's name in `iss`.
        audience: what every token must be meant for.
        algorithms: the identity provider's.
        own: this installation as an issuer, where it is one.
    """

    def __init__(
        self, keys: KeySource, *, issuer: str, audience: str, algorithms: list[str], own: TrustedIssuer | None = None
    ) -> None:
        """Refuse, at start, algorithms that are not public-key signatures (`none`, HMAC), and two issuers of a name."""
        refused = set(algorithms) - ALLOWED_ALGORITHMS
        if refused:
            raise ValueError(f"These JWT algorithms are never accepted: {sorted(refused)}")
        if own is not None and own.name == issuer:
            raise ValueError("The installation's own tokens need another issuer than the identity provider's.")
        provider = TrustedIssuer(issuer, keys, tuple(algorithms))
        self._issuers = {trusted.name: trusted for trusted in (provider, own) if trusted is not None}
        self._audience = audience
        self._verified = VerifiedTokens()

    def recall(self, token: str) -> Principal | None:
        """Return who a token is that was verified within the last minute and has not expired; never blocks.

        For what comes every few seconds. A key that the provider withdraws is noticed here a minute after its keys
        were read anew. Whether a client's grant still holds is not remembered here either.
        """
        return self._verified.principal_of(token, time.time())

    def verify(self, token: str) -> Principal:
        """Return who the token is, by the keys as they are now.

        Raises `Unauthenticated` (`token_expired`, `token_wrong_audience`, `token_wrong_issuer`, `token_invalid`),
        `Forbidden` (`token_without_tenant`), or `Unavailable` when the provider's keys can't be had.
        """
        try:
            issuer = self._issuer_of(token)
            claims = self._claims(token, issuer)
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("token_expired", "The token has expired: get a new one.") from error
        except jwt.InvalidAudienceError as error:
            raise Unauthenticated("token_wrong_audience", "The token is meant for another service.") from error
        except (jwt.PyJWTError, RecursionError, OverflowError, UnicodeError) as error:
            raise Unauthenticated("token_invalid", "The token is malformed, altered or not yet valid.") from error
        principal = _principal(claims, issuer)
        self._verified.remember(token, principal, time.time())
        return principal

    def _issuer_of(self, token: str) -> TrustedIssuer:
        """Return whose token it says it is; nothing else of an unverified token is believed."""
        said = jwt.decode(token, options={"verify_signature": False}).get("iss")
        found = self._issuers.get(said) if isinstance(said, str) else None
        if said is not None and found is None:
            raise Unauthenticated("token_wrong_issuer", "The token comes from another identity provider.")
        if found is None or jwt.get_unverified_header(token).get("alg") not in found.algorithms:
            raise Unauthenticated("token_invalid", "The token has no issuer, or a signature that is not accepted.")
        return found

    def _claims(self, token: str, issuer: TrustedIssuer) -> Mapping[str, Any]:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            issuer.keys.get_signing_key_from_jwt(token),
            algorithms=list(issuer.algorithms),
            audience=self._audience,
            issuer=issuer.name,
            leeway=_LEEWAY_S,
            options={"require": list(_REQUIRED)},
        )
        return claims


def _principal(claims: Mapping[str, Any], issuer: TrustedIssuer) -> Principal:
    try:
        tenant_id = UUID(str(claims.get("tenant_id")))
    except ValueError as error:
        raise Forbidden("token_without_tenant", "The token names no tenant (claim tenant_id).") from error
    return Principal(
        subject=_subject(claims["sub"]),
        tenant_id=tenant_id,
        scopes=_scopes(claims),
        expires_at=datetime.fromtimestamp(min(int(claims["exp"]) + _LEEWAY_S, _LATEST), UTC),
        grant=_grant(claims, tenant_id) if issuer.is_own else None,
    )


def _grant(claims: Mapping[str, Any], tenant_id: UUID) -> ClientGrant:
    try:
        return ClientGrant(UUID(str(claims["client_id"])), tenant_id, int(claims[GENERATION_CLAIM]))
    except (KeyError, ValueError, TypeError) as error:
        raise Unauthenticated("token_invalid", "The token names no client of this installation.") from error


def _subject(sub: object) -> str:
    """Return who it is; raise for what neither the journal nor a log line can hold."""
    if not isinstance(sub, str) or not 1 <= len(sub) <= _MAX_SUBJECT_CHARS or _CONTROL.search(sub):
        raise Unauthenticated(
            "token_invalid", f"The claim sub must be 1 to {_MAX_SUBJECT_CHARS} characters without control characters."
        )
    return sub


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes: words in `scope` (RFC 8693), or a list in `scope` or `scopes`."""
    raw = claims.get("scope", claims.get("scopes", ""))
    scopes = raw.split() if isinstance(raw, str) else raw
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise Unauthenticated("token_invalid", "The claim scope must be a text or a list of texts.")
    return frozenset(scopes)


@cache
def token_verifier() -> TokenVerifier:
    """Return the verifier of this process, configured from the settings."""
    url: str = settings.JWKS_URL
    keys: KeySource
    if url.startswith("file://"):
        keys = FileKeys(Path(url.removeprefix("file://")))
    else:
        keys = ProviderKeys(url, kept_s=settings.JWKS_KEPT_S)
    return TokenVerifier(
        keys,
        issuer=settings.JWT_ISSUER,
        audience=settings.JWT_AUDIENCE,
        algorithms=settings.JWT_ALGORITHMS,
        own=TrustedIssuer(settings.TOKEN_ISSUER, own_keys(), (ALGORITHM,), is_own=True),
    )
