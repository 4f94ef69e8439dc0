"""The quota pages: members see their own council's, platform staff set limits and top up."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from astra_site.lib.clock import utc_now
from tenants.models import Role
from tests.browser.people import member, signed_in
from tests.people import Person
from tests.quota.ground import STORAGE, Ground

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_redis")]
LIST = "admin:tenants_councilquota_changelist"


@pytest.fixture
def root() -> Client:
    return signed_in(User.objects.create_superuser("root", password="x"))


@pytest.fixture
def ai(alice: Person) -> Ground:
    ground = Ground(tenant=alice.council)
    ground.now = utc_now()
    return ground


def page_of(person: Person) -> str:
    return reverse("admin:tenants_councilquota_change", args=[person.tenant_id])


def form(**fields: object) -> dict[str, object]:
    return {"form_id": str(uuid4()), "ai_hours_per_month": "", "storage_gb": "", "note": "contract 2026-14", **fields}


@pytest.mark.parametrize("role", list(Role))
def test_every_member_sees_the_own_councils_standing_and_no_form(
    alice: Person, charlie: Person, ai: Ground, role: Role
) -> None:
    ai.set_limit(10 * 3_600_000)
    ai.settle(ai.reserve(9_000_000, "a"), 9_000_000)
    ai.reserve(3_600_000, "in work")
    client = signed_in(member(alice.council, role))
    shown = client.get(reverse(LIST)).content.decode()
    assert "2,5 h" in shown
    assert "width: 25%" in shown
    assert "Tadó" not in shown
    shown = client.get(page_of(alice)).content.decode()
    assert "6,5 h" in shown  # what is left beside what is reserved
    assert "add_ai_hours" not in shown
    assert client.post(page_of(alice), form(add_ai_hours="5")).status_code == 403
    assert client.get(page_of(charlie)).status_code in (302, 403, 404)
    assert ai.left() == int(6.5 * 3_600_000)


def test_staff_top_up_and_a_doubled_click_counts_once(root: Client, alice: Person, ai: Ground) -> None:
    ai.set_limit(0)
    sent = form(ai_hours_per_month="0", add_ai_hours="1.5", add_storage_gb="2")
    for _ in range(2):
        assert root.post(page_of(alice), sent).status_code == 302
    assert ai.left() == int(1.5 * 3_600_000)
    assert [(entry.kind, entry.actor, entry.note) for entry in ai.entries()][1:] == [
        ("top_up", "admin:root", "contract 2026-14")
    ]
    assert Ground(tenant=alice.council, resource=STORAGE).usage().standing.extra == 2 * 10**9


def test_staff_set_and_take_away_limits(root: Client, alice: Person, ai: Ground) -> None:
    root.post(page_of(alice), form(ai_hours_per_month="20", storage_gb="50"))
    assert (ai.left(), Ground(tenant=alice.council, resource=STORAGE).left()) == (20 * 3_600_000, 50 * 10**9)
    assert 'value="20' in root.get(page_of(alice)).content.decode()
    root.post(page_of(alice), form(storage_gb="50"))
    assert ai.left() is None
    assert len(ai.entries()) == 2


def test_a_change_without_a_reason_is_refused(root: Client, alice: Person, ai: Ground) -> None:
    answer = root.post(page_of(alice), form(add_ai_hours="5", note=" "))
    assert answer.status_code == 200
    assert ai.entries() == []


@pytest.mark.parametrize("hours", ["-1", "nan", "1e30", "x"])
def test_a_senseless_amount_is_refused(root: Client, alice: Person, ai: Ground, hours: str) -> None:
    root.post(page_of(alice), form(add_ai_hours=hours))
    assert ai.entries() == []


def test_the_ledger_is_listed_and_closed_to_others(root: Client, alice: Person, charlie: Person, ai: Ground) -> None:
    ai.top_up(3_600_000, "invoice-77")
    address = reverse("admin:tenants_quotaentry_changelist")
    assert "invoice-77" in signed_in(member(alice.council, Role.VIEWER)).get(address).content.decode()
    assert "invoice-77" not in signed_in(member(charlie.council, Role.ADMIN)).get(address).content.decode()
    entry = reverse("admin:tenants_quotaentry_change", args=[ai.entries()[0].pk])
    assert root.get(entry).status_code == 200
    assert root.post(entry, {"note": "x"}).status_code == 403
