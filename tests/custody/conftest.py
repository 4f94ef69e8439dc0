"""Whatever is sealed in these tests passes the stand-alone verifier, or the test fails."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from custody import services
from tests.custody.tampering import failed


@pytest.fixture(autouse=True)
def _all_evidence_passes_the_stand_alone_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    make = services._evidence

    def make_and_verify(*args: Any) -> bytes:
        evidence = make(*args)
        with tempfile.TemporaryDirectory() as folder:
            assert failed(evidence, Path(folder)) == []
        return evidence

    monkeypatch.setattr(services, "_evidence", make_and_verify)
