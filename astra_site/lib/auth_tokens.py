"""Access tokens: JWTs signed by the identity provider, checked against its published keys (JWKS, RFC 7517/7519)."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import jwt
from django.conf import settings
from jwt import PyJWK, PyJWKClient, PyJWKSet
from jwt.exceptions import PyJWKClientConnectionError, PyJWKSetError

from astra_site.lib.errors import Forbidden, Unauthenticated, Unavailable

ALLOWED_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"})
_LEEWAY_S = 10
_FETCH_TIMEOUT_S = 5
_MAX_SUBJECT_CHARS = 200
_REMEMBERED_S = 60.0
_MOST_REMEMBERED = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NO_KEYS = (OSError, HTTPException, ValueError, TypeError, AttributeError, PyJWKSetError)
"""What reading keys raises when they are not there, half-written, or no JWKS at all."""
_LATEST = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_REQUIRED = ("exp", "iss", "aud", "sub")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: the subject of the token, its one tenant, and what it may do.

    `expires_at` is the moment from which the token is refused (its `exp` and the leeway). A request ends before it
    matters; a connection that stays open must end by then.
    """

    subject: str
    tenant_id: UUID
    scopes: frozenset[str]
    expires_at: datetime
    is_authenticated: bool = True

    @property
    def pk(self) -> str:
        """The identity that throttles and logs use."""
        return self.subject


class KeySource(Protocol):
    """Where the provider's public keys come from."""

    def get_signing_key_from_jwt(self, token: str) -> PyJWK:
        """Return the key that the token's header names."""
        ...


class FileKeys:
    """Keys from a JWKS file, read again when the file changes (development, air-gapped sites)."""

    def __init__(self, path: Path) -> None:
        """Remember the path; nothing is read yet."""
        self._path = path
        self._read_at_mtime_ns = -1
        self._keys: Mapping[str, PyJWK] = {}

    def get_signing_key_from_jwt(self, token: str) -> PyJWK:
        """Return the key whose id stands in the token's header; raise `PyJWKClientError` for none."""
        try:
            mtime_ns = self._path.stat().st_mtime_ns
            if mtime_ns != self._read_at_mtime_ns:
                found = PyJWKSet.from_dict(json.loads(self._path.read_text()))
                self._keys = {str(key.key_id): key for key in found.keys}
                self._read_at_mtime_ns = mtime_ns
        except _NO_KEYS as error:
            raise Unavailable("identity_keys_unavailable", "The identity provider's keys can't be read.") from error
        kid = str(jwt.get_unverified_header(token).get("kid"))
        if kid not in self._keys:
            raise jwt.PyJWKClientError("The token names a key that the provider does not publish.")
        return self._keys[kid]


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
    """Checks signature, algorithm, issuer, audience, expiry and the tenant claim of an access token."""

    def __init__(self, keys: KeySource, *, issuer: str, audience: str, algorithms: list[str]) -> None:
        """Refuse, at start, algorithms that are not public-key signatures (`none`, HMAC)."""
        refused = set(algorithms) - ALLOWED_ALGORITHMS
        if refused:
            raise ValueError(f"These JWT algorithms are never accepted: {sorted(refused)}")
        self._keys, self._issuer, self._audience, self._algorithms = keys, issuer, audience, algorithms
        self._verified = VerifiedTokens()

    def recall(self, token: str) -> Principal | None:
        """Return who a token is that was verified within the last minute and has not expired; never blocks.

        For what comes every few seconds. A key that the provider withdraws is noticed here within a minute.
        """
        return self._verified.principal_of(token, time.time())

    def verify(self, token: str) -> Principal:
        """Return who the token is, by the keys as they are now.

        Raises `Unauthenticated` (`token_expired`, `token_wrong_audience`, `token_wrong_issuer`, `token_invalid`),
        `Forbidden` (`token_without_tenant`), or `Unavailable` when the provider's keys can't be had.
        """
        try:
            if jwt.get_unverified_header(token).get("alg") not in self._algorithms:
                raise Unauthenticated("token_invalid", "The token is signed with an algorithm that is not accepted.")
            key = self._key_of(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": list(_REQUIRED)},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("token_expired", "The token has expired: get a new one.") from error
        except jwt.InvalidAudienceError as error:
            raise Unauthenticated("token_wrong_audience", "The token is meant for another service.") from error
        except jwt.InvalidIssuerError as error:
            raise Unauthenticated("token_wrong_issuer", "The token comes from another identity provider.") from error
        except PyJWKClientConnectionError as error:
            raise Unavailable("identity_keys_unavailable", "The identity provider does not answer.") from error
        except (jwt.PyJWTError, RecursionError, OverflowError, UnicodeError) as error:
            raise Unauthenticated("token_invalid", "The token is malformed, altered or not yet valid.") from error
        principal = _principal(claims)
        self._verified.remember(token, principal, time.time())
        return principal

    def _key_of(self, token: str) -> PyJWK:
        try:
            return self._keys.get_signing_key_from_jwt(token)
        except _NO_KEYS as error:
            raise Unavailable(
                "identity_keys_unavailable", "The identity provider publishes no keys that can be read."
            ) from error


def _principal(claims: Mapping[str, Any]) -> Principal:
    try:
        tenant_id = UUID(str(claims.get("tenant_id")))
    except ValueError as error:
        raise Forbidden("token_without_tenant", "The token names no tenant (claim tenant_id).") from error
    return Principal(
        subject=_subject(claims["sub"]),
        tenant_id=tenant_id,
        scopes=_scopes(claims),
        expires_at=datetime.fromtimestamp(min(int(claims["exp"]) + _LEEWAY_S, _LATEST), UTC),
    )


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
        keys = PyJWKClient(url, cache_keys=True, lifespan=300, timeout=_FETCH_TIMEOUT_S)
    return TokenVerifier(
        keys, issuer=settings.JWT_ISSUER, audience=settings.JWT_AUDIENCE, algorithms=settings.JWT_ALGORITHMS
    )
