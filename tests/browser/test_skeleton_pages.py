"""Uploading a skeleton in a real browser: a bad file, a good one with something to look at, and both versions back."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from astra_site.lib.tenancy import tenant_scope
from tenants.models import Role, Skeleton
from tests.browser.people import member
from tests.browser.visit import Visit, visit
from tests.factories.tenants import SKELETON_DOCX
from tests.people import Person
from tests.skeleton.packages import control, make_docx, paragraph

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = make_docx(
    paragraph("Debate", "Ttulo1")
    + paragraph("En {{CIUDAD}}, a las {{HORA")
    + control("ZONA_DEBATE", paragraph("Aquí lo que se dice"))
    + control("&lt;img src=x onerror=&quot;document.title='run'&quot;&gt;", paragraph("x"), number=2)
)


@pytest.fixture
def skeleton(alice: Person) -> Skeleton:
    with tenant_scope(alice.tenant_id):
        found: Skeleton = Skeleton.objects.get()
    return found


def upload(seen: Visit, name: str, content: bytes) -> str:
    """Choose a file, save and stay; return the page's text."""
    document = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    seen.page.set_input_files("input[type=file][name=document]", document)  # type: ignore[arg-type]  # a FilePayload
    seen.page.locator("button[name=_continue], input[name=_continue]").first.click()
    seen.page.wait_for_load_state("networkidle")
    return seen.text()


def test_a_skeleton_is_uploaded_looked_at_and_fetched_back(
    browser: Browser, live_server: LiveServer, alice: Person, skeleton: Skeleton, tmp_path: Path
) -> None:
    with visit(browser, live_server.url, "en-GB") as seen:
        seen.sign_in(member(alice.council, Role.ADMIN))
        assert "ZONA_VOTACION" in seen.open("admin:tenants_skeleton_change", skeleton.pk)
        assert "This is not a Word document" in upload(seen, "acta.docx", b"no document")
        shown = upload(seen, "acta.docx", SECOND)
        assert "Version 2 is stored" in shown
        for words in ("ZONA_DEBATE", "En {{CIUDAD}}, a las {{HORA", "A marker can't be read", "<img src=x onerror="):
            assert words in shown
        assert seen.page.title() != "run"
        versions = reverse("admin:tenants_skeletonversion_changelist")
        links = seen.page.locator(f"a[href*='{versions}'][href$='/download/']")
        addresses = [links.nth(number).get_attribute("href") for number in range(links.count())]
        got = [seen.page.request.get(f"{live_server.url}{address}").body() for address in addresses]
        assert got == [SECOND, SKELETON_DOCX]
        assert seen.troubles == []


def test_each_version_has_a_page_that_the_viewer_opens(
    browser: Browser, live_server: LiveServer, alice: Person, skeleton: Skeleton
) -> None:
    with visit(browser, live_server.url) as seen:
        seen.sign_in(member(alice.council, Role.VIEWER))
        seen.open("admin:tenants_skeletonversion_changelist")
        seen.page.locator("#result_list a[href*='/change/']").first.click()
        seen.page.wait_for_load_state("networkidle")
        assert "ZONA_VOTACION" in seen.text()
        assert "Llamado a lista y verificación del quórum" in seen.text()
        assert seen.troubles == []
