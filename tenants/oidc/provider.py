"""The OpenID provider behind the admin's sign-in: what it says of itself, its tokens, its claims.

Everything it says is bounded in bytes and time, and checked as OpenID Connect Core 1.0 demands of a client: issuer,
audience, authorized party, nonce, expiry, and that the claims are of the person of the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from django.conf import settings

from astra_site.lib.bounded_http import AnswerRefused, fetch_json
from astra_site.lib.errors import Unavailable
from astra_site.lib.jwks import ProviderKeys
from tenants.errors import SignInInvalid

_METADATA_FOR_S: Final = 600.0
_WITHIN_S: Final = 5.0
_MAX_BYTES: Final = 256 * 1024
_LEEWAY_S: Final = 30
_REQUIRED: Final = ("iss", "sub", "aud", "exp", "iat", "nonce")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The provider's addresses; `end_session` is empty where it has none."""

    authorization: str
    token: str
    userinfo: str
    jwks: str
    end_session: str


class OpenIdProvider:
    """One provider, known by its issuer address. Safe to share between threads."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, algorithms: tuple[str, ...]) -> None:
        """Remember whom to ask; nothing is asked yet."""
        self._issuer, self._client_id, self._client_secret = issuer, client_id, client_secret
        self._algorithms = [name for name in algorithms if not name.startswith("HS") and name != "none"]
        self._endpoints: Endpoints | None = None
        self._read_at_s = float("-inf")
        self._keys: tuple[str, ProviderKeys] | None = None

    def endpoints(self) -> Endpoints:
        """Return the provider's addresses, read from it every ten minutes; raise `Unavailable` when it is down."""
        if self._endpoints is None or monotonic() - self._read_at_s > _METADATA_FOR_S:
            address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            self._endpoints = self._checked(fetch_json(address, deadline_s=_WITHIN_S, max_bytes=_MAX_BYTES))
            self._read_at_s = monotonic()
        return self._endpoints

    def redeem(self, code: str, *, redirect_uri: str, code_verifier: str) -> Mapping[str, Any]:
        """Return the tokens for a code. Raises `SignInInvalid` (`oidc_code_refused`) or `Unavailable`."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": code_verifier,
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        try:
            return fetch_json(self.endpoints().token, deadline_s=_WITHIN_S, max_bytes=_MAX_BYTES, form=form)
        except AnswerRefused as error:
            if error.status in (400, 401, 403):
                raise SignInInvalid(
                    "oidc_code_refused", "The identity provider does not take its code back."
                ) from error
            raise

    def verified(self, id_token: object, *, nonce: str) -> Mapping[str, Any]:
        """Return the claims of an ID token of this provider, for this client, of this sign-in.

        Raises `SignInInvalid` (`oidc_token_invalid`), or `Unavailable` when the keys can't be had.
        """
        try:
            if not isinstance(id_token, str):
                raise jwt.DecodeError("no token")
            claims: dict[str, Any] = jwt.decode(
                id_token,
                self._key_source().get_signing_key_from_jwt(id_token),
                algorithms=self._algorithms,
                audience=self._client_id,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": list(_REQUIRED)},
            )
        except (jwt.PyJWTError, RecursionError, OverflowError, UnicodeError) as error:
            raise _invalid() from error
        if not nonce or claims["nonce"] != nonce or claims.get("azp", self._client_id) != self._client_id:
            raise _invalid()
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
            raise _invalid()
        return claims

    def claims_of(self, access_token: object, verified: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the provider says of the person, ID token and userinfo together; the latter must be of the same.

        Raises `SignInInvalid` (`oidc_claims_of_another`) or `Unavailable`.
        """
        address = self.endpoints().userinfo
        if not address:
            return dict(verified)
        headers = {"Authorization": f"Bearer {access_token}"}
        found = fetch_json(address, deadline_s=_WITHIN_S, max_bytes=_MAX_BYTES, headers=headers)
        if found.get("sub") != verified["sub"]:
            raise SignInInvalid("oidc_claims_of_another", "The identity provider's claims are of another person.")
        return {**verified, **found}

    def _key_source(self) -> ProviderKeys:
        """Return the keys at the address that the provider names now."""
        address = self.endpoints().jwks
        if self._keys is None or self._keys[0] != address:
            self._keys = address, ProviderKeys(address, kept_s=_METADATA_FOR_S)
        return self._keys[1]

    def _checked(self, said: Mapping[str, Any]) -> Endpoints:
        if said.get("issuer") != self._issuer:
            raise Unavailable(
                "provider_answer_invalid", "The identity provider has another name than ASTRA_OIDC_ISSUER."
            )
        return Endpoints(
            authorization=self._address(said, "authorization_endpoint"),
            token=self._address(said, "token_endpoint"),
            userinfo=self._address(said, "userinfo_endpoint", optional=True),
            jwks=self._address(said, "jwks_uri"),
            end_session=self._address(said, "end_session_endpoint", optional=True),
        )

    def _address(self, said: Mapping[str, Any], name: str, *, optional: bool = False) -> str:
        """Return an address that secrets may be sent to: HTTPS, or on this machine."""
        address = said.get(name, "" if optional else None)
        parts = urlsplit(address) if isinstance(address, str) else urlsplit("")
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if (optional and address == "") or (is_safe and isinstance(address, str)):
            return str(address)
        raise Unavailable("provider_answer_invalid", f"The identity provider names no safe address as {name}.")


def openid_provider() -> OpenIdProvider:
    """Return the provider that the settings name."""
    return _provider(
        settings.OIDC_ISSUER,
        settings.OIDC_RP_CLIENT_ID,
        settings.OIDC_RP_CLIENT_SECRET,
        tuple(settings.OIDC_ALGORITHMS),
    )


@lru_cache(maxsize=4)
def _provider(issuer: str, client_id: str, client_secret: str, algorithms: tuple[str, ...]) -> OpenIdProvider:
    return OpenIdProvider(issuer, client_id, client_secret, algorithms)


def _invalid() -> SignInInvalid:
    return SignInInvalid(
        "oidc_token_invalid", "The identity provider's token is altered, expired or not for this site."
    )
