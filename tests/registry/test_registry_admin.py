"""The registry's pages: staff registers, administrators activate, everybody looks, and nobody at another council's."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from astra_site.lib.hashing import Sha256
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import tenant_scope
from tenants.models import Adapter, ModelActivation, RegisteredModel, Role, Tenant
from tests.browser.people import join, member, signed_in
from tests.factories.registry import AdapterFactory, ModelActivationFactory, RegisteredModelFactory
from tests.people import Person
from tests.sessions.minutes_client import Minutes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]
PAGES = ("registeredmodel", "adapter", "modelactivation")
HASH = str(Sha256.of(b"weights"))


@pytest.fixture
def root() -> Client:
    return signed_in(User.objects.create_superuser("root", password="x"))


def page(model: str, name: str = "changelist", *args: object) -> str:
    return reverse(f"admin:tenants_{model}_{name}", args=args)


def activations(council: Tenant) -> list[str]:
    with tenant_scope(council.id):
        return [str(row) for row in ModelActivation.objects.order_by("number")]


def test_staff_registers_models_of_engines_that_there_are(root: Client) -> None:
    form = {"engine": "whisper", "name": "large-v4", "note": ""}
    assert root.post(page("registeredmodel", "add"), {**form, "engine": "oracle"}).status_code == 200
    assert root.post(page("registeredmodel", "add"), form).status_code == 302
    assert root.post(page("registeredmodel", "add"), form).status_code == 200
    assert [str(model) for model in RegisteredModel.objects.all()] == ["whisper:large-v4"]


def test_staff_registers_a_councils_adapter_with_the_hash_of_its_weights(root: Client, council: Tenant) -> None:
    form = {"tenant": council.id, "code": "adapter_v1", "base_model": "core-8b", "address": "s3://a/b", "sha256": HASH}
    for wrong in ({"sha256": HASH.upper()}, {"sha256": "x"}, {"code": "two words"}, {"code": "../up"}):
        assert root.post(page("adapter", "add"), {**form, **wrong}).status_code == 200
    assert root.post(page("adapter", "add"), form).status_code == 302
    with tenant_scope(council.id):
        assert Adapter.objects.get().sha256 == HASH


def test_an_administrator_activates_and_the_next_session_uses_it(council: Tenant, alice: Person) -> None:
    admin = signed_in(member(council, Role.ADMIN))
    model, adapter = RegisteredModelFactory(), AdapterFactory(tenant=council)
    form = {"tenant": council.id, "model": model.pk, "adapter": adapter.pk, "note": "mejor con los nombres"}
    shown = admin.get(page("modelactivation", "add")).content.decode()
    assert str(model) in shown
    assert adapter.code in shown
    answer = admin.post(page("modelactivation", "add"), form, follow=True)
    assert answer.redirect_chain, answer.content
    assert "mejor con los nombres" in answer.content.decode()
    assert activations(council) == [f"1 · {model}"]
    assert redis_client().get(f"NEW_MODEL_AVAILABLE:{council.id}") == "1"
    pinned = Minutes.start(alice).show()["pinned"]
    assert (pinned["engine"], pinned["adapter"], pinned["model_revision"]) == (str(model), adapter.code, 1)


@pytest.mark.parametrize("role", list(Role))
def test_everybody_looks_and_administrators_alone_activate(council: Tenant, role: Role) -> None:
    activation = ModelActivationFactory(tenant=council, adapter=AdapterFactory(tenant=council))
    client = signed_in(member(council, role))
    for model in PAGES:
        assert client.get(page(model)).status_code == 200
    assert client.get(page("modelactivation", "change", activation.pk)).status_code == 200
    other = RegisteredModelFactory()
    answer = client.post(page("modelactivation", "add"), {"tenant": council.id, "model": other.pk, "note": ""})
    assert answer.status_code == (302 if role == Role.ADMIN else 403)
    assert len(activations(council)) == (2 if role == Role.ADMIN else 1)
    for model in ("registeredmodel", "adapter"):
        assert client.post(page(model, "add"), {"engine": "whisper", "name": "x"}).status_code == 403


def test_what_is_registered_or_was_in_force_is_not_changed(council: Tenant, root: Client) -> None:
    activation = ModelActivationFactory(tenant=council, adapter=AdapterFactory(tenant=council))
    for client in (root, signed_in(member(council, Role.ADMIN))):
        rows = (("modelactivation", activation), ("adapter", activation.adapter), ("registeredmodel", activation.model))
        for model, row in rows:
            assert row is not None
            assert client.post(page(model, "change", row.pk), {"note": "x"}).status_code == 403
        client.post(page("adapter", "delete", activation.adapter_id), {"post": "yes"})
        client.post(page("registeredmodel", "delete", activation.model_id), {"post": "yes"})
    assert activations(council) == [str(activation)]


def test_an_outsider_sees_and_activates_nothing(council: Tenant, charlie: Person) -> None:
    adapter = AdapterFactory(tenant=council, code="adapter_of_quibdo")
    activation = ModelActivationFactory(tenant=council, adapter=adapter)
    outsider = signed_in(member(charlie.council, Role.ADMIN))
    for model, row in (("adapter", adapter), ("modelactivation", activation)):
        assert "adapter_of_quibdo" not in outsider.get(page(model)).content.decode()
        for name in ("change", "history", "delete"):
            assert outsider.get(page(model, name, row.pk)).status_code in (302, 403, 404)
    assert "adapter_of_quibdo" not in outsider.get(page("modelactivation", "add")).content.decode()
    form = {"model": activation.model.pk, "adapter": adapter.pk, "note": ""}
    for tenant in (council, charlie.council):
        assert outsider.post(page("modelactivation", "add"), {**form, "tenant": tenant.id}).status_code == 200
    assert activations(council) == [str(activation)]
    assert activations(charlie.council) == []


def test_an_adapter_is_activated_for_its_own_council_only(council: Tenant, charlie: Person) -> None:
    user = member(council, Role.ADMIN)
    join(user, charlie.council, Role.ADMIN)
    form = {
        "tenant": council.id,
        "model": RegisteredModelFactory().pk,
        "adapter": AdapterFactory(tenant=charlie.council).pk,
    }
    answer = signed_in(user).post(page("modelactivation", "add"), {**form, "note": ""})
    assert answer.status_code == 200
    assert activations(council) == []


def test_the_list_says_which_one_is_in_force(council: Tenant, charlie: Person, root: Client) -> None:
    rows = [ModelActivationFactory(tenant=tenant) for tenant in (council, council, council, charlie.council)]
    for client, visible in ((signed_in(member(council, Role.VIEWER)), rows[:3]), (root, rows)):
        shown = {row.pk: row for row in client.get(page("modelactivation")).context["cl"].result_list}
        assert {pk for pk, row in shown.items() if not row.was_replaced} == {visible[2].pk, visible[-1].pk}
        assert len(shown) == len(visible)
