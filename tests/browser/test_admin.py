"""The admin in a real browser: in Spanish, in English, without errors, and closed to the outsider."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tenants.models import Role
from tests.browser.people import member
from tests.browser.visit import visit
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = {
    "sessions_app_session": "Acta 014",
    "jobs_job": "Elaborar el acta",
    "custody_snapshot": "sha256:",
    "tenants_tenant": "Concejo Municipal de Quibdó",
    "tenants_membership": "Secretario",
    "tenants_skeleton": "v1",
    "tenants_configversion": "v1",
}
SESSION = "admin:sessions_app_session_change"


@pytest.fixture
def open_minutes(alice: Person) -> Minutes:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    minutes.say(2, VOTE)
    minutes.say(3, CLOSING)
    minutes.show_image(png(), caption="Luminarias")
    finish_jobs()
    return minutes


@pytest.fixture
def sealed(open_minutes: Minutes) -> Minutes:
    open_minutes.close()
    return open_minutes


def test_a_clerk_opens_every_list_and_every_detail(
    browser: Browser, live_server: LiveServer, sealed: Minutes, alice: Person
) -> None:
    clerk = member(alice.council, Role.CLERK)
    with visit(browser, live_server.url) as seen:
        assert "Contraseña" in seen.open("admin:login")
        seen.sign_in(clerk)
        assert "Últimas actas selladas" in seen.text()
        for name, expected in PAGES.items():
            assert expected in seen.open(f"admin:{name}_changelist")
            seen.page.locator(f"#result_list a[href*='{reverse(f'admin:{name}_changelist')}']").first.click()
            seen.page.wait_for_load_state("networkidle")
            assert "/change/" in seen.page.url
        assert seen.troubles == []


def test_the_sidebar_leads_to_pages_that_open(
    browser: Browser, live_server: LiveServer, sealed: Minutes, alice: Person
) -> None:
    with visit(browser, live_server.url) as seen:
        seen.sign_in(member(alice.council, Role.VIEWER))
        links = seen.page.locator("#nav-sidebar-apps a")
        for number in range(links.count()):
            links.nth(number).click()
            seen.page.wait_for_load_state("networkidle")
        assert links.count() > len(PAGES)
        assert seen.troubles == []


def test_the_lists_of_a_session_are_one_click_away(
    browser: Browser, live_server: LiveServer, open_minutes: Minutes, alice: Person
) -> None:
    with visit(browser, live_server.url) as seen:
        seen.sign_in(member(alice.council, Role.CLERK))
        assert "Votación" in seen.open(SESSION, open_minutes.session_id)
        for tab, expected in (("Trabajos", "Transcribir"), ("Diario", "Luminarias"), ("Datos", "America/Bogota")):
            seen.page.get_by_label("Listas de la sesión").get_by_role("link", name=tab).click()
            seen.page.wait_for_load_state("networkidle")
            assert expected in seen.text()
        seen.page.get_by_role("button", name="Finalizar").click()
        seen.page.wait_for_load_state("networkidle")
        assert "El acta se está elaborando" in seen.text()
        assert seen.troubles == []


def test_the_document_comes_from_the_page(
    browser: Browser, live_server: LiveServer, sealed: Minutes, alice: Person
) -> None:
    with visit(browser, live_server.url) as seen:
        seen.sign_in(member(alice.council, Role.VIEWER))
        seen.open(SESSION, sealed.session_id)
        link = seen.page.get_by_role("link", name="Descargar el documento").get_attribute("href")
        answer = seen.page.request.get(f"{live_server.url}{link}", max_redirects=0)
        assert answer.status == 302
        assert "/objects/" in answer.headers["location"]


def test_the_language_is_changed_in_the_menu(browser: Browser, live_server: LiveServer, alice: Person) -> None:
    with visit(browser, live_server.url) as seen:
        seen.sign_in(member(alice.council, Role.CLERK))
        assert "Sesiones por estado" in seen.text()
        seen.page.get_by_text("clerk-quibdo").last.click()
        seen.page.get_by_role("button", name="English").click()
        seen.page.wait_for_load_state("networkidle")
        assert "Sessions by state" in seen.text()
        assert "Skeletons" in seen.open("admin:tenants_skeleton_changelist")
        assert seen.troubles == []


def test_a_browser_set_to_english_gets_english(browser: Browser, live_server: LiveServer, alice: Person) -> None:
    with visit(browser, live_server.url, "en-GB") as seen:
        assert "Password" in seen.open("admin:login")


def test_an_outsider_sees_nothing_of_it(
    browser: Browser, live_server: LiveServer, sealed: Minutes, charlie: Person
) -> None:
    with visit(browser, live_server.url) as seen:
        assert "Contraseña" in seen.open(SESSION, sealed.session_id)
        seen.sign_in(member(charlie.council, Role.ADMIN))
        assert "014" not in seen.open("admin:sessions_app_session_changelist")
        shown = seen.open(SESSION, sealed.session_id)
        assert seen.page.url == live_server.url + reverse("admin:index")
        assert "Quibdó" not in shown
