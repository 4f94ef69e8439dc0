"""Models, adapters and what a council has activated."""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from astra_site.lib.hashing import Sha256
from astra_site.lib.tenancy import tenant_scope
from tenants.models import Adapter, ModelActivation, RegisteredModel, Tenant
from tenants.registry.services import activate_model, register_model
from tests.factories.tenants import TenantFactory


class RegisteredModelFactory(factory.Factory[RegisteredModel]):
    """A model that every council may activate."""

    class Meta:
        model = RegisteredModel

    engine = "whisper"
    name = factory.Sequence(lambda n: f"model-{n}")

    @classmethod
    def _create(cls, model_class: type[RegisteredModel], *args: Any, **kwargs: Any) -> RegisteredModel:
        return register_model(**kwargs)


class AdapterFactory(DjangoModelFactory[Adapter]):
    """An adapter that was trained for a council."""

    class Meta:
        model = Adapter

    tenant = factory.SubFactory(TenantFactory)
    code = factory.Sequence(lambda n: f"adapter_v{n}")
    base_model = "astra-core-8b"
    address = factory.LazyAttribute(lambda adapter: f"s3://models/{adapter.code}.safetensors")
    sha256 = factory.LazyAttribute(lambda adapter: str(Sha256.of(adapter.code.encode())))

    @classmethod
    def _create(cls, model_class: type[Adapter], *args: Any, **kwargs: Any) -> Adapter:
        with tenant_scope(kwargs["tenant"].id):
            return super()._create(model_class, *args, **kwargs)


class ModelActivationFactory(factory.Factory[ModelActivation]):
    """What a council uses from now on."""

    class Meta:
        model = ModelActivation

    tenant = factory.SubFactory(TenantFactory)
    model = factory.SubFactory(RegisteredModelFactory)
    adapter = None

    @classmethod
    def _create(cls, model_class: type[ModelActivation], *args: Any, **kwargs: Any) -> ModelActivation:
        tenant: Tenant = kwargs.pop("tenant")
        with tenant_scope(tenant.id):
            return activate_model(kwargs["model"], kwargs["adapter"])
