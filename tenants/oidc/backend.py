"""Django's authentication backend for persons of the identity provider, on mozilla-django-oidc's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from tenants.oidc.accounts import sign_in
from tenants.oidc.provider import openid_provider

BACKEND = "tenants.oidc.backend.OidcBackend"


class OidcBackend(OIDCAuthenticationBackend):  # type: ignore[misc]  # mozilla-django-oidc ships no types
    """Runs mozilla-django-oidc's exchange with our provider client, which bounds and checks what comes back."""

    def __init__(self) -> None:
        """Ask the provider nothing: Django makes a backend for every request of whoever is signed in."""
        self.UserModel = get_user_model()
        self.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_ID
        self.OIDC_RP_CLIENT_SECRET = settings.OIDC_RP_CLIENT_SECRET

    def authenticate(
        self, request: HttpRequest | None, nonce: str = "", code_verifier: str = "", **credentials: Any
    ) -> Any:
        """Return whose code the callback's request brings; None for a sign-in of another kind, such as a password.

        Raises `SignInRefused`, `SignInInvalid` and `Unavailable`.
        """
        if not nonce or not code_verifier:
            return None
        return super().authenticate(request, nonce=nonce, code_verifier=code_verifier)

    def get_token(self, payload: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the provider's tokens for the code."""
        return openid_provider().redeem(
            payload["code"], redirect_uri=payload["redirect_uri"], code_verifier=payload["code_verifier"]
        )

    def verify_token(self, token: object, **kwargs: Any) -> Mapping[str, Any]:
        """Return the claims of the ID token."""
        return openid_provider().verified(token, nonce=str(kwargs.get("nonce") or ""))

    def get_or_create_user(
        self, access_token: object, id_token: object, payload: Mapping[str, Any]
    ) -> AbstractBaseUser:
        """Return the account of the person whom the claims are about."""
        return sign_in(openid_provider().claims_of(access_token, payload))

    def get_user(self, user_id: Any) -> AbstractBaseUser | None:
        """Return the account of a session, unless it was switched off meanwhile."""
        return ModelBackend.get_user(self, user_id)
