"""Who calls the API in tests."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from rest_framework.test import APIClient

from tenants.dev_tokens import ALL_SCOPES, issue_dev_token
from tenants.models import Tenant


@dataclass(frozen=True)
class Person:
    """A client app that acts for somebody of a council."""

    name: str
    council: Tenant

    @property
    def tenant_id(self) -> UUID:
        """The council's id."""
        return self.council.id

    def token(self, *scopes: str) -> str:
        """A fresh access token, with every scope unless told."""
        return issue_dev_token(self.tenant_id, subject=self.name, scopes=scopes or ALL_SCOPES)


def client_for(person: Person, *scopes: str) -> APIClient:
    """An HTTP client with the person's token."""
    return client_with(person.token(*scopes))


def client_with(token: str) -> APIClient:
    """An HTTP client with a token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client
