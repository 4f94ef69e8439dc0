"""A program with an id and a secret, as it calls the token endpoint and the API."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote, urlencode

from rest_framework.test import APIClient

from astra_site.lib.tenancy import tenant_scope
from tenants.api_clients.services import create_client
from tenants.models import ApiClient
from tests.people import Person, client_with
from tests.sessions.minutes_client import BASE, START

TOKEN = "/v1/oauth/token"
FORM = "application/x-www-form-urlencoded"


class Program:
    """One API client of a person's council."""

    def __init__(self, person: Person, *scopes: str, **fields: Any) -> None:
        self.client, self.secret = create_client(
            person.tenant_id,
            name=fields.pop("name", "Grabadora"),
            scopes=scopes or ("sessions:read", "sessions:write"),
            expires_at=fields.pop("expires_at", None),
            actor="test",
        )

    def ask(self, secret: str | None = None, scope: str = "") -> Any:
        """Ask for a token."""
        sent = basic(str(self.client.pk), self.secret if secret is None else secret)
        return ask({"Authorization": sent}, **({"scope": scope} if scope else {}))

    def token(self, scope: str = "") -> str:
        """A token."""
        answer = self.ask(scope=scope)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])

    def row(self) -> ApiClient:
        """The row as it is now."""
        with tenant_scope(self.client.tenant_id):
            self.client.refresh_from_db()
        return self.client


def basic(client_id: str, secret: str) -> str:
    """The header `Authorization: Basic`, as RFC 6749 section 2.3.1 wants it."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def ask(headers: dict[str, str], body: str | None = None, **form: str) -> Any:
    """Post a form to the token endpoint."""
    sent = urlencode({"grant_type": "client_credentials", **form}) if body is None else body
    return APIClient().generic("POST", TOKEN, sent, content_type=FORM, headers=headers)


def start(token: str) -> Any:
    """Start a session with a token."""
    return client_with(token).post(f"{BASE}/session/start", START, format="json")
