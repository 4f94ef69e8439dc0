"""Signing in to the admin at a real OpenID provider, in a real browser: in, changed, refused, down, and out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from astra_site.lib.tenancy import all_tenants
from tenants.models import Membership, Role
from tests.browser.people import member
from tests.browser.visit import Visit, visit
from tests.oidc_site import Provider, configure, provider_for
from tests.people import Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(live_server: LiveServer, settings: Settings, tmp_path: Path) -> Iterator[Provider]:
    with provider_for(live_server.url, tmp_path) as running:
        configure(settings, running.issuer)
        yield running


def sign_in_there(seen: Visit, login: str) -> None:
    """Press the button, fill in the provider's own form, and agree to what it asks."""
    seen.open("admin:login")
    seen.page.locator("a[href*='/oidc/authenticate/']").click()
    seen.page.fill("input[name=login]", login)
    seen.page.fill("input[name=password]", "anything")
    seen.page.click("button[type=submit]")
    if "/interaction/" in seen.page.url:
        seen.page.click("button[type=submit]")
    seen.page.wait_for_url(f"{seen.address}/**")
    seen.page.wait_for_load_state("networkidle")


def roles() -> dict[str, str]:
    with all_tenants(reason="a test looks"):
        rows = Membership.objects.select_related("user", "tenant")
        return {row.tenant.slug: row.role for row in rows}


def test_a_person_logs_in_at_the_provider_and_out_again(
    browser: Browser, live_server: LiveServer, provider: Provider, alice: Person
) -> None:
    provider.say("luz", tenant_id="quibdo", groups=["clerk"], email="luz@quibdo.example", given_name="Luz")
    with visit(browser, live_server.url) as seen:
        sign_in_there(seen, "luz")
        assert seen.page.url == live_server.url + reverse("admin:index")
        assert "Sesiones por estado" in seen.text() or "Todavía no hay sesiones" in seen.text()
        assert "Concejo Municipal de Quibdó" in seen.open("admin:tenants_tenant_changelist")
        assert roles() == {"quibdo": "clerk"}
        # The provider's own page asks for a font that is not there.
        assert [trouble for trouble in seen.troubles if not trouble.startswith(provider.issuer)] == []
        seen.page.get_by_text("Luz").last.click()
        seen.page.locator("#logout-form button").click()
        seen.page.get_by_role("button", name="Yes, sign me out").click()
        seen.page.wait_for_url(f"{live_server.url}/admin/login/**")
        seen.page.locator("a[href*='/oidc/authenticate/']").click()
        seen.page.wait_for_selector("input[name=password]")
        assert seen.page.url.startswith(provider.issuer), "signed out there too: the next person has to sign in"


def test_the_page_that_was_wanted_comes_after_signing_in(
    browser: Browser, live_server: LiveServer, provider: Provider, alice: Person
) -> None:
    provider.say("luz", tenant_id=["quibdo"], groups=["viewer"])
    wanted = reverse("admin:tenants_skeleton_changelist")
    with visit(browser, live_server.url) as seen:
        seen.page.goto(live_server.url + wanted)
        seen.page.locator("a[href*='/oidc/authenticate/']").click()
        seen.page.fill("input[name=login]", "luz")
        seen.page.fill("input[name=password]", "x")
        seen.page.click("button[type=submit]")
        seen.page.click("button[type=submit]")
        seen.page.wait_for_url(live_server.url + wanted)


def test_what_the_provider_says_now_holds_from_the_next_sign_in_on(
    browser: Browser, live_server: LiveServer, provider: Provider, alice: Person, charlie: Person
) -> None:
    for claims, expected in (
        ({"tenant_id": "quibdo", "groups": ["clerk", "viewer"]}, {"quibdo": "clerk"}),
        (
            {"tenant_id": ["quibdo", "tado"], "groups": ["admin"], "email": "a@x.co"},
            {"quibdo": "admin", "tado": "admin"},
        ),
        ({"tenant_id": str(charlie.tenant_id), "groups": ["viewer"], "email": "b@x.co"}, {"tado": "viewer"}),
        ({"tenant_id": "tado", "groups": ["another"]}, {}),
    ):
        provider.say("luz", **claims)
        with visit(browser, live_server.url) as seen:
            sign_in_there(seen, "luz")
            assert roles() == expected
            assert ("oidc_no_role" in seen.text()) == (not expected)
    assert User.objects.count() == 1
    assert not User.objects.get().is_superuser


def test_who_belongs_to_no_council_reads_why_and_how_else(
    browser: Browser, live_server: LiveServer, provider: Provider, alice: Person
) -> None:
    provider.say("stranger", tenant_id="another-place", groups=["admin"])
    with visit(browser, live_server.url) as seen:
        sign_in_there(seen, "stranger")
        assert "oidc_no_council" in seen.text()
        seen.page.locator(f"a[href='{reverse('admin:login')}']").click()
        seen.page.wait_for_selector("#id_username")
    assert not User.objects.exists()


def test_while_the_provider_is_down_a_password_still_opens_the_admin(
    browser: Browser, live_server: LiveServer, provider: Provider, alice: Person
) -> None:
    provider.stop()
    with visit(browser, live_server.url) as seen:
        seen.open("admin:login")
        seen.page.locator("a[href*='/oidc/authenticate/']").click()
        seen.page.wait_for_load_state("networkidle")
        assert "provider_unreachable" in seen.text()
        seen.sign_in(member(alice.council, Role.CLERK))


def test_without_a_provider_there_is_no_button(browser: Browser, live_server: LiveServer, alice: Person) -> None:
    with visit(browser, live_server.url) as seen:
        seen.open("admin:login")
        assert seen.page.locator("a[href*='/oidc/']").count() == 0
        assert seen.troubles == []
