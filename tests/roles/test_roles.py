"""Walks the table of roles over the real pages of the admin and the real addresses of the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django_dramatiq.models import Task
from dramatiq import Message

from astra_site.lib.ids import new_id
from astra_site.lib.tenancy import all_tenants, tenant_scope
from custody.models import HeldObject, Snapshot
from tenants.models import (
    Adapter,
    ConfigVersion,
    Membership,
    QuotaEntry,
    RegisteredModel,
    Role,
    Skeleton,
    SkeletonVersion,
)
from tenants.registry.services import activate_model
from tenants.roles import SCOPES_OF_ROLE
from tests.browser.people import member, signed_in
from tests.people import Person, client_for
from tests.roles.table import FOR_EVERYBODY_SIGNED_IN, NOBODY, STAFF, TABLE
from tests.sessions.minutes_client import OPENING, Minutes, send_body, world
from tests.sessions.samples import WAV
from tests.tenants.api_client import Program

pytestmark = pytest.mark.django_db(transaction=True)
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "roles.md"
ROLES = (*Role.values, STAFF)
API, NOT_FOR_ROLES = "v1/", "v1/oauth/"
NO = "\N{EN DASH}"
COLUMNS = {Role.VIEWER.value: 1, Role.CLERK.value: 2, Role.ADMIN.value: 3, STAFF: 4}


@dataclass
class World:
    """A council with one of everything, and the objects that addresses are filled with."""

    alice: Person
    minutes: Minutes
    program: Program
    ids: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        user = member(self.alice.council, Role.CLERK, "somebody")
        message: Message[None] = Message("realtime", "run_job", (), {}, {})
        task = Task.tasks.create(id=new_id(), status="done", message_data=message.encode())
        with all_tenants(reason="a test looks"):
            self.ids = {
                "sessions_app_session": self.minutes.session_id,
                "jobs_job": self.minutes.jobs()[0].pk,
                "custody_snapshot": Snapshot.objects.get().pk,
                "custody_heldobject": HeldObject.objects.first().pk,
                "tenants_tenant": self.alice.tenant_id,
                "tenants_councilquota": self.alice.tenant_id,
                "tenants_membership": Membership.objects.get(user=user).pk,
                "tenants_skeleton": Skeleton.objects.get().pk,
                "tenants_skeletonversion": SkeletonVersion.objects.get().pk,
                "tenants_mappedcouncil": self.alice.tenant_id,
                "tenants_configversion": ConfigVersion.objects.get().pk,
                **self._models(user),
                "tenants_quotaentry": QuotaEntry.objects.first().pk,
                "tenants_apiclient": self.program.client.pk,
                "auth_user": user.pk,
                "django_dramatiq_task": task.pk,
            }

    def _models(self, user: User) -> dict[str, Any]:
        model = RegisteredModel.objects.create(engine="whisper", name="large")
        with tenant_scope(self.alice.tenant_id):
            adapter = Adapter.objects.create(code="A1", base_model="core-1", address="a", sha256="sha256:" + "0" * 64)
            active = activate_model(model, None, user=user, note="")
        return {
            "tenants_registeredmodel": model.pk,
            "tenants_adapter": adapter.pk,
            "tenants_modelactivation": active.pk,
        }

    def address(self, name: str) -> str:
        """An address of the admin, with the object that it is about."""
        if name == "autocomplete":
            query = "?app_label=tenants&model_name=membership&field_name=user&term=a"
            return reverse("admin:autocomplete") + query
        model, _, page = name.replace("roll_back", "roll-back").rpartition("_")
        if name == "auth_user_password_change":
            model, page = "auth_user", "password_change"
        if page in ("changelist", "add"):
            return reverse(f"admin:{name}")
        more = ["document"] if name == "sessions_app_session_get" else []
        return reverse(f"admin:{name}", args=[self.ids[model], *more])

    def client(self, role: str) -> Client:
        """Somebody of a role, signed in."""
        if role == STAFF:
            return signed_in(User.objects.create_superuser(STAFF, password="x"))
        return signed_in(member(self.alice.council, Role(role)))


@pytest.fixture
def everything(alice: Person) -> World:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    minutes.send_audio(2, WAV)
    minutes.close()
    with tenant_scope(alice.tenant_id):
        QuotaEntry.objects.create(
            tenant_id=alice.tenant_id,
            resource="ai_ms",
            number=1_000_000,
            kind="top_up",
            amount=1,
            recorded_at=minutes.row().started_at,
        )
    return World(alice, minutes, Program(alice))


def addresses(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, route)
        else:
            yield route, entry


ADDRESSES = list(addresses(get_resolver()))


# -- The table and the site ----------------------------------------------------------------------------------------
def test_every_page_of_the_admin_stands_in_the_table() -> None:
    listed = {entry.partition(" ")[2] for line in TABLE for entry in line.admin} | FOR_EVERYBODY_SIGNED_IN
    there = {str(pattern.name) for route, pattern in ADDRESSES if route.startswith("admin/") and pattern.name}
    # Messages of the queues can be looked at only; their package registers the other pages all the same.
    there -= {f"django_dramatiq_task_{page}" for page in ("add", "delete")}
    assert there == listed, "Say in tests/roles/table.py and docs/guides/roles.md who may open these."


def test_every_address_of_the_api_stands_in_the_table() -> None:
    listed = {entry.partition(" ")[2] for line in TABLE for entry in line.api}
    there = {
        str(pattern.name)
        for route, pattern in ADDRESSES
        if route.startswith(API) and not route.startswith(NOT_FOR_ROLES)
    }
    assert there == listed, "Say in tests/roles/table.py and docs/guides/roles.md who may call these."


def test_the_guide_shows_this_table() -> None:
    shown = {}
    for row in GUIDE.read_text().splitlines():
        cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
        if len(cells) == len(COLUMNS) + 1 and cells[-1] in ("yes", NO):
            shown[cells[0]] = frozenset(role for role, column in COLUMNS.items() if cells[column] == "yes")
    assert shown == {line.what: line.who for line in TABLE}


def test_the_guide_shows_the_scopes_of_each_role() -> None:
    text = GUIDE.read_text()
    for role, scopes in SCOPES_OF_ROLE.items():
        assert f"| {role} | {', '.join(f'`{scope}`' for scope in scopes)} |" in text


# -- The admin -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ROLES)
def test_the_admin_opens_to_each_role_what_the_table_says(
    everything: World, role: str, subtests: pytest.Subtests
) -> None:
    client = everything.client(role)
    lines = sorted(TABLE, key=lambda line: role in line.who)
    for line in lines:
        for entry in line.admin:
            method, _, name = entry.partition(" ")
            with subtests.test(what=line.what, address=entry):
                answer = getattr(client, method.lower())(everything.address(name))
                # What is not among somebody's rows leads back to the overview, as if it were not there at all.
                hidden = answer.status_code == 302 and answer["Location"] == reverse("admin:index")
                refused = answer.status_code in (403, 404) or hidden
                assert answer.status_code in (200, 302, 403, 404)
                assert refused == (role not in line.who), answer


@pytest.mark.parametrize("role", ROLES)
def test_the_menu_of_a_list_offers_each_role_what_the_table_says(
    everything: World, role: str, subtests: pytest.Subtests
) -> None:
    client = everything.client(role)
    before = world(everything.alice.tenant_id)
    who_may = {entry: line.who for line in TABLE for entry in line.actions}
    for entry, who in who_may.items():
        model, _, action = entry.partition(": ")
        with subtests.test(action=entry):
            listed = client.get(everything.address(f"{model}_changelist"))
            offered = f'value="{action}"' in listed.content.decode()
            assert offered == (role in who)
            if not offered:
                chosen = {"action": action, "_selected_action": [str(everything.ids[model])], "post": "yes"}
                client.post(everything.address(f"{model}_changelist"), chosen)
    assert world(everything.alice.tenant_id) == before


def test_a_forged_form_of_a_viewer_changes_nothing(everything: World) -> None:
    client = everything.client(Role.VIEWER)
    before = world(everything.alice.tenant_id), sorted(User.objects.values_list("pk", "is_superuser"))
    refused = [line for line in TABLE if Role.VIEWER.value not in line.who]
    forms = [entry.partition(" ")[2] for line in refused for entry in line.admin if entry.startswith("POST")]
    form = {
        **{"name": "Mine", "code": "MINE", "slug": "mine", "username": "mine", "role": "admin", "post": "yes"},
        **{"tenant": str(everything.alice.tenant_id), "scopes": "sessions:admin", "is_superuser": "on"},
        **{"user": everything.ids["auth_user"], "accept_gaps": "1"},
    }
    for name in forms:
        assert client.post(everything.address(name), form).status_code in (403, 404), name
    assert (world(everything.alice.tenant_id), sorted(User.objects.values_list("pk", "is_superuser"))) == before
    row = everything.program.row()
    assert (row.generation, row.is_active, row.name) == (1, True, "Grabadora")


def test_a_form_without_its_mark_is_refused(everything: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member(everything.alice.council, Role.ADMIN))
    for name in ("tenants_apiclient_revoke", "tenants_apiclient_secret", "tenants_apiclient_add"):
        assert client.post(everything.address(name), {}).status_code == 403
    answer = client.get(everything.address("tenants_apiclient_changelist"))
    assert answer["X-Frame-Options"] == "DENY"


# -- The API -------------------------------------------------------------------------------------------------------
API_LINES = [line for line in TABLE if line.api]


@pytest.mark.parametrize("role", Role.values)
def test_the_api_opens_to_the_scopes_of_each_role_what_the_table_says(
    everything: World, role: str, subtests: pytest.Subtests
) -> None:
    client = client_for(everything.alice, *SCOPES_OF_ROLE[role])
    arguments = {
        "tenant_id": everything.alice.tenant_id,
        "number": 1,
        "session_id": everything.minutes.session_id,
        "job_id": everything.ids["jobs_job"],
        "block_id": "1.0",
    }
    for line in sorted(API_LINES, key=lambda line: role in line.who):
        for entry in line.api:
            method, _, name = entry.partition(" ")
            [pattern] = [pattern for _, pattern in ADDRESSES if pattern.name == name]
            address = reverse(name, kwargs={key: arguments[key] for key in pattern.pattern.converters})
            with subtests.test(what=line.what, call=entry):
                answer = call(client, method, address)
                refused = answer.status_code == 403 and answer.json()["code"] == "scope_missing"
                assert refused == (role not in line.who), answer.content
                assert refused or answer.status_code < 500


def test_the_api_answers_no_method_that_the_table_lacks(everything: World) -> None:
    listed = {entry for line in TABLE for entry in line.api}
    for route, pattern in ADDRESSES:
        if route.startswith(API) and not route.startswith(NOT_FOR_ROLES):
            for method in pattern.callback.view_class.http_method_names:  # type: ignore[attr-defined]  # DRF's
                if method != "options" and hasattr(pattern.callback.view_class, method):  # type: ignore[attr-defined]
                    assert f"{method.upper()} {pattern.name}" in listed


def call(client: Any, method: str, address: str) -> Any:
    """Call with nothing that makes sense: who may is asked before what."""
    if method == "GET":
        return client.get(address)
    if address.endswith("/recording"):
        return send_body(client, method, address, b"x", "audio/wav")
    if address.endswith("/upload-asset"):
        return client.post(address, {"caption": "x"}, format="multipart")
    return getattr(client, method.lower())(address, {}, format="json")


def test_lines_are_for_somebody_or_say_that_they_are_for_nobody() -> None:
    assert all(line.who <= set(ROLES) for line in TABLE)
    assert [line.what for line in TABLE if line.who == NOBODY] == [TABLE[-1].what]
