"""Every value of every JSON part, replaced by every kind of nonsense: always found, never a crash."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from typing import Any

import pytest

from astra_site.lib.hashing import canonical_json
from astra_verify.bundle import Bundle
from astra_verify.evidence import Evidence, Outside
from astra_verify.findings import INTACT, Status, verdict
from astra_verify.steps import verify
from tests.custody.samples import SIGNER, evidence_zip
from tests.custody.tampering import Files, edit_line, relisted, unpacked

NONSENSE: list[Any] = [None, True, -1, 1.5, "x", [], [[]], {}, {"a": [1]}]
Place = tuple[str | int, ...]


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Every place in a JSON value, itself included."""
    yield here
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, content in inner:
        yield from places(content, (*here, name))


def changed(value: Any, place: Place, new: Any) -> Any:
    """A copy with another value in one place."""
    if not place:
        return new
    found = copy.deepcopy(value)
    target = found
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = new
    return found


def value_at(value: Any, place: Place) -> Any:
    for step in place:
        value = value[step]
    return value


def exit_code(files: Files) -> int:
    """What the command line would answer; no exception may come out."""
    sizes = {path: len(data) for path, data in files.items()}
    bundle = Bundle(sizes, {path: partial(BytesIO, data) for path, data in files.items()})
    findings = verify(Evidence(bundle, Outside(trusted_keys=frozenset({SIGNER.public_key}))))
    assert all(finding.detail for finding in findings)
    return verdict(findings)


def test_the_untouched_sample_is_proven() -> None:
    assert exit_code(unpacked(evidence_zip())) == INTACT


@pytest.mark.parametrize(
    "path",
    ["snapshot.json", "session_dump.json", "config.json", "public_keys.json", "audit_report.json", "manifest.json"],
)
def test_every_value_of_a_part(path: str) -> None:
    files = unpacked(evidence_zip())
    honest = json.loads(files[path])
    tried = 0
    for place in places(honest):
        for new in NONSENSE:
            if value_at(honest, place) == new and type(value_at(honest, place)) is type(new):
                continue
            forged = {**files, path: canonical_json(changed(honest, place, new))}
            code = exit_code(forged if path == "manifest.json" else relisted(forged))
            assert code == 1, (place, new)
            tried += 1
    assert tried > 40


def test_every_value_of_every_journal_line() -> None:
    files = unpacked(evidence_zip())
    for number, line in enumerate(files["journal.jsonl"].splitlines(), start=1):
        honest = json.loads(line)
        for place in places(honest):
            if not place:
                continue
            for new in NONSENSE:
                if value_at(honest, place) == new:
                    continue

                def change(entry: Any, place: Place = place, new: Any = new) -> None:
                    entry.update(changed(entry, place, new))

                forged = edit_line(files, number, change, rehash=place != ("sha256",))
                assert exit_code(relisted(forged)) == 1, (number, place, new)


def test_a_name_that_is_left_out() -> None:
    files = unpacked(evidence_zip())
    honest = json.loads(files["snapshot.json"])
    for name in honest["payload"]:
        forged = copy.deepcopy(honest)
        del forged["payload"][name]
        assert exit_code(relisted({**files, "snapshot.json": canonical_json(forged)})) == 1, name


def objects(value: Any, here: Place = ()) -> Iterator[Place]:
    """Every place where an object is."""
    return (place for place in places(value, here) if isinstance(value_at(value, place), dict))


@pytest.mark.parametrize("path", ["snapshot.json", "public_keys.json", "audit_report.json", "manifest.json"])
def test_a_name_that_is_slipped_in_anywhere(path: str) -> None:
    files = unpacked(evidence_zip())
    honest = json.loads(files[path])
    for place in objects(honest):
        forged = {**files, path: canonical_json(changed(honest, place, {**value_at(honest, place), "approved": True}))}
        assert exit_code(forged if path == "manifest.json" else relisted(forged)) == 1, place


def test_findings_name_the_status_that_they_have() -> None:
    assert {status.value for status in Status} == {"proven", "NOT proven", "not checkable offline"}
