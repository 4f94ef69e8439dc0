"""Loaded with `-p` before Django's settings: gives every test run its own PostgreSQL, Redis and data folder.

Nothing starts until a test asks for it. Tests empty what they use, so the addresses and settings that a shell may have
exported for a running product are ignored. Only `ASTRA_TEST_DATABASE_URL`, `ASTRA_TEST_DATABASE_OWNER_URL` and
`ASTRA_TEST_REDIS_URL` choose others.
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

_KEPT = ("ASTRA_TEST_", "ASTRA_WHISPER_MODEL")
for _name in [name for name in os.environ if name.startswith("ASTRA_") and not name.startswith(_KEPT)]:
    del os.environ[_name]
os.environ.pop("OBJECT_STORE_URL", None)
os.environ["DATABASE_URL"] = os.environ.get("ASTRA_TEST_DATABASE_URL", SERVICES.endpoints().database_url)
os.environ["DATABASE_OWNER_URL"] = os.environ.get(
    "ASTRA_TEST_DATABASE_OWNER_URL", os.environ.get("ASTRA_TEST_DATABASE_URL", SERVICES.endpoints().database_owner_url)
)
os.environ["REDIS_URL"] = os.environ.get("ASTRA_TEST_REDIS_URL", SERVICES.endpoints().redis_url)
os.environ["ASTRA_DATA_DIR"] = str(_FOLDER / "data")
os.environ["ASTRA_ENGINE"] = "whisper:micro"
os.environ["ASTRA_LOG_LEVEL"] = "WARNING"
# Servers are started while gRPC clients run in this process: its fork handlers would break the new process at birth.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


@pytest.fixture(scope="session")
def services() -> EmbeddedServices:
    """The servers of this run, started once; none where both are chosen by hand."""
    if not {"ASTRA_TEST_DATABASE_URL", "ASTRA_TEST_REDIS_URL"} <= os.environ.keys():
        SERVICES.start()
    return SERVICES


def pytest_unconfigure() -> None:
    """Stop what was started and remove the folder, however the run ended."""
    SERVICES.stop()
    shutil.rmtree(_FOLDER, ignore_errors=True)
