"""Loaded with `-p` before Django's settings: gives every test run its own PostgreSQL, Redis and data folder.

Nothing starts until a test asks for it. `DATABASE_URL`, `REDIS_URL` and `OBJECT_STORE_URL` in the environment win.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from astra_site.embedded import EmbeddedServices

_FOLDER = Path(tempfile.mkdtemp(prefix="astra-test-"))
SERVICES = EmbeddedServices(_FOLDER / "services", redis_aof=False, durable=False, bound=True)

os.environ.setdefault("DATABASE_URL", SERVICES.endpoints().database_url)
os.environ.setdefault("REDIS_URL", SERVICES.endpoints().redis_url)
os.environ.setdefault("ASTRA_DATA_DIR", str(_FOLDER / "data"))
os.environ.setdefault("ASTRA_ENGINE", "whisper:micro")
os.environ.setdefault("ASTRA_LOG_LEVEL", "WARNING")


@pytest.fixture(scope="session")
def services() -> EmbeddedServices:
    """The servers of this run, started once."""
    if os.environ["DATABASE_URL"] == SERVICES.endpoints().database_url:
        SERVICES.start()
    return SERVICES


def pytest_unconfigure() -> None:
    """Stop what was started and remove the folder, however the run ended."""
    SERVICES.stop()
    shutil.rmtree(_FOLDER, ignore_errors=True)
