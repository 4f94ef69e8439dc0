"""Activating models, and what a session that starts now has to use."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from astra_site.lib.after_commit import after_commit
from astra_site.lib.errors import Forbidden
from astra_site.lib.tenancy import current_tenant_id
from tenants.errors import UnknownModelEngine
from tenants.models import Tenant
from tenants.registry import news
from tenants.registry.engines import engine_names
from tenants.registry.models import Adapter, ModelActivation, RegisteredModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelPin:
    """What a session keeps to its end. `adapter` is the code of CORE's adapter, empty for none; `revision` counts a
    council's activations from 1."""

    engine: str
    model: str
    adapter: str
    adapter_sha256: str
    revision: int

    @classmethod
    def of(cls, activation: ModelActivation) -> ModelPin:
        """Return what an activation says, with its model and adapter."""
        adapter: Adapter | None = activation.adapter
        return cls(
            engine=activation.model.engine,
            model=activation.model.name,
            adapter=adapter.code if adapter else "",
            adapter_sha256=adapter.sha256 if adapter else "",
            revision=activation.number,
        )


def register_model(engine: str, name: str, *, note: str = "") -> RegisteredModel:
    """Offer a model to every council; one that is known already is returned. Raises `UnknownModelEngine`."""
    if engine not in engine_names():
        raise UnknownModelEngine(
            "registry_engine_unknown",
            f"This installation has no engine '{engine}'; it has: {', '.join(engine_names())}.",
            details={"engines": list(engine_names())},
        )
    model, _ = RegisteredModel.objects.get_or_create(engine=engine, name=name, defaults={"note": note})
    return model


def activate_model(
    model: RegisteredModel, adapter: Adapter | None = None, *, user: AbstractBaseUser | None = None, note: str = ""
) -> ModelActivation:
    """Have the council's new sessions use a model and an adapter; sessions that run keep theirs.

    What is in force already is returned as it is. After the commit the council's flag is raised and `MODEL_UPDATED` is
    published. Raises `Forbidden` (`adapter_of_another_tenant`). Needs a scope on exactly one tenant.
    """
    tenant_id = current_tenant_id()
    if adapter is not None and adapter.tenant_id != tenant_id:
        raise Forbidden("adapter_of_another_tenant", "This adapter belongs to another tenant.")
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant_id)
        newest = _newest()
        if newest is not None and (newest.model_id, newest.adapter_id) == (model.pk, adapter.pk if adapter else None):
            return newest
        activation: ModelActivation = ModelActivation.objects.create(
            tenant_id=tenant_id,
            number=(newest.number if newest else 0) + 1,
            model=model,
            adapter=adapter,
            note=note,
            activated_by=user,
        )
        after_commit(news.tell, tenant_id, asdict(ModelPin.of(activation)))
        return activation


def current_pin() -> ModelPin | None:
    """Return what is in force for the open tenant scope, from PostgreSQL; None where nothing was activated."""
    newest = _newest()
    return ModelPin.of(newest) if newest is not None else None


def pin_for_new_session() -> ModelPin | None:
    """Return what a session that starts now pins, and take the council's flag down if it is up.

    The flag goes first: an activation raises it after its commit, so whoever takes it reads that activation. So does
    everybody else, as nobody asks a cache; of the sessions that start at once, one takes the flag.
    """
    was_up = news.take_flag(current_tenant_id())
    pin = current_pin()
    if was_up:
        logger.info("A session starts with a new model", extra={"revision": pin.revision if pin else 0})
    return pin


def _newest() -> ModelActivation | None:
    rows = ModelActivation.objects.filter(tenant_id=current_tenant_id()).select_related("model", "adapter")
    newest: ModelActivation | None = rows.order_by("-number").first()
    return newest
