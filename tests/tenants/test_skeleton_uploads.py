"""Uploading a Word document in the admin: what is said of a bad one, shown of a good one, and how it comes back."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import all_tenants, tenant_scope
from tenants.models import Role, Skeleton, SkeletonVersion
from tenants.services import add_skeleton_version
from tenants.skeleton.warnings import WARNINGS
from tenants.skeleton_admin import SkeletonForm
from tenants.skeleton_texts import WARNING_TEXTS
from tests.browser.people import member, signed_in
from tests.factories.tenants import SKELETON_DOCX
from tests.people import Person
from tests.skeleton.packages import control, make_docx, paragraph, relationship

pytestmark = pytest.mark.django_db
_MARKUP = "&lt;img src=x onerror=alert(1)&gt;"


@pytest.fixture
def admin(alice: Person) -> User:
    return member(alice.council, Role.ADMIN)


@pytest.fixture
def skeleton(alice: Person) -> Skeleton:
    with all_tenants(reason="a test looks"):
        found: Skeleton = Skeleton.objects.get(tenant=alice.council)
    return found


def page_of(skeleton: Skeleton) -> str:
    return reverse("admin:tenants_skeleton_change", args=[skeleton.pk])


def send(client: Client, skeleton: Skeleton, document: Any) -> str:
    """Upload a document as a new version and return the page that follows."""
    fields = {"tenant": str(skeleton.tenant_id), "code": skeleton.code, "name": skeleton.name, "is_default": "on"}
    inline = {"versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0}
    answer = client.post(page_of(skeleton), {**fields, **inline, "document": document, "_continue": "1"}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def docx(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("acta.docx", content)


def versions(skeleton: Skeleton) -> list[SkeletonVersion]:
    with tenant_scope(skeleton.tenant_id):
        return list(SkeletonVersion.objects.filter(skeleton=skeleton).order_by("number"))


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def with_macro() -> bytes:
    buffer = io.BytesIO(SKELETON_DOCX)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("word/vbaProject.bin", b"x")
    return buffer.getvalue()


ENGLISH = {
    "a macro": (with_macro(), "contains macros"),
    "a picture from the web": (
        make_docx("", relationships=relationship("image", "http://example.org/p.png", external=True)),
        "loads something from outside: embed it or remove it. Part of the file: word/_rels/document.xml.rels. "
        "It leads to: http://example.org/p.png.",
    ),
    "a field that runs a command": (
        make_docx('<w:p><w:fldSimple w:instr=" DDEAUTO calc "/></w:p>'),
        "reads files or runs commands: remove it. Part of the file: word/document.xml. Field: DDEAUTO calc.",
    ),
    "five thousand placeholders": (
        make_docx("".join(paragraph(f"{{{{C_{n}}}}}") for n in range(5_000))),
        "too many placeholders. 1000 placeholders are allowed.",
    ),
    "a main document in pieces": (make_docx("<w:p>"), "is damaged: open it in Word"),
}
_ENTITY = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'
SPANISH = {
    "no document": (b"acta", "Esto no es un documento de Word"),
    "external entities": (
        make_docx("", replaced={"word/document.xml": _ENTITY}),
        "contiene declaraciones que ningún documento de Word necesita",
    ),
    "a picture from the web": (ENGLISH["a picture from the web"][0], "carga algo desde fuera"),
}


@pytest.mark.parametrize("name", ENGLISH)
def test_a_bad_document_is_explained_with_the_place_that_is_bad(admin: User, skeleton: Skeleton, name: str) -> None:
    content, said = ENGLISH[name]
    assert said in text_of(send(signed_in(admin, "en"), skeleton, docx(content)))
    assert [version.number for version in versions(skeleton)] == [1]


@pytest.mark.parametrize("name", SPANISH)
def test_a_bad_document_is_explained_in_spanish(admin: User, skeleton: Skeleton, name: str) -> None:
    content, said = SPANISH[name]
    assert said in text_of(send(signed_in(admin), skeleton, docx(content)))
    assert [version.number for version in versions(skeleton)] == [1]


def test_a_file_over_the_limit_is_refused_without_being_read() -> None:
    class Unread(SimpleUploadedFile):
        def read(self, *_: Any) -> bytes:
            pytest.fail("the file was read")

    upload = Unread("acta.docx", b"x")
    upload.size = 20 * 1024 * 1024 + 1
    form = SkeletonForm()
    form.cleaned_data = {"document": upload}
    with override("en"), pytest.raises(ValidationError, match=r"too large\. 20\.0.{1,4}MB are allowed"):
        form.clean_document()


def test_the_page_lists_what_was_found_and_what_to_look_at(admin: User, skeleton: Skeleton) -> None:
    body = (
        paragraph("Votación", "Ttulo1")
        + control("TBL_VOTOS", f"<w:tbl><w:tr><w:tc>{paragraph('{{NOMBRE}}')}</w:tc></w:tr></w:tbl>", "")
        + paragraph("En {{CIUDAD}} y {{FECHA")
        + control("ZONA_DEBATE", paragraph("Aquí el debate")) * 2
    )
    shown = text_of(send(signed_in(admin, "en"), skeleton, docx(make_docx(body))))
    assert "2 CIUDAD text Votación En {{CIUDAD}} y {{FECHA 1" in shown
    assert "1 TBL_VOTOS table: NOMBRE Votación {{NOMBRE}} 1" in shown
    assert "ZONA_DEBATE The name occurs more than once" in shown
    assert "En {{CIUDAD}} y {{FECHA A marker can&#x27;t be read" in shown
    assert "Version 2 is stored. There is something to look at" in shown


def test_what_a_document_says_is_shown_as_text_and_never_runs(admin: User, skeleton: Skeleton) -> None:
    body = control(_MARKUP, paragraph("x")) + paragraph(_MARKUP, "Ttulo1") + paragraph(f"{_MARKUP} {{{{CIUDAD}}}}")
    client = signed_in(admin)
    shown = send(client, skeleton, docx(make_docx(body)))
    page = client.get(reverse("admin:tenants_skeletonversion_change", args=[versions(skeleton)[-1].pk]))
    for html in (shown, page.content.decode()):
        assert "onerror=alert(1)" in html
        assert "<img src=x" not in html


def test_every_warning_is_said_in_the_admin() -> None:
    assert set(WARNING_TEXTS) == set(WARNINGS)


def test_every_version_comes_back_byte_for_byte(admin: User, skeleton: Skeleton) -> None:
    client = signed_in(admin)
    second = make_docx(paragraph("{{CIUDAD}}"))
    send(client, skeleton, docx(second))
    contents = [SKELETON_DOCX, second]
    for version, content in zip(versions(skeleton), contents, strict=True):
        answer = client.get(reverse("admin:tenants_skeletonversion_download", args=[version.pk]))
        assert answer.content == content
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{skeleton.code}_v{version.number}.docx"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (
            reverse("admin:tenants_skeletonversion_download", args=[version.pk])
            in client.get(page_of(skeleton)).content.decode()
        )


def test_a_version_that_was_changed_in_the_store_is_not_handed_out(admin: User, skeleton: Skeleton) -> None:
    (version,) = versions(skeleton)
    object_store().put(Bucket.SKELETONS, version.object_key, b"other", "application/octet-stream")
    answer = signed_in(admin).get(reverse("admin:tenants_skeletonversion_download", args=[version.pk]), follow=True)
    assert "avise al equipo de la plataforma" in answer.content.decode().lower()
    assert answer.headers["Content-Type"].startswith("text/html")


def test_another_council_gets_neither_page_nor_document(skeleton: Skeleton, charlie: Person) -> None:
    outsider = signed_in(member(charlie.council, Role.ADMIN))
    (version,) = versions(skeleton)
    listed = outsider.get(reverse("admin:tenants_skeletonversion_changelist"))
    assert listed.status_code == 200
    assert str(version.pk) not in listed.content.decode()
    for page in ("change", "history"):
        address = reverse(f"admin:tenants_skeletonversion_{page}", args=[version.pk])
        assert outsider.get(address).status_code in (302, 403, 404)
    assert outsider.get(reverse("admin:tenants_skeletonversion_download", args=[version.pk])).status_code == 404


@pytest.mark.parametrize("role", list(Role))
def test_a_version_is_looked_at_and_never_changed(alice: Person, skeleton: Skeleton, role: Role) -> None:
    client = signed_in(member(alice.council, role))
    (version,) = versions(skeleton)
    address = reverse("admin:tenants_skeletonversion_change", args=[version.pk])
    assert "ZONA_VOTACION" in client.get(address).content.decode()
    assert client.post(address, {"number": 7}).status_code == 403
    assert client.post(reverse("admin:tenants_skeletonversion_delete", args=[version.pk])).status_code == 403
    assert client.get(reverse("admin:tenants_skeletonversion_add")).status_code == 403


def test_a_version_from_before_samples_were_kept_is_shown_too(admin: User, skeleton: Skeleton) -> None:
    old = {"tag": "CIUDAD", "kind": "text", "source": "marker", "location": "Header", "label": "CIUDAD", "columns": []}
    with tenant_scope(skeleton.tenant_id):
        SkeletonVersion.objects.create(
            tenant_id=skeleton.tenant_id, skeleton=skeleton, number=2, object_key="x", sha256="sha256:0",
            size_bytes=1, placeholders=[old],
        )  # fmt: skip
    shown = text_of(signed_in(admin).get(page_of(skeleton)).content.decode())
    assert "1 CIUDAD texto encabezado" in shown


def test_the_same_document_again_is_the_version_that_it_is(skeleton: Skeleton) -> None:
    with tenant_scope(skeleton.tenant_id):
        assert add_skeleton_version(skeleton, SKELETON_DOCX).number == 1
    assert len(versions(skeleton)) == 1
