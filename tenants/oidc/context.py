"""What the login page has to know."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def sign_in(request: HttpRequest) -> dict[str, bool]:
    """Tell every template whether people can sign in by an identity provider."""
    return {"oidc_is_on": bool(settings.OIDC_ISSUER)}
