"""Sessions, started by the service as the API starts them."""

from __future__ import annotations

from typing import Any

import factory

from astra_site.lib.tenancy import tenant_scope
from sessions_app.models import Session
from sessions_app.services.sessions import start_session
from tests.factories.tenants import ConfigVersionFactory, SkeletonFactory, SkeletonVersionFactory, TenantFactory


class CouncilFactory(TenantFactory):
    """A council that can start sessions: default skeleton and published configuration."""

    class Meta:
        skip_postgeneration_save = True

    @factory.post_generation
    def publish(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Give the council what a session pins."""
        SkeletonVersionFactory(skeleton=SkeletonFactory(tenant=self))
        ConfigVersionFactory(tenant=self)


class SessionFactory(factory.Factory[Session]):
    """An open session of a council."""

    class Meta:
        model = Session

    tenant = factory.SubFactory(CouncilFactory)
    actor = "clerk"
    client_timezone = "America/Bogota"

    @classmethod
    def _create(cls, model_class: type[Session], *args: Any, **kwargs: Any) -> Session:
        with tenant_scope(kwargs.pop("tenant").id):
            return start_session(**kwargs)
