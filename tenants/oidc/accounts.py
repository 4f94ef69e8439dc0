"""The account of a person who signs in by OpenID Connect, made to agree with the provider's claims at each sign-in."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from astra_site.lib.clock import utc_now
from astra_site.lib.tenancy import all_tenants
from tenants.errors import SignInInvalid, SignInRefused
from tenants.models import Membership, PersonIdentity, Role, Tenant
from tenants.oidc.claims import Person, person_of

logger = logging.getLogger(__name__)


def sign_in(claims: Mapping[str, Any]) -> User:
    """Return the person's account, with the memberships that the claims name and no others.

    The account belongs to issuer and subject, whatever happens to the address or the name. It is never made a
    superuser here, and an account that others made is never taken over.

    Raises:
        SignInRefused: the claims name no council that is here (`oidc_no_council`), no role (`oidc_no_role`), or the
            account is switched off (`oidc_account_off`). The memberships that it had are gone all the same.
        SignInInvalid: the claims are not about a person (`oidc_claims_unreadable`).
    """
    person = _person(claims)
    councils = _councils(person)
    role = person.roles[0] if person.roles else None
    known = PersonIdentity.objects.filter(issuer=settings.OIDC_ISSUER, subject=person.subject).first()
    if known is None:
        _refuse_without(councils, role)
        known = _new_identity(person)
    with transaction.atomic():
        identity = PersonIdentity.objects.select_for_update(of=("self",)).select_related("user").get(pk=known.pk)
        _agree(identity.user, councils if role else {}, role)
        if identity.user.is_active and councils and role:
            _note(identity, person)
    if not identity.user.is_active:
        raise SignInRefused("oidc_account_off", "This account is switched off.")
    _refuse_without(councils, role)
    return identity.user


def _person(claims: Mapping[str, Any]) -> Person:
    try:
        return person_of(
            claims,
            issuer=settings.OIDC_ISSUER,
            tenant_claim=settings.OIDC_TENANT_CLAIM,
            groups_claim=settings.OIDC_GROUPS_CLAIM,
            groups_of_role=(
                (Role.ADMIN, settings.OIDC_ADMIN_GROUPS),
                (Role.CLERK, settings.OIDC_CLERK_GROUPS),
                (Role.VIEWER, settings.OIDC_VIEWER_GROUPS),
            ),
        )
    except ValueError as error:
        raise SignInInvalid("oidc_claims_unreadable", "The identity provider does not say who this is.") from error


def _councils(person: Person) -> dict[UUID, str]:
    """Return the active councils that the claims name, by short name or id."""
    ids = {found for name in person.councils if (found := _uuid(name)) is not None}
    rows = Tenant.objects.filter(is_active=True)
    return dict((rows.filter(slug__in=person.councils) | rows.filter(pk__in=ids)).values_list("pk", "slug"))


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _refuse_without(councils: Mapping[UUID, str], role: str | None) -> None:
    if not councils:
        raise SignInRefused("oidc_no_council", "The identity provider names no council of this installation.")
    if role is None:
        raise SignInRefused("oidc_no_role", "The identity provider names no group that stands for a role here.")


def _new_identity(person: Person) -> PersonIdentity:
    """Make account and identity; of two sign-ins at once the second finds what the first one made."""
    names = {"issuer": settings.OIDC_ISSUER, "subject": person.subject}
    try:
        with transaction.atomic():
            user = User(username=person.user_name, is_staff=True)
            user.set_unusable_password()
            user.save()
            return PersonIdentity.objects.create(user=user, **names)
    except IntegrityError:
        found = PersonIdentity.objects.filter(**names).first()
    if found is None:
        raise SignInRefused("oidc_name_taken", f"The user name {person.user_name} belongs to another account here.")
    return found


def _agree(user: User, councils: Mapping[UUID, str], role: str | None) -> None:
    """Make, change and end memberships so that they are what the claims say."""
    with all_tenants(reason="bring a person's memberships to what the identity provider says"):
        gone = Membership.objects.filter(user=user).exclude(tenant_id__in=councils)
        for membership in gone:
            logger.info("Membership ended by the identity provider: %s in %s", user.pk, membership.tenant_id)
        gone.delete()
        for tenant_id in councils:
            Membership.objects.update_or_create(user=user, tenant_id=tenant_id, defaults={"role": role})
            logger.info("Membership by the identity provider: %s in %s is %s", user.pk, tenant_id, role)


def _note(identity: PersonIdentity, person: Person) -> None:
    user = identity.user
    user.email, user.first_name, user.last_name = person.email, person.first_name, person.last_name
    user.is_staff = True
    user.save(update_fields=["email", "first_name", "last_name", "is_staff"])
    identity.last_login_at = utc_now()
    identity.save(update_fields=["last_login_at"])
