"""Activating models: numbered, kept, told once; another council's adapter is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError

from astra_site.lib.errors import Forbidden
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import TenantScopeMissing, tenant_scope
from tenants.errors import UnknownModelEngine
from tenants.models import ModelActivation, Tenant
from tenants.registry import news
from tenants.registry.services import activate_model, current_pin, register_model
from tests.config_service.ground import at_once, in_scope
from tests.factories.registry import AdapterFactory, ModelActivationFactory, RegisteredModelFactory
from tests.people import Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]


def test_nothing_is_in_force_until_something_is_activated_and_going_back_is_one_more(council: Tenant) -> None:
    first, second = RegisteredModelFactory(), RegisteredModelFactory()
    adapter = AdapterFactory(tenant=council)
    with tenant_scope(council.id):
        assert current_pin() is None
        pin = None
        for model, with_adapter in ((first, None), (second, adapter), (first, None)):
            activate_model(model, with_adapter)
            pin = current_pin()
            assert pin is not None
            assert (pin.model, pin.adapter) == (model.name, with_adapter.code if with_adapter else "")
            assert pin.adapter_sha256 == (with_adapter.sha256 if with_adapter else "")
        assert pin is not None
        assert pin.revision == 3
        assert activate_model(first).number == 3, "what is in force is not activated again"


def test_councils_do_not_see_each_others(council: Tenant, charlie: Person) -> None:
    ModelActivationFactory(tenant=council)
    theirs = AdapterFactory(tenant=charlie.council)
    with tenant_scope(charlie.tenant_id):
        assert current_pin() is None
    with tenant_scope(council.id), pytest.raises(Forbidden) as refused:
        activate_model(RegisteredModelFactory(), theirs)
    assert refused.value.code == "adapter_of_another_tenant"
    with pytest.raises(TenantScopeMissing):
        current_pin()


def test_an_engine_that_is_not_there_is_not_registered() -> None:
    with pytest.raises(UnknownModelEngine):
        register_model("oracle", "large")
    assert register_model("whisper", "micro") == register_model("whisper", "micro")


def test_what_was_in_force_is_kept(council: Tenant) -> None:
    adapter = AdapterFactory(tenant=council)
    activation = ModelActivationFactory(tenant=council, adapter=adapter)
    statements = ("UPDATE tenants_modelactivation SET note = 'x'", "DELETE FROM tenants_modelactivation")
    for statement in statements:
        with connection.cursor() as cursor, pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(statement)
    with tenant_scope(council.id):
        for used in (activation.model, adapter):
            with pytest.raises(ProtectedError):
                used.delete()


def test_many_who_activate_at_once_are_put_in_one_order(council: Tenant) -> None:
    models = [RegisteredModelFactory() for _ in range(8)]
    numbers = at_once(8, lambda n: in_scope(council.id, lambda: activate_model(models[n]).number))
    assert sorted(numbers) == list(range(1, 9))
    with tenant_scope(council.id):
        pin = current_pin()
        assert pin is not None
        assert pin.model == models[numbers.index(8)].name


def test_it_is_told_after_the_commit_and_only_then(council: Tenant) -> None:
    heard: Any = redis_client().pubsub()  # type: ignore[no-untyped-call]  # redis-py: untyped
    with heard:
        heard.subscribe(news.EVENT)
        assert heard.get_message(timeout=10) is not None
        with tenant_scope(council.id):
            with transaction.atomic():
                activate_model(RegisteredModelFactory())
                assert redis_client().get(news.flag_key(council.id)) is None
                transaction.set_rollback(True)
            assert redis_client().get(news.flag_key(council.id)) is None
            adapter = AdapterFactory(tenant=council, code="adapter_v2")
            activate_model(register_model("whisper", "micro"), adapter)
        message = heard.get_message(timeout=10)
    assert redis_client().get(f"NEW_MODEL_AVAILABLE:{council.id}") == "1"
    assert json.loads(message["data"]) == {
        "tenant_id": str(council.id),
        "engine": "whisper",
        "model": "micro",
        "adapter": "adapter_v2",
        "adapter_sha256": adapter.sha256,
        "revision": 1,
    }


def test_the_history_of_a_council_is_its_own(council: Tenant, charlie: Person) -> None:
    ModelActivationFactory(tenant=council)
    assert ModelActivationFactory(tenant=charlie.council).number == 1
    with tenant_scope(charlie.tenant_id):
        assert ModelActivation.objects.count() == 1
