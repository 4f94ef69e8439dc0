"""A council's administrator makes an API client, sees its secret once, and shuts it out."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from astra_site.lib.tenancy import all_tenants, tenant_scope
from tenants.models import ApiClient, ApiClientEvent, Role
from tests.browser.people import join, member, signed_in
from tests.people import Person
from tests.tenants.api_client import Program, ask, basic, start

pytestmark = pytest.mark.django_db
LIST, ADD = "admin:tenants_apiclient_changelist", "admin:tenants_apiclient_add"
SECRET = re.compile(r'id="client-secret">(astra_[\w-]{43})<')
CLIENT_ID = re.compile(r'id="client-id">([0-9a-f-]{36})<')


@pytest.fixture
def admin(alice: Person, clean_redis: None) -> Client:
    return signed_in(member(alice.council, Role.ADMIN, "ana"), "en")


def form(person: Person, **changes: Any) -> dict[str, Any]:
    return {"tenant": str(person.tenant_id), "name": "Recorder", "scopes": ["sessions:read"], **changes}


def page(client: Client, name: str, *args: object) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def make(client: Client, person: Person, **changes: Any) -> tuple[str, str]:
    """Make a client as a person does; return its id and secret as they are shown."""
    answer = client.post(reverse(ADD), form(person, **changes))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    shown = answer.content.decode()
    [secret], [client_id] = SECRET.findall(shown), CLIENT_ID.findall(shown)
    return client_id, secret


def clients() -> list[ApiClient]:
    with all_tenants(reason="a test looks"):
        return list(ApiClient.objects.order_by("name"))


def test_the_secret_is_shown_once_and_opens_the_api(admin: Client, alice: Person) -> None:
    client_id, secret = make(admin, alice, scopes=["sessions:read", "sessions:write"])
    answer = ask({"Authorization": basic(client_id, secret)})
    assert answer.json()["scope"] == "sessions:read sessions:write"
    assert start(answer.json()["access_token"]).status_code == 201
    for shown in (page(admin, LIST), page(admin, "admin:tenants_apiclient_change", client_id)):
        assert "Recorder" in shown
        assert secret not in shown
    assert "Token issued" in page(admin, "admin:tenants_apiclient_change", client_id)
    assert secret not in str(list(admin.session.items()))


def test_sending_the_form_again_makes_no_second_client(admin: Client, alice: Person) -> None:
    make(admin, alice)
    again = admin.post(reverse(ADD), form(alice))
    assert again.status_code == 200
    assert not SECRET.search(again.content.decode())
    assert len(clients()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"name": ""},
        {"expires_at_0": "2020-01-01", "expires_at_1": "00:00:00"},
    ],
)
def test_a_form_that_makes_no_sense_makes_no_client(admin: Client, alice: Person, wrong: dict[str, Any]) -> None:
    assert admin.post(reverse(ADD), form(alice, **wrong)).status_code == 200
    assert clients() == []


def test_a_new_secret_is_shown_once_and_the_old_one_is_dead(admin: Client, alice: Person) -> None:
    client_id, old = make(admin, alice)
    answer = admin.post(reverse("admin:tenants_apiclient_secret", args=[client_id]))
    [new] = SECRET.findall(answer.content.decode())
    assert new != old
    assert ask({"Authorization": basic(client_id, old)}).status_code == 401
    assert ask({"Authorization": basic(client_id, new)}).status_code == 200


def test_revoking_and_putting_back_stand_in_the_history_with_who_did_it(admin: Client, alice: Person) -> None:
    program = Program(alice)
    token = program.token()
    client_id = program.client.pk
    answer = admin.post(reverse("admin:tenants_apiclient_revoke", args=[client_id]), follow=True)
    assert "Revoked" in answer.content.decode()
    assert start(token).json()["code"] == "client_revoked"
    admin.post(reverse("admin:tenants_apiclient_restore", args=[client_id]))
    assert program.ask().status_code == 200
    with tenant_scope(alice.tenant_id):
        said = list(ApiClientEvent.objects.order_by("recorded_at", "id").values_list("kind", "actor"))
    assert said == [
        ("created", "test"),
        ("token", "client:Grabadora"),
        ("revoked", "admin:ana"),
        ("restored", "admin:ana"),
        ("token", "client:Grabadora"),
    ]


def test_only_a_form_changes_anything(admin: Client, alice: Person) -> None:
    program = Program(alice)
    for verb in ("secret", "revoke", "restore"):
        answer = admin.get(reverse(f"admin:tenants_apiclient_{verb}", args=[program.client.pk]))
        assert answer.status_code == 405
    assert program.row().generation == 1


def test_permissions_and_end_are_changed_by_the_form(admin: Client, alice: Person) -> None:
    program = Program(alice)
    end = timezone.localtime() + timedelta(days=1)
    changed = form(alice, name="Reader", expires_at_0=f"{end:%Y-%m-%d}", expires_at_1="12:00:00")
    address = reverse("admin:tenants_apiclient_change", args=[program.client.pk])
    assert admin.post(address, changed).status_code == 302
    row = program.row()
    assert (row.name, row.scopes, row.generation) == ("Reader", ["sessions:read"], 2)
    assert row.expires_at is not None


def test_a_client_stays_with_its_council_and_nobody_elses_is_seen(alice: Person, charlie: Person) -> None:
    theirs = Program(charlie)
    user = member(alice.council, Role.ADMIN)
    join(user, charlie.council, Role.CLERK)
    both = signed_in(user)
    assert "Grabadora" not in page(both, LIST)
    for verb in ("secret", "revoke", "restore"):
        assert both.post(reverse(f"admin:tenants_apiclient_{verb}", args=[theirs.client.pk])).status_code == 403
    assert both.post(reverse(ADD), form(charlie)).status_code == 200
    assert theirs.row().generation == 1
    assert len(clients()) == 1


def test_text_from_outside_is_text(admin: Client, alice: Person) -> None:
    hostile = "<script>alert(1)</script>"
    program = Program(alice, name=hostile)
    for shown in (page(admin, LIST), page(admin, "admin:tenants_apiclient_change", program.client.pk)):
        assert hostile not in shown
