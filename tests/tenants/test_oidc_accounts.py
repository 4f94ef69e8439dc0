"""Whose account it is, and what it may: as the provider's claims say at each sign-in, and never more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import Settings

from astra_site.lib.clock import utc_now
from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import all_tenants
from tenants.models import Membership, PersonIdentity, Role, Tenant
from tenants.oidc.accounts import sign_in
from tenants.oidc.backend import BACKEND, OidcBackend
from tests.browser.people import join, member
from tests.oidc_site import configure
from tests.people import Person

pytestmark = pytest.mark.django_db
ISSUER = "https://id.example.org"


@pytest.fixture(autouse=True)
def _provider(settings: Settings, alice: Person) -> None:
    configure(settings, ISSUER)


def claims(**changes: Any) -> dict[str, Any]:
    return {"sub": "luz", "tenant_id": "quibdo", "groups": ["clerk"], "email": "luz@quibdo.co", **changes}


def refused(**changes: Any) -> str:
    with pytest.raises(AstraError) as caught:
        sign_in(claims(**changes))
    return caught.value.code


def roles_of(user: User) -> dict[str, str]:
    with all_tenants(reason="a test looks"):
        return {row.tenant.slug: row.role for row in Membership.objects.filter(user=user).select_related("tenant")}


def test_another_address_is_the_same_person_and_another_person_is_not(settings: Settings) -> None:
    first = sign_in(claims())
    assert sign_in(claims(email="luz.marina@elsewhere.co", preferred_username="other")) == first
    first.refresh_from_db()
    assert first.email == "luz.marina@elsewhere.co"
    assert sign_in(claims(sub="imposter")) != first
    settings.OIDC_ISSUER = "https://another.example.org"
    assert sign_in(claims()) != first
    assert User.objects.count() == PersonIdentity.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_first_sign_in_from_many_places_at_once_is_one_account(alice: Person) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = {user.pk for user in pool.map(in_thread_of_its_own, [claims()] * 6)}
    assert len(found) == User.objects.count() == PersonIdentity.objects.count() == 1
    assert roles_of(User.objects.get()) == {"quibdo": "clerk"}


def in_thread_of_its_own(said: dict[str, Any]) -> User:
    try:
        return sign_in(said)
    finally:
        connection.close()


def test_an_account_with_a_password_is_never_taken_over(alice: Person) -> None:
    mine = member(alice.council, Role.ADMIN, "luz")
    mine.email = "luz@quibdo.co"
    mine.save()
    theirs = sign_in(claims(preferred_username="luz"))
    assert theirs != mine
    assert theirs.username.startswith("luz-")
    assert not theirs.has_usable_password()
    taken = User.objects.create_user(sign_in(claims(sub="x")).username + "-")
    assert taken.username != theirs.username


def test_a_user_name_that_somebody_has_made_is_a_refusal() -> None:
    name = sign_in(claims()).username
    PersonIdentity.objects.all().delete()
    assert User.objects.filter(username=name).exists()
    assert refused() == "oidc_name_taken"


def test_memberships_are_made_changed_and_ended_as_the_claims_say(alice: Person, charlie: Person) -> None:
    user = sign_in(claims())
    assert roles_of(user) == {"quibdo": "clerk"}
    sign_in(claims(tenant_id=["quibdo", str(charlie.tenant_id)], groups=["viewer", "admin"]))
    assert roles_of(user) == {"quibdo": "admin", "tado": "admin"}
    sign_in(claims(tenant_id="tado", groups=["viewer"]))
    assert roles_of(user) == {"tado": "viewer"}
    other = member(alice.council, Role.CLERK, "other")
    join(user, alice.council, Role.ADMIN)
    sign_in(claims(tenant_id="tado"))
    assert roles_of(user) == {"tado": "clerk"}
    assert roles_of(other) == {"quibdo": "clerk"}


@pytest.mark.parametrize(
    "tenant", [None, "", [], "nowhere", ["nowhere"], 7, {"quibdo": 1}, True, "quibdo\x00", "QUIBDO", ["quibdo " * 50]]
)
def test_a_person_of_no_known_council_is_refused_and_loses_what_there_was(tenant: object) -> None:
    assert refused(sub="new", tenant_id=tenant) == "oidc_no_council"
    assert not User.objects.exists()
    user = sign_in(claims())
    assert refused(tenant_id=tenant) == "oidc_no_council"
    assert roles_of(user) == {}


@pytest.mark.parametrize("groups", [None, "", [], "nobody", ["superuser", "root"], 5, {"admin": True}, [["admin"]]])
def test_a_person_without_a_role_is_refused_and_loses_what_there_was(groups: object) -> None:
    user = sign_in(claims())
    assert refused(groups=groups) == "oidc_no_role"
    assert roles_of(user) == {}
    assert refused(sub="new", groups=groups) == "oidc_no_role"
    assert User.objects.count() == 1


def test_a_council_that_is_switched_off_is_none() -> None:
    Tenant.objects.update(is_active=False)
    assert refused() == "oidc_no_council"


def test_no_claim_makes_a_superuser() -> None:
    user = sign_in(
        claims(
            is_superuser=True,
            is_staff=True,
            groups=["admin", "superuser"],
            roles=["superuser"],
            user_permissions=["*"],
            tenant_id=["quibdo", "*", "all"],
        )
    )
    user.refresh_from_db()
    assert not user.is_superuser
    assert not user.user_permissions.exists()
    assert roles_of(user) == {"quibdo": "admin"}


def test_an_account_that_is_switched_off_stays_so() -> None:
    user = sign_in(claims())
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert refused() == "oidc_account_off"
    assert OidcBackend().get_user(user.pk) is None


@pytest.mark.parametrize("subject", [None, "", 7, "x" * 256, "a\x00b", ["luz"]])
def test_a_subject_that_is_none_is_refused(subject: object) -> None:
    assert refused(sub=subject) == "oidc_claims_unreadable"


def test_odd_names_and_addresses_are_left_out() -> None:
    user = sign_in(claims(email="x" * 300, given_name=["a"], family_name="b\x00", preferred_username="../<b>ñ" * 9))
    assert (user.email, user.first_name, user.last_name) == ("", "", "")
    user.full_clean(exclude=["password"])


def test_the_session_ends_when_the_claims_have_to_be_read_again(client: Client, settings: Settings) -> None:
    user = sign_in(claims())
    client.force_login(user, BACKEND)
    assert client.get("/admin/").status_code == 200
    session = client.session
    session.set_expiry(utc_now() - timedelta(seconds=1))
    session.save()
    assert client.get("/admin/").status_code == 302


def test_without_the_provider_its_sessions_are_over(client: Client, settings: Settings) -> None:
    client.force_login(sign_in(claims()), BACKEND)
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert client.get("/admin/").status_code == 302


def test_staff_see_whose_account_it_is(client: Client) -> None:
    user = sign_in(claims())
    client.force_login(User.objects.create_superuser("root", password="x"), "django.contrib.auth.backends.ModelBackend")
    assert f"{ISSUER} · luz" in client.get(f"/admin/auth/user/{user.pk}/change/").content.decode()
    root = User.objects.get(username="root")
    assert ISSUER not in client.get(f"/admin/auth/user/{root.pk}/change/").content.decode()
