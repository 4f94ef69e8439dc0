"""A real Chromium: the installed one, else Playwright's own. Without one the tests are skipped; in CI they fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser for the tests of one module."""
    with browser_with() as started:
        yield started


@contextmanager
def browser_with(*flags: str) -> Iterator[Browser]:
    """Start a browser with further flags."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's loop lives in this thread, and Django would take each query for one inside a coroutine.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        program = next((found for name in INSTALLED if (found := shutil.which(name))), None)
        program = program or playwright.chromium.executable_path
        if not Path(program).is_file():
            missing = pytest.fail if os.environ.get("CI") else pytest.skip
            missing("There is no browser: install one with `make tools`.")
        started = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *flags])
        yield started
        started.close()
