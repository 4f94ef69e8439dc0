"""A person in front of the admin, who notices every error that a browser can see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from tests.browser.people import PASSWORD

_BAD_STATUS = 400
TIMEOUT_MS = 20_000


class Visit:
    """One browser window. `troubles` collects console errors, page errors and answers of 400 and above."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.troubles: list[str] = []
        page.set_default_timeout(TIMEOUT_MS)
        page.on("console", self._hear_console)
        page.on("pageerror", lambda error: self.troubles.append(f"{page.url}: {error}"))
        page.on("response", self._hear_response)

    def open(self, name: str, *args: object, query: str = "") -> str:
        """Open a page by its URL name and return its text."""
        self.page.goto(self.address + reverse(name, args=args) + query)
        self.page.wait_for_load_state("networkidle")
        return self.text()

    def text(self) -> str:
        """What a person reads on the page."""
        return self.page.locator("body").inner_text()

    def sign_in(self, user: User) -> None:
        """Fill in the login form."""
        self.open("admin:login")
        self.page.fill("#id_username", user.username)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(f"{self.address}{reverse('admin:index')}")

    def _hear_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(f"{self.page.url}: console: {message.text}")

    def _hear_response(self, response: Response) -> None:
        if response.status >= _BAD_STATUS:
            self.troubles.append(f"{response.url}: {response.status}")


@contextmanager
def visit(browser: Browser, address: str, language: str = "es-CO") -> Iterator[Visit]:
    """Open a window of its own, without cookies, for a browser set to a language."""
    context = browser.new_context(locale=language, viewport={"width": 1440, "height": 900})
    try:
        yield Visit(context.new_page(), address)
    finally:
        context.close()
