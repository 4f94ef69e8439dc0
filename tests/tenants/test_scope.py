"""The first wall between councils: nothing is read or written without an open scope, and nothing outside it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import models

from astra_site.lib.errors import Forbidden, NotFound
from astra_site.lib.tenancy import (
    TenantOwned,
    TenantScopeMissing,
    all_tenants,
    current_scope,
    current_tenant_id,
    get_owned,
    tenant_scope,
)
from sessions_app.models import JournalRow, Session
from tenants.models import Membership, Role, Skeleton, Tenant
from tests.factories.sessions import CouncilFactory, SessionFactory
from tests.factories.tenants import MembershipFactory, SkeletonFactory, TenantFactory, UserFactory

pytestmark = pytest.mark.django_db
OWNED: list[type[TenantOwned]] = [model for model in apps.get_models() if issubclass(model, TenantOwned)]


@pytest.fixture
def quibdo() -> Tenant:
    made: Tenant = TenantFactory()
    return made


@pytest.fixture
def tado() -> Tenant:
    made: Tenant = TenantFactory()
    return made


def skeleton_of(tenant: Tenant) -> Skeleton:
    made: Skeleton = SkeletonFactory(tenant=tenant)
    return made


def test_the_tenant_owned_models_are_those_we_know() -> None:
    names = {model._meta.label for model in OWNED}
    assert {"tenants.Membership", "tenants.Skeleton", "sessions_app.Session", "jobs.Job", "custody.Snapshot"} <= names


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model._meta.label)
def test_every_model_with_a_tenant_is_behind_the_wall(model: type[TenantOwned]) -> None:
    assert model._meta.base_manager_name == "objects"
    for read in (model.objects.count, model.objects.first, model._base_manager.count, model._default_manager.exists):
        with pytest.raises(TenantScopeMissing):
            read()


def test_no_other_model_has_a_tenant() -> None:
    strays = [
        model._meta.label
        for model in apps.get_models()
        if model not in OWNED and any(field.name == "tenant" for field in model._meta.get_fields())
    ]
    assert strays == []


READS: dict[str, Callable[[Any], Any]] = {
    "get": lambda pk: Skeleton.objects.get(pk=pk),
    "filter": lambda pk: list(Skeleton.objects.filter(pk=pk)),
    "exists": lambda pk: Skeleton.objects.filter(pk=pk).exists(),
    "values": lambda pk: list(Skeleton.objects.values_list("id")),
    "update": lambda pk: Skeleton.objects.filter(pk=pk).update(name="x"),
    "delete": lambda pk: Skeleton.objects.filter(pk=pk).delete(),
    "create": lambda pk: Skeleton.objects.create(code="X", name="x"),
    "get_or_create": lambda pk: Skeleton.objects.get_or_create(code="X"),
    "bulk_create": lambda pk: Skeleton.objects.bulk_create([Skeleton(code="X", name="x")]),
    "save": lambda pk: Skeleton(code="X", name="x").save(),
    "in_bulk": lambda pk: Skeleton.objects.in_bulk([pk]),
    "aggregate": lambda pk: Skeleton.objects.aggregate(n=models.Count("id")),
}


@pytest.mark.parametrize("call", READS.values(), ids=READS)
def test_without_a_scope_nothing_is_read_or_written(quibdo: Tenant, call: Callable[[Any], Any]) -> None:
    skeleton = skeleton_of(quibdo)
    with pytest.raises(TenantScopeMissing):
        call(skeleton.pk)


def test_a_scope_shows_its_own_rows_and_no_others(quibdo: Tenant, tado: Tenant) -> None:
    ours, theirs = skeleton_of(quibdo), skeleton_of(tado)
    with tenant_scope(quibdo.id):
        assert list(Skeleton.objects.all()) == [ours]
        assert Skeleton.objects.filter(pk=theirs.pk).update(name="taken") == 0
        assert Skeleton.objects.filter(pk=theirs.pk).delete() == (0, {})
        assert list(Skeleton.objects.filter(models.Q(pk=ours.pk) | models.Q(pk=theirs.pk))) == [ours]
    with tenant_scope(quibdo.id, tado.id):
        assert set(Skeleton.objects.all()) == {ours, theirs}
    with tenant_scope():
        assert not Skeleton.objects.exists()
    with all_tenants(reason="a test looks"):
        assert Skeleton.objects.count() == 2


def test_creating_fills_in_the_tenant_and_refuses_another(quibdo: Tenant, tado: Tenant) -> None:
    with tenant_scope(quibdo.id):
        assert Skeleton.objects.create(code="A", name="a").tenant_id == quibdo.id
        for write in (
            lambda: Skeleton.objects.create(tenant=tado, code="B", name="b"),
            lambda: Skeleton(tenant_id=tado.id, code="B", name="b").save(),
            lambda: Skeleton.objects.bulk_create(
                [Skeleton(tenant=quibdo, code="C", name="c"), Skeleton(tenant=tado, code="D", name="d")]
            ),
            lambda: Skeleton.objects.update_or_create(tenant=tado, code="E", defaults={"name": "e"}),
        ):
            with pytest.raises(Forbidden):
                write()
        made = Skeleton.objects.bulk_create([Skeleton(code="F", name="f")])
        assert made[0].tenant_id == quibdo.id
    with all_tenants(reason="a test looks"):
        assert set(Skeleton.objects.values_list("code", flat=True)) == {"A", "F"}


def test_saving_another_councils_row_is_refused(quibdo: Tenant, tado: Tenant) -> None:
    theirs = skeleton_of(tado)
    theirs.name = "taken"
    with tenant_scope(quibdo.id), pytest.raises(Forbidden):
        theirs.save()


def test_creating_in_an_ambiguous_scope_needs_a_tenant(quibdo: Tenant, tado: Tenant) -> None:
    for scope in (tenant_scope(quibdo.id, tado.id), all_tenants(reason="a test")):
        with scope, pytest.raises(TenantScopeMissing):
            Skeleton.objects.create(code="A", name="a")


def test_relations_stay_behind_the_wall(quibdo: Tenant, tado: Tenant) -> None:
    session = SessionFactory(tenant=CouncilFactory())
    with tenant_scope(session.tenant_id):
        bare = Session.objects.get(pk=session.pk)
    for read in (lambda: bare.skeleton_version, bare.journal.count, bare.refresh_from_db):
        with pytest.raises(TenantScopeMissing):
            read()
    with tenant_scope(quibdo.id):
        assert bare.journal.count() == 0
        with pytest.raises(Session.DoesNotExist):
            bare.refresh_from_db()


def test_scopes_nest_and_end(quibdo: Tenant, tado: Tenant) -> None:
    with tenant_scope(quibdo.id):
        with tenant_scope(tado.id):
            assert current_tenant_id() == tado.id
            with all_tenants(reason="a test"):
                assert current_scope().tenant_ids is None
        assert current_tenant_id() == quibdo.id
        with pytest.raises(LookupError), tenant_scope(tado.id):
            raise LookupError
        assert current_tenant_id() == quibdo.id
    with pytest.raises(TenantScopeMissing):
        current_scope()


def test_a_thread_does_not_inherit_the_scope(quibdo: Tenant) -> None:
    with tenant_scope(quibdo.id), ThreadPoolExecutor(1) as pool, pytest.raises(TenantScopeMissing):
        pool.submit(current_scope).result(timeout=10)


def test_get_owned_tells_foreign_from_missing(quibdo: Tenant, tado: Tenant) -> None:
    ours, theirs = skeleton_of(quibdo), skeleton_of(tado)
    with tenant_scope(quibdo.id):
        assert get_owned(Skeleton, ours.pk) == ours
        with pytest.raises(Forbidden) as foreign:
            get_owned(Skeleton, theirs.pk)
        with pytest.raises(NotFound) as missing:
            get_owned(Skeleton, uuid4())
        assert current_tenant_id() == quibdo.id
    assert (foreign.value.code, missing.value.code) == ("skeleton_of_another_tenant", "skeleton_not_found")


def test_a_person_has_one_role_in_a_council(quibdo: Tenant, tado: Tenant) -> None:
    user: User = UserFactory()
    MembershipFactory(tenant=quibdo, user=user, role=Role.CLERK)
    MembershipFactory(tenant=tado, user=user, role=Role.ADMIN)
    with tenant_scope(quibdo.id):
        assert list(Membership.objects.values_list("role", flat=True)) == ["clerk"]


def test_the_journal_needs_a_scope_too() -> None:
    with pytest.raises(TenantScopeMissing):
        JournalRow.objects.exists()
