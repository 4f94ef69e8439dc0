"""Every tampering is found, by the step that is there to find it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from astra_verify.evidence import Outside
from custody.chain import SignedSnapshot
from custody.signing import SeedSigner
from tests.custody.samples import AUDIO, SIGNER, evidence_zip, recording, signed
from tests.custody.tampering import Files, edit, edit_line, failed, packed, relisted, unpacked

FORGER = SeedSigner(b"\x66" * 32)
AUDIO_1 = f"audio/{recording(1).sha256.hex}.wav"
Tampering = Callable[[Files], Files]


def without(path: str) -> Tampering:
    return lambda files: {name: data for name, data in files.items() if name != path}


def replaced(path: str, data: bytes) -> Tampering:
    return lambda files: {**files, path: data}


def journal(change: Callable[[list[bytes]], list[bytes]]) -> Tampering:
    def apply(files: Files) -> Files:
        lines = change(files["journal.jsonl"].splitlines(keepends=True))
        return {**files, "journal.jsonl": b"".join(lines)}

    return apply


def line(number: int, field: str, value: object, *, rehash: bool = True) -> Tampering:
    return lambda files: edit_line(files, number, lambda entry: entry.update({field: value}), rehash=rehash)


def payload(**changes: object) -> Tampering:
    return lambda files: edit(files, "snapshot.json", lambda content: content["payload"].update(changes))


def signature(**changes: object) -> Tampering:
    return lambda files: edit(files, "snapshot.json", lambda content: content["signature"].update(changes))


def report(section: str, value: object) -> Tampering:
    return lambda files: edit(files, "audit_report.json", lambda content: content.update({section: value}))


def report_value(section: str, name: str, value: object) -> Tampering:
    return lambda files: edit(files, "audit_report.json", lambda content: content[section].update({name: value}))


def report_row(section: str, row: int, name: str, value: object) -> Tampering:
    return lambda files: edit(files, "audit_report.json", lambda content: content[section][row].update({name: value}))


def unsigned(**changes: object) -> Tampering:
    return lambda files: edit(files, "snapshot.json", lambda content: content.update(changes))


def manifest(**changes: object) -> Tampering:
    return lambda files: edit(files, "manifest.json", lambda content: content.update(changes))


def key_owner(files: Files) -> Files:
    return edit(files, "public_keys.json", lambda content: content["keys"][0].update(owner="Concejo"))


def invented_recording(files: Files) -> Files:
    row = {"path": f"audio/{'ab' * 32}.wav", "sha256": f"sha256:{'ab' * 32}", "size_bytes": 5, "included": False}
    return edit(files, "manifest.json", lambda content: content["audio"].append(row))


def dropped_recording(files: Files) -> Files:
    return edit(without(AUDIO_1)(files), "manifest.json", lambda content: content["audio"].pop(0))


def listed_file(files: Files) -> Files:
    row = {"path": "corrected.docx", "sha256": "", "size_bytes": 0}
    return edit({**files, "corrected.docx": b"PK"}, "manifest.json", lambda content: content["files"].append(row))


def key_renamed(files: Files) -> Files:
    return edit(files, "public_keys.json", lambda content: content["keys"][0].update(key_id=FORGER.key_id))


def dump_spaced(files: Files) -> Files:
    return {**files, "session_dump.json": files["session_dump.json"] + b"\n"}


def config_with_tail(files: Files) -> Files:
    return {**files, "config.json": files["config.json"].replace(b"Mosquera", b"Moscoso!")}


def other_size(files: Files) -> Files:
    return edit_line(files, 1, lambda entry: entry["audio"].update(size_bytes=1), rehash=True)


# What can't be read is no proof for anything that rests on it.
NEEDS_JOURNAL = {"journal", "merkle", "audio-figures", "audio-files", "traces", "report"}

# Name, tampering, and the steps that have to fail after the forger has put the manifest right.
TAMPERINGS: list[tuple[str, Tampering, set[str]]] = [
    ("document changed", replaced("document.docx", b"PK\x03\x04 the minutez"), {"document"}),
    ("document emptied", replaced("document.docx", b""), {"document"}),
    ("dump reformatted", dump_spaced, {"dump"}),
    ("config changed", config_with_tail, {"config"}),
    (
        "own hash of a line changed",
        line(2, "sha256", str(recording(1).sha256), rehash=False),
        {"journal", "merkle", "report"},
    ),
    ("line changed", line(4, "payload", {"text": "No."}, rehash=False), {"journal", "merkle"}),
    ("line changed and rehashed", line(4, "payload", {"text": "No."}), {"merkle", "report"}),
    ("time of a line changed", line(2, "recorded_at", "2026-11-20T13:00:00.000000Z"), {"merkle", "report"}),
    ("actor of a line changed", line(2, "actor", "client:other"), {"merkle", "report"}),
    ("size of a recording changed", other_size, {"merkle", "audio-figures", "audio-files", "report"}),
    ("lines swapped", journal(lambda rows: [rows[1], rows[0], *rows[2:]]), {"journal", "merkle", "report"}),
    ("line doubled", journal(lambda rows: [*rows, rows[1]]), {"journal", "merkle", "report"}),
    ("line removed in the middle", journal(lambda rows: [rows[0], *rows[2:]]), {"journal", "merkle", "report"}),
    ("last line removed", journal(lambda rows: rows[:-1]), {"merkle", "audio-figures", "traces", "report"}),
    ("journal cut off", journal(lambda rows: [*rows[:-1], rows[-1][:-1]]), NEEDS_JOURNAL),
    ("line not canonical", journal(lambda rows: [b" " + rows[0], *rows[1:]]), {"journal", "merkle"}),
    ("payload number changed", payload(number=2), {"snapshot", "chain", "report"}),
    ("payload time changed", payload(sealed_at="2020-01-01T00:00:00.000000Z"), {"snapshot", "report"}),
    ("payload field added", payload(note="valid"), {"snapshot"}),
    ("payload key changed", payload(key_id=FORGER.key_id), {"snapshot", "signature", "report"}),
    ("payload session changed", payload(session_id="0193a000-0000-7000-8000-00000000ffff"), {"snapshot", "dump"}),
    (
        "payload parent changed",
        payload(parent_snapshot_id="0193a000-0000-7000-8000-00000000ffff"),
        {"snapshot", "report"},
    ),
    ("signature of a stranger", signature(value="A" * 86 + "=="), {"signature"}),
    ("signature cut off", signature(value="AAAA"), {"signature"}),
    ("signature algorithm changed", signature(algorithm="none"), {"signature"}),
    ("key listed under another id", key_renamed, {"signature"}),
    ("keys removed", replaced("public_keys.json", b'{"keys":[],"schema":"astra.public-keys/1"}'), {"signature"}),
    ("recording replaced", replaced(AUDIO_1, AUDIO[1]), {"audio-files"}),
    ("recording cut off", replaced(AUDIO_1, AUDIO[0][:-1]), {"audio-files"}),
    ("report hides a restricted passage", report("restricted", []), {"report"}),
    ("report hides a journal entry", report("journal", []), {"report"}),
    ("report with another actor", report_row("journal", 0, "actor", "admin:other"), {"report"}),
    ("report with another time", report_row("journal", 0, "recorded_at", "2020-01-01T00:00:00.000000Z"), {"report"}),
    ("report about another council", report_value("session", "tenant_name", "Concejo de Otro"), {"report"}),
    ("report with stronger custody", report_value("custody", "weaker_than_object_lock", False), {"report"}),
    ("report with other engines", report("engines", []), {"report"}),
    ("report with a verdict slipped in", report("opinion", "Approved by the auditor"), {"report"}),
    ("report's seal with a field slipped in", report_value("seal", "witness", None), {"report"}),
    ("snapshot with an unsigned field", unsigned(timestamp="2019-01-01"), {"snapshot"}),
    ("signature with an unsigned field", signature(signed_by="the mayor"), {"signature"}),
    ("key with an unsigned owner", key_owner, {"signature"}),
    ("manifest with an unsigned field", manifest(note="checked"), {"bundle"}),
    ("recording invented in the manifest", invented_recording, {"audio-files"}),
    ("recording dropped everywhere", dropped_recording, {"audio-files"}),
    ("file slipped in and listed", listed_file, {"bundle"}),
    ("report about another seal", report("seal", {"integrity_hash": "sha256:" + "0" * 64}), {"report"}),
    ("report not JSON", replaced("audit_report.json", b'{"seal":NaN}'), {"report"}),
    ("report with a name twice", replaced("audit_report.json", b'{"a":1,"a":2}'), {"report"}),
]


@pytest.mark.parametrize(("tampering", "expected"), [case[1:] for case in TAMPERINGS], ids=[c[0] for c in TAMPERINGS])
def test_tampering_is_found_by_its_step(tampering: Tampering, expected: set[str], tmp_path: Path) -> None:
    found = failed(packed(relisted(tampering(unpacked(evidence_zip())))), tmp_path)
    assert set(found) == expected


def test_a_forger_who_forgets_the_manifest_is_found_there(tmp_path: Path) -> None:
    files = unpacked(evidence_zip())
    assert failed(packed({**files, "document.docx": b"other"}), tmp_path) == ["bundle", "document"]


@pytest.mark.parametrize(
    "path", ["document.docx", "session_dump.json", "config.json", "journal.jsonl", "manifest.json", "public_keys.json"]
)
def test_a_missing_file_is_no_proof(path: str, tmp_path: Path) -> None:
    found = failed(packed(without(path)(unpacked(evidence_zip()))), tmp_path)
    assert "bundle" in found


def test_a_file_that_was_slipped_in_is_named(tmp_path: Path) -> None:
    files = {**unpacked(evidence_zip()), "document_corrected.docx": b"PK\x03\x04"}
    assert failed(packed(files), tmp_path) == ["bundle"]


def test_a_recording_that_was_slipped_in_is_named(tmp_path: Path) -> None:
    files = {**unpacked(evidence_zip()), f"audio/{'0' * 64}.wav": b"RIFF"}
    assert failed(packed(files), tmp_path) == ["bundle", "audio-files"]


def test_a_document_of_another_session_does_not_fit(tmp_path: Path) -> None:
    files = relisted({**unpacked(evidence_zip()), "session_dump.json": b"{}"})
    assert "dump" in failed(packed(files), tmp_path)


def test_a_whole_forgery_by_another_key_is_found_by_trust_alone(tmp_path: Path) -> None:
    forged: SignedSnapshot = signed(signer=FORGER)
    data = evidence_zip(snapshot=forged)
    assert failed(data, tmp_path) == []
    trusted = Outside(trusted_keys=frozenset({SIGNER.public_key}))
    assert failed(data, tmp_path, trusted) == ["trust"]


def test_every_flipped_bit_of_the_snapshot_is_found(tmp_path: Path) -> None:
    files = unpacked(evidence_zip())
    honest = files["snapshot.json"]
    content = json.loads(honest)
    for field, value in [*content["payload"].items(), *content["payload"]["hashes"].items()]:
        if isinstance(value, str) and value:
            forged = honest.replace(value.encode(), value[:-1].encode() + (b"1" if value[-1] != "1" else b"2"))
            assert failed(packed(relisted({**files, "snapshot.json": forged})), tmp_path), field
