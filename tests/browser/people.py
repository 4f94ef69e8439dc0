"""People who sign in to the admin."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client

from astra_site.lib.tenancy import tenant_scope
from tenants.models import Membership, Role, Tenant

PASSWORD = "a-Long-Enough-Word-9"


def member(council: Tenant, role: Role, name: str = "") -> User:
    """Make a person with a role in a council."""
    user = User.objects.create_user(name or f"{role}-{council.slug}", password=PASSWORD, is_staff=True)
    join(user, council, role)
    return user


def join(user: User, council: Tenant, role: Role) -> None:
    """Make a person a member of one more council."""
    with tenant_scope(council.id):
        Membership.objects.create(tenant=council, user=user, role=role)


def signed_in(user: User, language: str = "es") -> Client:
    """A client that is signed in and asks for pages in a language."""
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client
