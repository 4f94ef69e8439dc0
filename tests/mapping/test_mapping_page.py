"""The mapping page over HTTP: what each role sees and may do, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from astra_site.lib.tenancy import tenant_scope
from tenants.config.drafts import read_draft
from tenants.config.sightings import Seen
from tenants.models import ConfigEdit, ConfigVersion, Role, Skeleton, Tenant
from tenants.services import add_skeleton_version
from tests.browser.people import PASSWORD, join, member, signed_in
from tests.config.samples import content, occurred
from tests.factories.tenants import ConfigVersionFactory, SkeletonFactory, SkeletonVersionFactory, TenantFactory
from tests.mapping.page import MappingPage
from tests.people import Person
from tests.sessions.minutes_client import OPENING, VOTE
from tests.skeleton.packages import control, make_docx

pytestmark = pytest.mark.django_db
TO_VARIOS: dict[str, Any] = {"template_id": "TPL_DEBATE", "place": "ZONA_VARIOS"}
TABS = ("templates", "tables", "fields", "words", "history")
WRITES: dict[str, dict[str, Any]] = {
    "edit": {"operation": "map_template", **TO_VARIOS},
    "discard": {},
    "publish": {"newest": 1},
    "roll_back": {"newest": 1, "version": 1},
    "import": {},
}


@pytest.fixture
def page(alice: Person) -> MappingPage:
    return MappingPage(signed_in(member(alice.council, Role.ADMIN, "ana"), "en"), alice.council)


def state(council: Tenant) -> tuple[object, ...]:
    with tenant_scope(council.id):
        return read_draft().content, read_draft().revision, ConfigVersion.objects.count(), ConfigEdit.objects.count()


def place_of(council: Tenant, template_id: str) -> str | None:
    with tenant_scope(council.id):
        place: str | None = read_draft().content["zone_map"].get(template_id)
        return place


def test_an_administrator_maps_reviews_publishes_and_goes_back(page: MappingPage) -> None:
    shown = page.edit("map_template", **TO_VARIOS).content.decode()
    assert "1 change<" in shown
    assert "<html" not in shown
    assert shown.count('class="astra-template ') == 1
    review = page.text(name="review")
    assert "ZONA_DEBATE" in review
    answer = page.post("publish", newest=1, note="El debate va a varios")
    assert answer.status_code == 302
    history = page.text("?tab=history")
    assert "El debate va a varios" in history
    assert "admin:ana" in history
    diff = page.text("?before=2&after=1", "diff")
    assert "v2 → v1" in diff
    page.post("roll_back", version=1, newest=2)
    assert place_of(page.council, "TPL_DEBATE") == "ZONA_DEBATE"
    with tenant_scope(page.council.id):
        newest = ConfigVersion.objects.order_by("-number").first()
    assert newest is not None
    assert (newest.number, str(newest.published_by)) == (3, "ana")


def test_a_form_without_a_script_works_too(page: MappingPage) -> None:
    answer = page.post("edit", operation="map_template", tab="templates", **TO_VARIOS)
    assert answer.status_code == 302
    assert place_of(page.council, "TPL_DEBATE") == "ZONA_VARIOS"


def test_an_error_stands_beside_its_row_and_keeps_from_publishing(page: MappingPage) -> None:
    page.edit("map_template", template_id="TPL_DEBATE", place="TBL_VOTACION")
    assert "is-wrong" in page.text()
    assert "disabled" in page.text(name="review")
    answer = page.client.post(page.url("publish"), {"revision": 1, "newest": 1}, follow=True)
    assert "TBL_VOTACION" in "".join(str(message) for message in answer.context["messages"])
    with tenant_scope(page.council.id):
        assert ConfigVersion.objects.count() == 1


def test_who_looks_at_an_older_draft_is_told_and_shown_the_new_one(page: MappingPage) -> None:
    page.edit("map_template", **TO_VARIOS)
    late = page.post("edit", revision=0, script=True, operation="set_default_zone", place="ZONA_DEBATE")
    assert late.status_code == 200
    assert 'role="alert"' in late.content.decode()
    assert "is-default" in late.content.decode()
    with tenant_scope(page.council.id):
        assert read_draft().content["default_zone"] == "ZONA_VARIOS"
    assert page.post("publish", revision=0, newest=1).status_code == 302
    assert state(page.council)[2] == 1


@pytest.mark.parametrize("role", [Role.CLERK, Role.VIEWER])
def test_clerks_and_viewers_look_try_and_change_nothing(alice: Person, page: MappingPage, role: Role) -> None:
    page.edit("map_template", **TO_VARIOS)
    other = MappingPage(signed_in(member(alice.council, role), "en"), alice.council)
    before = state(alice.council)
    for query in ("", "?tab=tables", "?tab=fields", "?tab=words", "?tab=history"):
        shown = other.text(query)
        for button in ("astra-handle", "Discard the draft", ">Save<", ">Add<", "Import into", "Review and publish"):
            assert button not in shown
    assert "ZONA_VARIOS" in other.text(name="review")
    assert "TPL_VOTACION" in other.client.post(other.url("try"), {"utterance": VOTE}).content.decode()
    for name, fields in WRITES.items():
        forged = other.client.post(other.url(name), {"revision": 1, **fields}, headers={"hx-request": "true"})
        assert forged.status_code == 403, name
    assert state(alice.council) == before


def test_an_outsider_finds_no_such_council(alice: Person, charlie: Person) -> None:
    outsider = MappingPage(signed_in(member(charlie.council, Role.ADMIN)), alice.council)
    before = state(alice.council)
    for name in ("change", "review", "diff", "export"):
        assert outsider.client.get(outsider.url(name)).status_code == 302
    for name, fields in {**WRITES, "try": {"utterance": VOTE}}.items():
        answer = outsider.client.post(outsider.url(name), {"revision": 0, **fields})
        assert (answer.status_code, answer.headers["location"]) == (302, reverse("admin:index"))
    assert state(alice.council) == before


def test_an_administrator_of_one_council_is_none_of_another(alice: Person, charlie: Person) -> None:
    user = member(alice.council, Role.VIEWER)
    join(user, charlie.council, Role.ADMIN)
    page = MappingPage(signed_in(user), alice.council)
    assert page.client.post(page.url("edit"), {"revision": 0, **WRITES["edit"]}).status_code == 403
    listed = page.client.get(reverse("admin:tenants_mappedcouncil_changelist")).content.decode()
    assert alice.council.name in listed
    assert charlie.council.name in listed


def test_a_member_of_one_council_is_led_to_its_page(page: MappingPage) -> None:
    answer = page.client.get(reverse("admin:tenants_mappedcouncil_changelist"))
    assert answer.headers["location"] == page.url()


def test_platform_staff_choose_a_council_and_change_it(alice: Person, charlie: Person) -> None:
    root = signed_in(User.objects.create_superuser("root", password="x"), "en")
    listed = root.get(reverse("admin:tenants_mappedcouncil_changelist")).content.decode()
    assert alice.council.name in listed
    assert charlie.council.name in listed
    page = MappingPage(root, alice.council)
    page.edit("map_template", **TO_VARIOS)
    page.post("publish", newest=1)
    assert place_of(alice.council, "TPL_DEBATE") == "ZONA_VARIOS"
    assert place_of(charlie.council, "TPL_DEBATE") == "ZONA_DEBATE"
    with tenant_scope(alice.tenant_id):
        assert set(ConfigEdit.objects.values_list("actor", flat=True)) == {"admin:root"}


def test_who_belongs_to_no_council_sees_no_page(alice: Person) -> None:
    stray = MappingPage(signed_in(User.objects.create_user("stray", password="x", is_staff=True)), alice.council)
    assert stray.client.get(reverse("admin:tenants_mappedcouncil_changelist")).status_code == 403
    assert stray.client.post(stray.url("edit"), {"revision": 0, **WRITES["edit"]}).status_code in (302, 403)
    assert state(alice.council)[1] == 0


def test_a_post_from_another_site_is_refused(alice: Person) -> None:
    user = member(alice.council, Role.ADMIN)
    client = Client(enforce_csrf_checks=True)
    assert client.login(username=user.username, password=PASSWORD)
    page = MappingPage(client, alice.council)
    before = state(alice.council)
    for name, fields in {**WRITES, "try": {"utterance": VOTE}}.items():
        assert client.post(page.url(name), {"revision": 0, **fields}).status_code == 403, name
    assert state(alice.council) == before


def test_writes_are_posts(page: MappingPage) -> None:
    for name in (*WRITES, "try"):
        assert page.client.get(page.url(name)).status_code == 405
    assert page.client.post(page.url("change"), {"name": "x"}).status_code == 405


def test_the_page_can_not_be_framed(page: MappingPage) -> None:
    for name in ("change", "review", "diff"):
        assert page.client.get(page.url(name, "?before=1")).headers["x-frame-options"] == "DENY"


def test_names_are_text_and_never_markup(page: MappingPage) -> None:
    page.edit("describe_template", template_id="TPL_DEBATE", label="<script>alert(1)</script>")
    page.edit("set_word", heard='"><img src=x>', written="{{ x }}")
    occurred(page.council.id, [Seen("TPL_X", "DEBATE", "<b>x</b>", "<script>alert(2)</script>")])
    for shown in (page.text(), page.text("?tab=words"), page.text(name="review"), page.text("?tab=history")):
        for active in ("<script>alert", "<img src=x", "<b>x</b>"):
            assert active not in shown


@pytest.mark.parametrize(
    "changes",
    [
        {"members": ['=HYPERLINK("http://example.org")']},
        {"entity_dictionary": {"Jhon": "@SUM(A1)"}},
        {"templates": {**content()["templates"], "TPL_DEBATE": {"label": "+1"}}},
    ],
)
def test_formulas_in_an_imported_file_are_not_published(page: MappingPage, changes: dict[str, object]) -> None:
    body = json.dumps(content(**changes)).encode()
    answer = page.post("import", file=SimpleUploadedFile("config.json", body))
    assert answer.status_code == 302
    assert "formula" in page.text(name="review")
    page.post("publish", newest=1)
    assert state(page.council)[2] == 1


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"{}", b"[" * 5000, b'{"schema": 1}', b"x" * 2_000_000])
def test_a_bad_file_changes_nothing_and_is_explained(page: MappingPage, body: bytes) -> None:
    upload = {"file": SimpleUploadedFile("config.json", body)} if body else {}
    answer = page.client.post(page.url("import"), {"revision": 0, **upload}, follow=True)
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    assert state(page.council)[1] == 0


def test_what_is_exported_can_be_imported(page: MappingPage) -> None:
    page.edit("map_template", **TO_VARIOS)
    exported = page.client.get(page.url("export", "?version=draft"))
    assert exported.headers["content-disposition"].startswith("attachment")
    page.post("discard")
    page.post("import", file=SimpleUploadedFile("config.json", exported.content))
    assert place_of(page.council, "TPL_DEBATE") == "ZONA_VARIOS"


@pytest.mark.parametrize("query", ["?before=99", "?before=x", "?before=1%26version%3D2", "?before=1&after=-1"])
def test_versions_that_do_not_exist_are_explained(page: MappingPage, query: str) -> None:
    for name in ("diff", "export"):
        answer = page.client.get(page.url(name, query.replace("before", "before" if name == "diff" else "version")))
        assert answer.status_code in (200, 302)


@pytest.mark.parametrize(
    "fields",
    [
        {"operation": "replace_all", "content": "{}"},
        {"operation": ""},
        {"operation": "map_template", "template_id": "x" * 10_000, "place": "ZONA_VARIOS"},
        {"operation": "map_template", "template_id": "TPL_DEBATE", "place": "<b>"},
        {"operation": "set_word", "heard": "a\x00b", "written": "c"},
        {"operation": "set_names", "which": "templates", "names": "x"},
        {"operation": "map_intent", "intent": "VOTE", "table_id": "<nada>"},
    ],
)
def test_a_forged_edit_is_refused_with_a_sentence(page: MappingPage, fields: dict[str, Any]) -> None:
    answer = page.post("edit", script=True, **fields)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert state(page.council)[1] == 0


@pytest.mark.parametrize("revision", ["", "-1", "x", "9" * 40, "1.0"])
def test_a_revision_that_is_no_number_is_refused(page: MappingPage, revision: str) -> None:
    answer = page.client.post(page.url("edit"), {"revision": revision, **WRITES["edit"]})
    assert answer.status_code == 302
    assert state(page.council)[1] == 0


def test_discovered_templates_and_suggestions_are_offered(page: MappingPage) -> None:
    occurred(page.council.id, [Seen("TPL_PROPOSICION", "DEBATE", "Proposición", "Presento esta")] * 7)
    shown = page.text()
    assert "TPL_PROPOSICION" in shown
    assert "7 times" in shown
    assert "Presento esta" in shown
    assert "ZONA_PROPOSICIONES" in shown
    page.edit("map_template", template_id="TPL_PROPOSICION", label="Proposición", place="ZONA_PROPOSICIONES")
    assert place_of(page.council, "TPL_PROPOSICION") == "ZONA_PROPOSICIONES"


def test_all_suggestions_are_accepted_at_once(page: MappingPage) -> None:
    for name in ("TPL_VOTACION", "TPL_CIERRE"):
        page.edit("map_template", template_id=name, place="")
    page.edit("map_templates")
    assert place_of(page.council, "TPL_VOTACION") == "ZONA_VOTACION"
    assert place_of(page.council, "TPL_CIERRE") == "ZONA_CIERRE"


def test_an_utterance_is_tried_with_the_draft(page: MappingPage) -> None:
    page.edit("map_template", template_id="TPL_APERTURA", place="ZONA_VARIOS")
    shown = page.client.post(page.url("try"), {"utterance": OPENING}).content.decode()
    for expected in ("OPEN_SESSION", "TPL_APERTURA", "ZONA_VARIOS", OPENING):
        assert expected in shown
    rows = page.client.post(page.url("try"), {"utterance": VOTE}).content.decode()
    assert "TBL_VOTACION" in rows
    assert "<th>RESULTADO</th>" in rows
    assert "Aprobada" in rows
    assert page.client.post(page.url("try"), {"utterance": " "}).status_code == 200


def test_tables_fields_words_and_styles_are_edited(page: MappingPage) -> None:
    columns = {"column:ASUNTO": "result", "column:A_FAVOR": ""}
    page.edit("map_intent", intent="VOTE", table_id="TBL_VOTACION", rows="self", **columns)
    page.edit("map_field", place="CIUDAD", source="tenant.name")
    page.edit("set_word", heard="Cuibdó", written="Quibdó")
    page.edit("set_names", which="members", names="Ana\n\n Luz \nAna")
    page.edit("set_style", role="SPEECH", style="Normal")
    page.edit("describe_intent", intent="RECESS", template_id="TPL_VARIOS")
    page.edit("describe_intent", intent="VOTE", template_id="", core_template_id="TPL_VOTACION", label="Decisión")
    page.edit("set_image_zone", place="")
    with tenant_scope(page.council.id):
        made = read_draft().content
    assert made["table_map"]["VOTE"]["columns"] == {"ASUNTO": "result"}
    assert made["field_map"]["CIUDAD"] == "tenant.name"
    assert made["entity_dictionary"] == {"Jhon": "John", "Cuibdó": "Quibdó"}
    assert made["members"] == ["Ana", "Luz"]
    assert made["style_map"]["SPEECH"] == "Normal"
    assert made["intents"]["RECESS"]["template_id"] == "TPL_VARIOS"
    assert (made["intents"]["VOTE"]["template_id"], made["intents"]["VOTE"]["label"]) == ("TPL_VOTACION", "Decisión")
    assert made["image_zone"] is None
    assert ">Ana\nLuz\n</textarea>" in page.text("?tab=words")
    assert 'value="tenant.name"' in page.text("?tab=fields")
    tables = page.text("?tab=tables")
    assert '<option value="result" selected>' in tables
    assert 'value="Decisión"' in tables


def test_fields_of_an_intent_are_called_as_the_council_calls_them(page: MappingPage) -> None:
    own = {"VOTE": {"template_id": "TPL_VOTACION", "fields": {"in_favour": "Votos positivos"}}}
    page.post("import", file=SimpleUploadedFile("config.json", json.dumps(content(intents=own)).encode()))
    assert '<option value="in_favour" selected>Votos positivos</option>' in page.text("?tab=tables")


def test_three_hundred_templates_cost_no_more_queries_than_eight(page: MappingPage) -> None:
    page.text()
    with CaptureQueriesContext(
        connection,
    ) as few:
        page.text()
    many = {f"TPL_N{number}": {"label": f"Plantilla {number}"} for number in range(300)}
    ConfigVersionFactory(tenant=page.council, templates={**content()["templates"], **many})
    occurred(page.council.id, [Seen(name, "DEBATE", name, "Texto") for name in many])
    with CaptureQueriesContext(connection) as lots:
        shown = page.text()
    assert shown.count('class="astra-template ') == 308
    assert len(lots) == len(few)


def test_a_council_without_a_skeleton_is_told_what_to_do_first(db: None) -> None:
    council = Tenant.objects.create(slug="nuevo", name="Concejo Nuevo")
    page = MappingPage(signed_in(member(council, Role.ADMIN)), council)
    for name in ("change", "review"):
        assert reverse("admin:tenants_skeleton_changelist") in page.text(name=name)


def test_a_council_that_has_published_nothing_can_begin() -> None:
    council: Tenant = TenantFactory()
    SkeletonVersionFactory(skeleton=SkeletonFactory(tenant=council))
    page = MappingPage(signed_in(member(council, Role.ADMIN, "nueva"), "en"), council)
    for tab in TABS:
        assert page.text(f"?tab={tab}")
    assert page.post("try", utterance=VOTE).status_code == 200
    page.edit("map_template", template_id="TPL_VOTACION", place="ZONA_VOTACION")
    page.post("publish", newest=0)
    assert place_of(council, "TPL_VOTACION") == "ZONA_VOTACION"
    assert state(council)[2] == 1


def test_what_the_skeleton_has_no_more_can_be_put_right(page: MappingPage) -> None:
    with tenant_scope(page.council.id):
        add_skeleton_version(Skeleton.objects.get(is_default=True), make_docx(control("ZONA_UNICA", "<w:p/>")))
    lost = {"templates": ("ZONA_VARIOS", "IMG_ANEXO"), "tables": ("TBL_VOTACION",), "fields": ("NUMERO_ACTA",)}
    for tab, names in lost.items():
        for name in names:
            assert f'value="{name}"' in page.text(f"?tab={tab}")
    page.edit("map_field", place="NUMERO_ACTA", source="")
    page.edit("set_default_zone", place="ZONA_UNICA")
    assert "NUMERO_ACTA" not in page.text("?tab=fields")
    with tenant_scope(page.council.id):
        assert read_draft().content["default_zone"] == "ZONA_UNICA"
