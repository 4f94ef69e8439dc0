"""How long a session of the admin lasts, whichever way it was begun."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest

from tenants.oidc.backend import BACKEND


def last_as_usual(request: HttpRequest, **kwargs: Any) -> None:
    """Let a session that a password begins last as usual, also where a sign-in at the provider was begun before it."""
    if request.session.get(BACKEND_SESSION_KEY) != BACKEND:
        request.session.set_expiry(None)
