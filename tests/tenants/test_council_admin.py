"""The council's pages in the admin: its skeletons, configuration and people, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from astra_site.lib.tenancy import all_tenants
from tenants.models import ConfigVersion, Membership, Role, Skeleton, SkeletonVersion, Tenant
from tests.browser.people import join, member, signed_in
from tests.people import Person

pytestmark = pytest.mark.django_db
DOCX = (Path(__file__).parents[2] / "demo" / "skeleton.docx").read_bytes()
LISTS = ("tenants_tenant", "tenants_membership", "tenants_skeleton", "tenants_configversion")
ADD = "admin:tenants_skeleton_add"


@pytest.fixture
def admin(alice: Person) -> Client:
    return signed_in(member(alice.council, Role.ADMIN))


@pytest.fixture
def root() -> Client:
    return signed_in(User.objects.create_superuser("root", password="x"))


def row_of(council: Tenant, model: type[Skeleton] | type[ConfigVersion]) -> Skeleton | ConfigVersion:
    with all_tenants(reason="a test looks"):
        found = model.objects.filter(tenant=council).first()
    assert isinstance(found, Skeleton | ConfigVersion)
    return found


def skeletons() -> list[str]:
    with all_tenants(reason="a test looks"):
        return sorted(Skeleton.objects.values_list("code", flat=True))


def form(council: Tenant, code: str, **fields: object) -> dict[str, object]:
    inline = {"versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0}
    return {"tenant": str(council.id), "code": code, "name": "Acta extraordinaria", **inline, **fields}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("role", list(Role))
def test_every_role_opens_every_list(alice: Person, name: str, role: Role) -> None:
    assert signed_in(member(alice.council, role)).get(reverse(f"admin:{name}_changelist")).status_code == 200


def test_another_councils_rows_are_out_of_reach(alice: Person, charlie: Person) -> None:
    outsider = signed_in(member(charlie.council, Role.ADMIN))
    rows = [
        ("tenants_tenant", alice.council),
        ("tenants_skeleton", row_of(alice.council, Skeleton)),
        ("tenants_configversion", row_of(alice.council, ConfigVersion)),
    ]
    for name, row in rows:
        assert str(row.pk) not in outsider.get(reverse(f"admin:{name}_changelist")).content.decode()
        for page in ("change", "history", "delete"):
            assert outsider.get(reverse(f"admin:{name}_{page}", args=[row.pk])).status_code in (302, 403, 404)


def test_a_member_of_two_councils_learns_no_third_ones_name(alice: Person, charlie: Person) -> None:
    Tenant.objects.create(slug="secreto", name="Concejo de Nóvita")
    user = member(alice.council, Role.VIEWER)
    join(user, charlie.council, Role.ADMIN)
    both = signed_in(user)
    for name in LISTS[1:]:
        shown = both.get(reverse(f"admin:{name}_changelist")).content.decode()
        assert "Tadó" in shown
        assert "Nóvita" not in shown
    form_shown = both.get(reverse(ADD)).content.decode()
    assert "Tadó" in form_shown
    assert "Quibdó" not in form_shown
    assert "Nóvita" not in form_shown


def test_people_of_other_councils_can_not_be_looked_up(admin: Client, charlie: Person) -> None:
    member(charlie.council, Role.CLERK, "carlota")
    lookup = {"app_label": "tenants", "model_name": "membership", "field_name": "user", "term": "car"}
    assert admin.get(reverse("admin:autocomplete"), lookup).status_code == 403
    assert admin.get(reverse("admin:auth_user_changelist")).status_code == 403
    assert admin.get(reverse("admin:tenants_membership_add")).status_code == 403
    assert "carlota" not in admin.get(reverse("admin:tenants_membership_changelist")).content.decode()


def test_an_administrator_uploads_a_skeleton(admin: Client, alice: Person) -> None:
    document = SimpleUploadedFile("acta.docx", DOCX)
    answer = admin.post(reverse(ADD), form(alice.council, "EXTRA", document=document))
    assert answer.status_code == 302, answer.content
    with all_tenants(reason="a test looks"):
        assert SkeletonVersion.objects.get(skeleton__code="EXTRA").number == 1
        skeleton = Skeleton.objects.get(code="EXTRA")
    shown = admin.get(reverse("admin:tenants_skeleton_change", args=[skeleton.pk])).content.decode()
    assert "ZONA_VOTACION" in shown
    assert "zona de bloques" in shown


def test_a_file_that_is_no_document_is_an_error_beside_the_field(admin: Client, alice: Person) -> None:
    document = SimpleUploadedFile("acta.docx", b"not a document")
    answer = admin.post(reverse(ADD), form(alice.council, "EXTRA", document=document))
    assert "Esto no es un documento de Word" in answer.content.decode()
    assert "EXTRA" not in skeletons()


def test_a_code_is_used_once(admin: Client, alice: Person) -> None:
    taken = row_of(alice.council, Skeleton)
    assert isinstance(taken, Skeleton)
    assert admin.post(reverse(ADD), form(alice.council, taken.code)).status_code == 200
    assert skeletons().count(taken.code) == 1


def test_a_second_default_is_explained(admin: Client, alice: Person) -> None:
    answer = admin.post(reverse(ADD), form(alice.council, "EXTRA", is_default="on"))
    assert "es el esqueleto predeterminado" in answer.content.decode()
    assert "one_default" not in answer.content.decode()


def test_a_skeleton_stays_with_its_council(alice: Person, charlie: Person) -> None:
    user = member(alice.council, Role.ADMIN)
    join(user, charlie.council, Role.ADMIN)
    skeleton = row_of(alice.council, Skeleton)
    address = reverse("admin:tenants_skeleton_change", args=[skeleton.pk])
    answer = signed_in(user).post(address, form(charlie.council, "MOVED", is_default="on"))
    assert answer.status_code == 302, answer.content
    assert row_of(alice.council, Skeleton).pk == skeleton.pk


def test_nobody_adds_to_a_council_that_they_do_not_administer(alice: Person, charlie: Person) -> None:
    user = member(alice.council, Role.ADMIN)
    join(user, charlie.council, Role.VIEWER)
    for council in (charlie.council, Tenant.objects.create(slug="novita", name="Nóvita")):
        assert signed_in(user).post(reverse(ADD), form(council, "EXTRA")).status_code == 200
    assert "EXTRA" not in skeletons()


@pytest.mark.parametrize("role", [Role.CLERK, Role.VIEWER])
def test_only_administrators_change_skeletons(alice: Person, role: Role) -> None:
    client = signed_in(member(alice.council, role))
    skeleton = row_of(alice.council, Skeleton)
    assert client.get(reverse(ADD)).status_code == 403
    address = reverse("admin:tenants_skeleton_change", args=[skeleton.pk])
    assert client.get(address).status_code == 200
    assert client.post(address, form(alice.council, "X")).status_code == 403
    client.post(
        reverse("admin:tenants_skeleton_changelist"), {"action": "delete_selected", "_selected_action": skeleton.pk}
    )
    assert row_of(alice.council, Skeleton).pk == skeleton.pk


def test_a_skeleton_with_versions_is_not_deleted(admin: Client, alice: Person) -> None:
    skeleton = row_of(alice.council, Skeleton)
    admin.post(reverse("admin:tenants_skeleton_delete", args=[skeleton.pk]), {"post": "yes"})
    assert row_of(alice.council, Skeleton).pk == skeleton.pk


def test_a_configuration_is_read_and_never_changed(admin: Client, alice: Person, root: Client) -> None:
    version = row_of(alice.council, ConfigVersion)
    address = reverse("admin:tenants_configversion_change", args=[version.pk])
    assert "ZONA_VOTACION" in admin.get(address).content.decode()
    for client in (admin, root):
        assert client.post(address, {"note": "x"}).status_code == 403


def test_staff_see_the_council_of_each_row(root: Client, alice: Person, charlie: Person) -> None:
    shown = root.get(reverse("admin:tenants_skeleton_changelist")).content.decode()
    assert "Quibdó" in shown
    assert "Tadó" in shown
    user = member(alice.council, Role.CLERK)
    with all_tenants(reason="a test looks"):
        membership = Membership.objects.get(user=user)
    assert root.get(reverse("admin:tenants_membership_change", args=[membership.pk])).status_code == 200


def test_the_sidebar_shows_what_may_be_seen(admin: Client, root: Client) -> None:
    index = reverse("admin:index")
    users = reverse("admin:auth_user_changelist")
    assert users not in admin.get(index).content.decode()
    assert users in root.get(index).content.decode()


def test_who_belongs_to_no_council_is_told_so(db: None) -> None:
    stray = signed_in(User.objects.create_user("stray", password="x", is_staff=True))
    shown = stray.get(reverse("admin:index")).content.decode()
    assert "todavía no pertenece a ningún concejo" in shown
    for name in LISTS:
        assert reverse(f"admin:{name}_changelist") not in shown
        assert stray.get(reverse(f"admin:{name}_changelist")).status_code == 403


def test_an_empty_overview_says_how_to_begin(admin: Client) -> None:
    shown = admin.get(reverse("admin:index")).content.decode()
    assert "Todavía no hay sesiones" in shown
    assert "make demo" in shown
    assert reverse("docs") in shown
