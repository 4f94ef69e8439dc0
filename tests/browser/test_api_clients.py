"""An administrator makes an API client in a real browser, copies its secret, and revokes it."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tenants.models import Role
from tests.browser.people import member
from tests.browser.visit import visit
from tests.people import Person
from tests.tenants.api_client import ask, basic

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_client_is_made_used_and_revoked(
    browser: Browser, live_server: LiveServer, alice: Person, clean_redis: None
) -> None:
    with visit(browser, live_server.url) as seen:
        seen.sign_in(member(alice.council, Role.ADMIN))
        seen.open("admin:tenants_apiclient_add")
        seen.page.fill("#id_name", "Grabadora del recinto")
        seen.page.check("input[name=scopes][value='sessions:read']")
        seen.page.check("input[name=scopes][value='sessions:write']")
        seen.page.click("button[name=_save]")
        client_id = seen.page.locator("#client-id").inner_text()
        secret = seen.page.locator("#client-secret").inner_text()
        assert ask({"Authorization": basic(client_id, secret)}).status_code == 200
        shown = seen.open("admin:tenants_apiclient_change", client_id)
        assert secret not in seen.page.content()
        assert "client:Grabadora del recinto" in shown
        seen.page.locator(
            f"form[action='{reverse('admin:tenants_apiclient_revoke', args=[client_id])}'] button"
        ).click()
        seen.page.wait_for_load_state("networkidle")
        assert ask({"Authorization": basic(client_id, secret)}).status_code == 401
        assert seen.page.locator(
            f"form[action='{reverse('admin:tenants_apiclient_restore', args=[client_id])}']"
        ).count()
        assert seen.troubles == []
