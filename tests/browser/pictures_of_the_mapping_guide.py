"""Takes the pictures of the tenant admin's guide anew: `make pictures`. No test: pytest finds it only by its name."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tenants.config.sightings import Seen
from tenants.models import Role
from tests.browser.people import member
from tests.browser.visit import visit
from tests.config.samples import content, occurred
from tests.factories.tenants import ConfigVersionFactory
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE

pytestmark = pytest.mark.django_db(transaction=True)
IMAGES = Path(__file__).parents[2] / "docs" / "images"
PAGE = "admin:tenants_mappedcouncil_change"
SAID = [
    *[Seen("TPL_APERTURA", "OPEN_SESSION", "Apertura de la sesión", OPENING)] * 12,
    *[Seen("TPL_DEBATE", "DEBATE", "Debate", DEBATE)] * 431,
    *[Seen("TPL_VOTACION", "VOTE", "Votación", VOTE)] * 37,
    *[Seen("TPL_CIERRE", "CLOSE_SESSION", "Cierre", CLOSING)] * 12,
    *[Seen("TPL_PROPOSICION_VERBAL", "PROPOSITION", "Proposición verbal", "Presento una proposición verbal.")] * 3,
]


def take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    taken = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    # A page has few colours: a quarter of the bytes, to the eye the same.
    taken.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(IMAGES / f"mapping-{name}.png", optimize=True)


def test_pictures(browser: Browser, live_server: LiveServer, alice: Person) -> None:
    zones = {name: place for name, place in content()["zone_map"].items() if name not in ("TPL_VOTACION", "TPL_CIERRE")}
    ConfigVersionFactory(tenant=alice.council, zone_map=zones)
    for seen in SAID:
        occurred(alice.tenant_id, [seen])
    with visit(browser, live_server.url) as person:
        page = person.page
        person.sign_in(member(alice.council, Role.ADMIN, "ana"))
        person.open(PAGE, alice.tenant_id)
        take(page, "screen")
        page.locator("[data-template=TPL_VOTACION] .astra-handle").focus()
        page.keyboard.press("Enter")
        take(page, "keyboard")
        page.keyboard.press("Escape")
        page.locator("#place-TPL_VOTACION").focus()
        page.locator("#place-TPL_VOTACION").select_option("TBL_VOTACION")
        expect(page.locator("[data-template=TPL_VOTACION] .is-error")).to_be_visible()
        take(page, "error")
        page.locator("#place-TPL_VOTACION").select_option("ZONA_VOTACION")
        expect(page.locator("[data-template=TPL_VOTACION]")).to_have_attribute("data-state", "mapped")
        page.locator("#utterance").fill(VOTE)
        page.locator("#astra-try button").click()
        expect(page.locator("#rehearsal .astra-passage")).to_be_visible()
        take(page, "try")
        page.locator("#astra-try summary").click()
        page.locator("#astra-pages summary").click()
        page.wait_for_function("document.querySelector('#astra-pages img').naturalWidth > 500", timeout=60_000)
        page.locator("#astra-pages summary").scroll_into_view_if_needed()
        take(page, "pages")
        page.locator(".astra-actions a").first.click()
        take(page, "review")
        page.locator("input[name=note]").fill("Las votaciones, a su zona")
        page.locator("form button.is-primary").click()
        for tab in ("tables", "fields", "words", "history"):
            person.open(PAGE, alice.tenant_id, query=f"?tab={tab}")
            take(page, tab)
        page.locator("#version-1 .astra-button").last.click()
        take(page, "go-back")
