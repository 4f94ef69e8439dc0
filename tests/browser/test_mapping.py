"""The tenant admin's daily screen in a real browser: by mouse, by dragging, by keyboard, up to a published version."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect
from pytest_django.live_server_helper import LiveServer

from astra_site.lib.tenancy import tenant_scope
from tenants.config.drafts import read_draft
from tenants.config.sightings import Seen
from tenants.mapping.pictures import can_draw
from tenants.models import ConfigVersion, Role
from tests.browser.people import member
from tests.browser.visit import Visit, visit
from tests.config.samples import content, occurred
from tests.factories.tenants import ConfigVersionFactory
from tests.people import Person
from tests.sessions.minutes_client import VOTE

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "admin:tenants_mappedcouncil_change"
FIVE = {
    "TPL_APERTURA": "ZONA_APERTURA",
    "TPL_DEBATE": "ZONA_DEBATE",
    "TPL_PROPOSICIONES": "ZONA_PROPOSICIONES",
    "TPL_VOTACION": "ZONA_VOTACION",
    "TPL_CIERRE": "ZONA_CIERRE",
}


@pytest.fixture
def screen(browser: Browser, live_server: LiveServer, alice: Person) -> Iterator[Visit]:
    """The page of an administrator whose council has mapped none of five templates."""
    zones = {name: place for name, place in content()["zone_map"].items() if name not in FIVE}
    ConfigVersionFactory(tenant=alice.council, zone_map=zones)
    occurred(alice.tenant_id, [Seen("TPL_VOTACION", "VOTE", "Votación", VOTE)] * 3)
    with visit(browser, live_server.url, "en-GB") as seen:
        seen.sign_in(member(alice.council, Role.ADMIN, "ana"))
        seen.open(PAGE, alice.tenant_id)
        yield seen
        assert seen.troubles == []


def row(seen: Visit, template_id: str) -> Locator:
    return seen.page.locator(f".astra-template[data-template='{template_id}']")


def zone(seen: Visit, tag: str) -> Locator:
    return seen.page.locator(f".astra-place[data-place='{tag}']")


def is_mapped(seen: Visit, template_id: str, tag: str) -> None:
    expect(row(seen, template_id)).to_have_attribute("data-state", "mapped")
    expect(row(seen, template_id).locator("select[name=place]")).to_have_value(tag)


def select(seen: Visit, template_id: str, tag: str) -> None:
    chosen = row(seen, template_id).locator("select[name=place]")
    chosen.focus()
    chosen.select_option(tag)


def drag(seen: Visit, template_id: str, tag: str) -> None:
    row(seen, template_id).drag_to(zone(seen, tag), source_position={"x": 60, "y": 12})


def by_keyboard(seen: Visit, template_id: str, tag: str) -> None:
    """Enter on the handle, arrows to the zone, Enter: no mouse."""
    row(seen, template_id).locator(".astra-handle").focus()
    seen.page.keyboard.press("Enter")
    expect(seen.page.locator("#mapping-said")).to_contain_text("Picked up")
    for _ in range(seen.page.locator(".astra-place[data-takes-blocks]").count()):
        if seen.page.evaluate("document.activeElement.dataset.place") == tag:
            break
        seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("Enter")


def test_five_templates_are_mapped_by_mouse_and_by_keyboard(screen: Visit, alice: Person) -> None:
    assert "5 templates without a place" in screen.text()
    select(screen, "TPL_APERTURA", "ZONA_APERTURA")
    is_mapped(screen, "TPL_APERTURA", "ZONA_APERTURA")
    drag(screen, "TPL_DEBATE", "ZONA_DEBATE")
    is_mapped(screen, "TPL_DEBATE", "ZONA_DEBATE")
    row(screen, "TPL_PROPOSICIONES").locator(".astra-suggestion").click()
    is_mapped(screen, "TPL_PROPOSICIONES", "ZONA_PROPOSICIONES")
    by_keyboard(screen, "TPL_VOTACION", "ZONA_VOTACION")
    is_mapped(screen, "TPL_VOTACION", "ZONA_VOTACION")
    row(screen, "TPL_CIERRE").locator(".astra-handle").click()
    zone(screen, "ZONA_CIERRE").click()
    is_mapped(screen, "TPL_CIERRE", "ZONA_CIERRE")
    expect(screen.page.locator("[data-counter=unmapped]")).to_have_text("0 templates without a place")
    expect(zone(screen, "ZONA_VOTACION").locator(".astra-chip")).to_have_text("Votación")
    with tenant_scope(alice.tenant_id):
        draft = read_draft()
    assert draft.content["zone_map"] == content()["zone_map"]
    assert draft.revision == 5


def test_escape_puts_a_template_back(screen: Visit, alice: Person) -> None:
    row(screen, "TPL_VOTACION").locator(".astra-handle").focus()
    screen.page.keyboard.press("Enter")
    screen.page.keyboard.press("Escape")
    assert screen.page.evaluate("document.activeElement.className") == "astra-handle"
    expect(screen.page.locator("#mapping")).not_to_have_class("is-picking")
    with tenant_scope(alice.tenant_id):
        assert read_draft().revision == 0


def test_an_error_is_met_put_right_published_compared_and_taken_back(screen: Visit, alice: Person) -> None:
    page = screen.page
    select(screen, "TPL_VOTACION", "TBL_VOTACION")
    expect(row(screen, "TPL_VOTACION").locator(".is-error")).to_contain_text(
        "TBL_VOTACION is a table and can't take text."
    )
    page.get_by_role("link", name="Review and publish").click()
    expect(page.get_by_role("button", name="Publish")).to_be_disabled()
    page.get_by_role("link", name="Back to the mapping").click()
    select(screen, "TPL_VOTACION", "ZONA_VOTACION")
    is_mapped(screen, "TPL_VOTACION", "ZONA_VOTACION")
    page.get_by_role("link", name="Review and publish").click()
    expect(page.locator(".astra-diff")).to_contain_text("TPL_VOTACION")
    page.get_by_label("Note").fill("Las votaciones, a su zona")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Sessions that start now use it")).to_be_visible()
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.locator("#version-3")).to_contain_text("Las votaciones, a su zona")
    page.locator("#version-3").get_by_role("link", name="with the one before").click()
    expect(page.locator(".astra-diff .is-after")).to_have_text("ZONA_VOTACION")
    page.get_by_role("link", name="Back to the history").click()
    page.locator("#version-1").get_by_role("link", name="Go back to this one").click()
    page.get_by_role("button", name="Publish v1 again").click()
    expect(page.locator("#version-4")).to_contain_text("as v1")
    with tenant_scope(alice.tenant_id):
        first, newest = ConfigVersion.objects.get(number=1), ConfigVersion.objects.get(number=4)
    assert newest.sha256 == first.sha256


def test_an_utterance_is_tried(screen: Visit) -> None:
    select(screen, "TPL_VOTACION", "ZONA_VARIOS")
    is_mapped(screen, "TPL_VOTACION", "ZONA_VARIOS")
    screen.page.get_by_label("What somebody says in the session").fill(VOTE)
    screen.page.get_by_role("button", name="Try", exact=True).click()
    rehearsal = screen.page.locator("#rehearsal")
    for expected in ("VOTE", "TPL_VOTACION", "ZONA_VARIOS", "TBL_VOTACION", "Aprobada"):
        expect(rehearsal).to_contain_text(expected)
    expect(rehearsal.locator(".astra-passage")).to_have_text(VOTE)


@pytest.mark.skipif(not can_draw(), reason="There is no LibreOffice or Poppler: install them with `make tools`.")
def test_the_pages_are_shown_as_they_look(screen: Visit) -> None:
    screen.page.get_by_text("The pages as they look").click()
    drawn = "[...document.querySelectorAll('#astra-pages img')].filter((page) => page.naturalWidth > 500).length"
    screen.page.wait_for_function(f"{drawn} >= 2", timeout=60_000)
    screen.page.wait_for_function(f"document.querySelectorAll('#astra-pages img').length === {drawn}")


def test_a_template_is_added_named_and_removed(screen: Visit, alice: Person) -> None:
    form = screen.page.locator("#astra-describe")
    form.get_by_label("Template").fill("TPL_HIMNO")
    form.get_by_label("Name").fill("Himno nacional")
    form.get_by_role("button", name="Save").click()
    expect(row(screen, "TPL_HIMNO")).to_contain_text("Himno nacional")
    form.get_by_label("Template").fill("TPL_HIMNO")
    form.get_by_role("button", name="Remove").click()
    expect(row(screen, "TPL_HIMNO")).to_have_count(0)
    with tenant_scope(alice.tenant_id):
        assert (read_draft().changes, read_draft().revision) == ([], 2)


def test_somebody_else_was_faster(screen: Visit, alice: Person, browser: Browser, live_server: LiveServer) -> None:
    with visit(browser, live_server.url, "en-GB") as other:
        other.sign_in(member(alice.council, Role.ADMIN, "luz"))
        other.open(PAGE, alice.tenant_id)
        select(other, "TPL_CIERRE", "ZONA_CIERRE")
        is_mapped(other, "TPL_CIERRE", "ZONA_CIERRE")
    select(screen, "TPL_VOTACION", "ZONA_VOTACION")
    expect(screen.page.get_by_role("alert")).to_contain_text("Somebody else has changed the draft")
    is_mapped(screen, "TPL_CIERRE", "ZONA_CIERRE")
    select(screen, "TPL_VOTACION", "ZONA_VOTACION")
    is_mapped(screen, "TPL_VOTACION", "ZONA_VOTACION")
    expect(screen.page.get_by_role("alert")).to_have_count(0)


def test_templates_are_found_among_three_hundred(screen: Visit, alice: Person) -> None:
    many = {f"TPL_N{number}": {"label": f"Plantilla {number}"} for number in range(300)}
    ConfigVersionFactory(tenant=alice.council, templates={**content()["templates"], **many})
    screen.open(PAGE, alice.tenant_id)
    assert "308 templates" in screen.text()
    screen.page.get_by_label("Find a template").fill("votacion")
    visible = screen.page.locator(".astra-template:visible")
    expect(visible).to_have_count(1)
    expect(visible).to_contain_text("Votación")
    screen.page.get_by_label("Find a template").fill("plantilla 299")
    select(screen, "TPL_N299", "ZONA_VARIOS")
    is_mapped(screen, "TPL_N299", "ZONA_VARIOS")
    expect(visible).to_have_count(1)
    screen.page.get_by_label("Find a template").fill("")
    screen.page.get_by_label("Show").select_option("unmapped new")
    expect(visible).to_have_count(299)


def test_the_language_is_changed_on_the_page(screen: Visit, alice: Person) -> None:
    assert "Where it goes" in screen.text()
    screen.page.get_by_text("ana", exact=True).last.click()
    screen.page.get_by_role("button", name="Español").click()
    screen.page.wait_for_load_state("networkidle")
    screen.open(PAGE, alice.tenant_id)
    assert screen.page.locator("html").get_attribute("lang") == "es"
    assert "Esqueletos" in screen.text()


def test_a_viewer_looks_and_tries(browser: Browser, live_server: LiveServer, alice: Person) -> None:
    with visit(browser, live_server.url, "en-GB") as seen:
        seen.sign_in(member(alice.council, Role.VIEWER))
        seen.page.get_by_role("link", name="Mapping").click()
        seen.page.wait_for_load_state("networkidle")
        assert "Administrators of the council change it" in seen.text()
        assert seen.page.locator(".astra-handle, .astra-template select").count() == 0
        seen.page.get_by_label("What somebody says in the session").fill(VOTE)
        seen.page.get_by_role("button", name="Try", exact=True).click()
        expect(seen.page.locator("#rehearsal")).to_contain_text("TPL_VOTACION")
        assert seen.troubles == []
