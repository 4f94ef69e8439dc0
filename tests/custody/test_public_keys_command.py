"""The command that prints the key which readers are to trust."""

from __future__ import annotations

import base64
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from astra_verify.__main__ import main
from tests.custody.samples import SIGNER, evidence_zip


def test_the_printed_key_is_the_one_to_trust(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SIGNING_KEY = base64.b64encode(bytes(range(32))).decode()
    printed = StringIO()
    call_command("export_public_keys", stdout=printed)
    assert json.loads(printed.getvalue())["keys"][0]["key_id"] == SIGNER.key_id
    (tmp_path / "key.json").write_text(printed.getvalue())
    (tmp_path / "evidence.zip").write_bytes(evidence_zip())
    assert main([str(tmp_path / "evidence.zip"), "--trusted-key", str(tmp_path / "key.json")]) == 0
    assert "is by a key that you trust" in capsys.readouterr().out
