"""Whatever is fed to the verifier, it answers with an exit code and never with a traceback."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astra_verify.__main__ import main
from tests.custody.samples import SIGNER, evidence_zip
from tests.custody.tampering import Files, packed, relisted, unpacked

HONEST = evidence_zip()
PARTS = ["snapshot.json", "session_dump.json", "config.json", "public_keys.json", "audit_report.json", "manifest.json"]
ABSURD = [
    b"1" + b"0" * 400,
    b"-1" + b"0" * 4298,
    b"1" + b"0" * 5000,
    b"1e999",
    b"-0",
    b"[" * 900 + b"]" * 900,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 400 + b"1" + b"}" * 400,
    b'"\\ud800"',
    b'"\\u001b[2J"',
    b"NaN",
]
IN_PROCESS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def answer(data: bytes, folder: Path) -> int:
    place, key = folder / "evidence.zip", folder / "key"
    place.write_bytes(data)
    key.write_bytes(base64.b64encode(SIGNER.public_key))
    codes = {main([str(place), "--trusted-key", str(key), *form]) for form in ([], ["--json"])}
    assert len(codes) == 1
    return codes.pop()


def value_ends(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the values of a JSON object's names are, nested ones too."""
    text, decoder = data.decode(), json.JSONDecoder()
    for at, sign in enumerate(text):
        if sign == ":" and text[at - 1] == '"':
            try:
                yield at + 1, decoder.raw_decode(text, at + 1)[1]
            except ValueError:
                continue


@pytest.mark.parametrize("absurd", ABSURD, ids=[value[:12].decode() for value in ABSURD])
@pytest.mark.parametrize("path", [*PARTS, "journal.jsonl"])
def test_absurd_values_are_found_everywhere(path: str, absurd: bytes, tmp_path: Path) -> None:
    files = unpacked(HONEST)
    text = files[path].decode()
    places = list(value_ends(files[path]))
    for start, end in places[:: max(1, len(places) // 12)]:
        forged: Files = {**files, path: text[:start].encode() + absurd + text[end:].encode()}
        if path != "manifest.json":
            forged = relisted(forged)
        assert answer(packed(forged), tmp_path) in (1, 2)


@IN_PROCESS
@given(at=st.integers(0, len(HONEST) - 1), value=st.integers(0, 255))
def test_a_changed_byte_never_ends_in_a_traceback(at: int, value: int, tmp_path: Path) -> None:
    data = bytearray(HONEST)
    unchanged = data[at] == value
    data[at] = value
    # Times and the version in an entry's header say nothing about content: there a change may stay without effect.
    assert answer(bytes(data), tmp_path) in ((0,) if unchanged else (0, 1, 2))


@IN_PROCESS
@given(length=st.integers(0, len(HONEST) - 1))
def test_a_file_that_was_cut_off_is_unreadable(length: int, tmp_path: Path) -> None:
    assert answer(HONEST[:length], tmp_path) == 2


@IN_PROCESS
@given(data=st.binary(max_size=300))
def test_bytes_that_are_no_evidence(data: bytes, tmp_path: Path) -> None:
    assert answer(data, tmp_path) == 2


def test_an_absurd_previous_snapshot_or_key_file_is_answered_too(tmp_path: Path) -> None:
    (tmp_path / "evidence.zip").write_bytes(HONEST)
    for content in (*ABSURD, b"", b"{}", b'{"payload":1}', b"\xff"):
        (tmp_path / "other").write_bytes(content)
        for option in ("--previous", "--trusted-key"):
            assert main([str(tmp_path / "evidence.zip"), option, str(tmp_path / "other")]) in (1, 2)
