"""The admin shows what is sealed and lets nobody touch it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from astra_site.lib.tenancy import tenant_scope
from custody.models import HeldObject, Snapshot
from custody.services import seal_session
from tenants.models import Membership, Role, Tenant
from tests.custody.ground import BuiltSession, council, store_in
from tests.custody.samples import SIGNER

pytestmark = pytest.mark.django_db
PAGES = ["custody_snapshot", "custody_heldobject"]


def member_of(tenant: Tenant) -> Client:
    user = User.objects.create_user(f"secretaria-{tenant.slug}", password="x", is_staff=True)
    with tenant_scope(tenant.id):
        Membership.objects.create(tenant=tenant, user=user, role=Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def sealed(tmp_path: Path) -> Snapshot:
    tenant = council("alicia")
    with tenant_scope(tenant.id):
        session, store = BuiltSession.of(tenant), store_in(tmp_path)
        session.hand_over(store)
        return seal_session(session.request(store), store=store, signer=SIGNER)


@pytest.fixture
def tenant(sealed: Snapshot) -> Tenant:
    return Tenant.objects.get(pk=sealed.tenant_id)


def test_a_member_sees_the_snapshot_and_its_recordings(sealed: Snapshot, tenant: Tenant) -> None:
    client = member_of(tenant)
    shown = client.get(reverse("admin:custody_snapshot_changelist")).content.decode()
    assert sealed.integrity_hash[:23] in shown
    assert str(sealed.session_id) in shown
    detail = client.get(reverse("admin:custody_snapshot_change", args=[sealed.pk])).content.decode()
    assert sealed.integrity_hash in detail
    assert "local-readonly" in client.get(reverse("admin:custody_heldobject_changelist")).content.decode()


def test_another_council_sees_nothing_of_it(sealed: Snapshot) -> None:
    outsider = member_of(council("carlos"))
    shown = outsider.get(reverse("admin:custody_snapshot_changelist")).content.decode()
    assert sealed.integrity_hash[:23] not in shown
    assert outsider.get(reverse("admin:custody_snapshot_change", args=[sealed.pk])).status_code in (302, 403, 404)


@pytest.mark.parametrize("page", PAGES)
def test_nobody_adds_changes_or_deletes(sealed: Snapshot, tenant: Tenant, page: str) -> None:
    user = User.objects.create_superuser("root", password="x")
    for client in (member_of(tenant), Client()):
        if "_auth_user_id" not in client.session:
            client.force_login(user)
        with tenant_scope(sealed.tenant_id):
            row = {"custody_snapshot": Snapshot, "custody_heldobject": HeldObject}[page].objects.first()
        assert client.get(reverse(f"admin:{page}_add")).status_code == 403
        assert client.post(reverse(f"admin:{page}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        assert client.post(reverse(f"admin:{page}_change", args=[row.pk]), {"number": 5}).status_code == 403
        actions = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
        client.post(reverse(f"admin:{page}_changelist"), actions)
    with tenant_scope(sealed.tenant_id):
        assert Snapshot.objects.count() == 1
        assert HeldObject.objects.count() == 2
