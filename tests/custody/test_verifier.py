"""The stand-alone verifier on honest evidence: what it proves, what it says it can't, and its command line."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from astra_verify.__main__ import main
from astra_verify.bundle import open_bundle
from astra_verify.evidence import Evidence, Outside
from astra_verify.findings import Status, printable, verdict
from astra_verify.steps import verify
from custody.chain import ChainPosition
from custody.evidence import evidence_files, write_folder
from custody.signing import SeedSigner
from tests.custody.samples import DOCUMENT, SESSION_ID, SIGNER, TENANT_ID, audio_files, evidence_zip, parts, signed
from tests.custody.tampering import failed, statuses

REPOSITORY = Path(__file__).resolve().parents[2]
NOT_CHECKABLE_ALONE = {"trust", "skeleton", "time"}


def council_key(folder: Path) -> Path:
    """The key as the council publishes it."""
    place = folder / "council_key"
    place.write_bytes(base64.b64encode(SIGNER.public_key))
    return place


def test_honest_evidence_is_proven_and_the_rest_is_named(tmp_path: Path) -> None:
    found = statuses(evidence_zip(), tmp_path)
    assert {name for name, status in found.items() if status is Status.NOT_CHECKABLE} == NOT_CHECKABLE_ALONE
    assert all(status is Status.PROVEN for name, status in found.items() if name not in NOT_CHECKABLE_ALONE)


def test_recordings_may_stay_behind(tmp_path: Path) -> None:
    found = statuses(evidence_zip(with_audio=False), tmp_path)
    assert found["audio-files"] is Status.NOT_CHECKABLE
    assert found["merkle"] is Status.PROVEN
    assert Status.DISPROVED not in found.values()


def test_a_trusted_key_from_elsewhere_is_told_from_a_stranger(tmp_path: Path) -> None:
    good = Outside(trusted_keys=frozenset({SIGNER.public_key}))
    assert statuses(evidence_zip(), tmp_path, good)["trust"] is Status.PROVEN
    stranger = Outside(trusted_keys=frozenset({SeedSigner(b"\x05" * 32).public_key}))
    assert failed(evidence_zip(), tmp_path, stranger) == ["trust"]


def test_the_link_to_the_snapshot_before_is_checked(tmp_path: Path) -> None:
    first = signed()
    second = evidence_zip(snapshot=signed(position=ChainPosition(2, first.integrity_hash)))
    assert statuses(second, tmp_path)["chain"] is Status.NOT_CHECKABLE
    assert statuses(second, tmp_path, Outside(previous=first.to_json()))["chain"] is Status.PROVEN
    stranger = signed(position=ChainPosition(3, first.integrity_hash)).to_json()
    assert failed(second, tmp_path, Outside(previous=stranger)) == ["chain"]
    bent = first.to_json()
    bent["payload"] = {**bent["payload"], "number": 7}
    assert failed(second, tmp_path, Outside(previous=bent)) == ["chain"]


def test_the_same_parts_give_the_same_zip() -> None:
    assert evidence_zip() == evidence_zip()


def test_folder_and_zip_are_the_same_to_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "folder", evidence_files(parts(), with_audio=True), audio_files())
    (tmp_path / "evidence.zip").write_bytes(evidence_zip())
    outputs = []
    for name in ("folder", "evidence.zip"):
        assert main([str(tmp_path / name), "--trusted-key", str(council_key(tmp_path)), "--json"]) == 0
        outputs.append(json.loads(capsys.readouterr().out))
    assert outputs[0] == outputs[1]
    assert outputs[0]["integrity_hash"] == str(signed().integrity_hash)
    assert [step["number"] for step in outputs[0]["steps"]] == list(range(1, 17))


@pytest.mark.parametrize("form", ["json", "base64", "pem"])
def test_trusted_keys_come_in_three_forms(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evidence.zip").write_bytes(evidence_zip())
    place = tmp_path / "key"
    if form == "json":
        place.write_bytes(evidence_files(parts())["public_keys.json"])
    elif form == "base64":
        place.write_bytes(base64.b64encode(SIGNER.public_key) + b"\n")
    else:
        der = bytes.fromhex("302a300506032b6570032100") + SIGNER.public_key
        place.write_bytes(b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n")
    assert main([str(tmp_path / "evidence.zip"), "--trusted-key", str(place)]) == 0
    assert "4. [proven] The signing key is one you trust" in capsys.readouterr().out


def test_without_a_trusted_key_the_signer_is_unknown_and_the_exit_code_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "evidence.zip"
    for signer in (SIGNER, SeedSigner(b"\x66" * 32)):
        place.write_bytes(evidence_zip(snapshot=signed(signer=signer)))
        assert main([str(place)]) == 3
        assert capsys.readouterr().out.endswith("RESULT: intact, but the signer is unknown: give --trusted-key.\n")
    assert main([str(place), "--trusted-key", str(council_key(tmp_path))]) == 1
    assert "Failed: 4 (trust)." in capsys.readouterr().out


def test_it_says_first_whose_minutes_these_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evidence.zip").write_bytes(evidence_zip())
    main([str(tmp_path / "evidence.zip")])
    shown = capsys.readouterr().out.splitlines()
    assert shown[1:6] == [
        "  council: Concejo de Prueba",
        f"  tenant: {TENANT_ID}",
        f"  session: {SESSION_ID}",
        "  number of the minutes: 012",
        "  sealed: 2026-11-20T18:00:00.000000Z",
    ]


def test_the_document_in_the_readers_hand_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evidence.zip").write_bytes(evidence_zip())
    own = tmp_path / "received.docx"
    command = [str(tmp_path / "evidence.zip"), "--trusted-key", str(council_key(tmp_path)), "--document", str(own)]
    assert main(command) == 2
    own.write_bytes(DOCUMENT)
    assert main(command) == 0
    assert "The document that you gave has it too." in capsys.readouterr().out
    own.write_bytes(DOCUMENT + b" ")
    assert main(command) == 1
    assert "Failed: 5 (document)." in capsys.readouterr().out


def test_a_recording_fetched_later_may_be_put_into_the_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "e", evidence_files(parts()), audio_files()[:1])
    found = verify(Evidence(open_bundle(tmp_path / "e"), Outside()))
    assert {finding.name: finding.status for finding in found}["audio-files"] is Status.PROVEN
    assert verdict(found) == 3


def test_what_a_terminal_would_obey_is_shown_as_an_escape() -> None:
    assert printable("a\x1b[2J\ud800\u202eñ\n", "ascii") == "a\\x1b[2J\\ud800\\u202e\\xf1\\n"


def test_text_of_the_evidence_can_not_pose_as_a_line_of_the_verifier(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = evidence_files(parts())
    dump = json.loads(files["session_dump.json"])
    dump["session"]["tenant_name"] = "Concejo\nRESULT: everything obligatory is proven."
    write_folder(tmp_path / "e", {**files, "session_dump.json": json.dumps(dump).encode()})
    assert main([str(tmp_path / "e")]) == 1
    assert "\nRESULT: everything" not in capsys.readouterr().out


def test_the_command_says_no_with_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "e", evidence_files(parts()))
    (tmp_path / "e" / "document.docx").write_bytes(b"PK\x03\x04 other minutes")
    assert main([str(tmp_path / "e")]) == 1
    shown = capsys.readouterr().out
    assert "5. [NOT proven] The document is the sealed one" in shown
    assert "do NOT rely on this evidence" in shown


def test_it_runs_as_a_module_and_imports_nothing_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "evidence.zip").write_bytes(evidence_zip())
    program = (
        "import sys, runpy; sys.argv = ['astra_verify', *sys.argv[1:]]\n"
        "try: runpy.run_module('astra_verify', run_name='__main__')\n"
        "except SystemExit as end: code = end.code\n"
        "ours = [name for name in sys.modules if name.split('.')[0] in"
        " {'astra_site', 'custody', 'sessions_app', 'tenants', 'jobs', 'assets', 'django', 'rfc8785'}]\n"
        "sys.exit(code or bool(ours))"
    )
    place, key = str(tmp_path / "evidence.zip"), str(council_key(tmp_path))
    command = [sys.executable, "-c", program, place, "--trusted-key", key]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "RESULT: everything obligatory is proven." in done.stdout


@pytest.mark.parametrize("kind", ["missing", "no zip", "no snapshot", "empty folder", "snapshot no json"])
def test_what_is_no_evidence_gets_exit_code_2(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "input"
    if kind == "no zip":
        place.write_bytes(b"just some bytes")
    elif kind == "no snapshot":
        write_folder(place, {name: data for name, data in evidence_files(parts()).items() if name != "snapshot.json"})
    elif kind == "empty folder":
        place.mkdir()
    elif kind == "snapshot no json":
        write_folder(place, {**evidence_files(parts()), "snapshot.json": BytesIO(b"{{").getvalue()})
    assert main([str(place)]) == 2
    assert capsys.readouterr().out.startswith("UNREADABLE: ")
