"""Councils and what they own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import factory
from django.contrib.auth.models import User
from factory.django import DjangoModelFactory

from astra_site.lib.tenancy import tenant_scope
from tenants.models import ConfigVersion, Membership, Role, Skeleton, SkeletonVersion, Tenant
from tenants.services import add_skeleton_version, publish_config

_DEMO = Path(__file__).parents[2] / "demo"
SKELETON_DOCX = (_DEMO / "skeleton.docx").read_bytes()
CONFIG: dict[str, Any] = json.loads((_DEMO / "config.json").read_text(encoding="utf-8"))


class TenantFactory(DjangoModelFactory[Tenant]):
    """A council, active and with nothing of its own."""

    class Meta:
        model = Tenant

    slug = factory.Sequence(lambda n: f"concejo-{n}")
    name = factory.LazyAttribute(lambda council: f"Concejo de {council.slug}")


class UserFactory(DjangoModelFactory[User]):
    """A person who can sign in to the admin."""

    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"persona-{n}")
    is_staff = True


class MembershipFactory(DjangoModelFactory[Membership]):
    """A person's role in a council."""

    class Meta:
        model = Membership

    tenant = factory.SubFactory(TenantFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.CLERK

    @classmethod
    def _create(cls, model_class: type[Membership], *args: Any, **kwargs: Any) -> Membership:
        with tenant_scope(kwargs["tenant"].id):
            return super()._create(model_class, *args, **kwargs)


class SkeletonFactory(DjangoModelFactory[Skeleton]):
    """A skeleton without versions; the council's default one."""

    class Meta:
        model = Skeleton

    tenant = factory.SubFactory(TenantFactory)
    code = factory.Sequence(lambda n: f"SKEL_{n}")
    name = "Acta de sesión"
    is_default = True

    @classmethod
    def _create(cls, model_class: type[Skeleton], *args: Any, **kwargs: Any) -> Skeleton:
        with tenant_scope(kwargs["tenant"].id):
            return super()._create(model_class, *args, **kwargs)


class SkeletonVersionFactory(factory.Factory[SkeletonVersion]):
    """A version of a skeleton, parsed and stored by the service; `docx` is its content."""

    class Meta:
        model = SkeletonVersion

    skeleton = factory.SubFactory(SkeletonFactory)
    docx = SKELETON_DOCX

    @classmethod
    def _create(cls, model_class: type[SkeletonVersion], *args: Any, **kwargs: Any) -> SkeletonVersion:
        skeleton: Skeleton = kwargs["skeleton"]
        with tenant_scope(skeleton.tenant_id):
            return add_skeleton_version(skeleton, kwargs["docx"])


class ConfigVersionFactory(factory.Factory[ConfigVersion]):
    """A published configuration. The tenant needs a default skeleton; keyword arguments replace top-level members."""

    class Meta:
        model = ConfigVersion

    tenant = factory.SubFactory(TenantFactory)

    @classmethod
    def _create(cls, model_class: type[ConfigVersion], *args: Any, **kwargs: Any) -> ConfigVersion:
        tenant: Tenant = kwargs.pop("tenant")
        with tenant_scope(tenant.id):
            return publish_config({**CONFIG, **kwargs})
