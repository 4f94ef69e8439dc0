"""Journal lines: one text for one entry, gaps and alterations refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest

from astra_site.lib.hashing import Sha256, canonical_json
from custody.errors import EvidenceInconsistent
from custody.journal import journal_lines
from tests.custody.samples import altered, entries


def test_a_line_carries_its_own_hash() -> None:
    entry = entries()[0]
    line = json.loads(entry.line())
    stated = line.pop("sha256")
    assert stated == str(Sha256.of_json(line)) == str(entry.own_hash())
    assert entry.line() == canonical_json({**line, "sha256": stated})


def test_where_a_recording_lies_is_not_sealed() -> None:
    entry = entries()[0]
    assert entry.audio is not None
    moved = altered(entry, audio=replace(entry.audio, key="elsewhere"))
    assert moved.line() == entry.line()


def test_a_row_that_lost_its_hash_is_refused() -> None:
    entry = entries()[3]
    kept = altered(entry, sha256=entry.own_hash())
    assert kept.line() == entry.line()
    with pytest.raises(EvidenceInconsistent) as caught:
        altered(kept, payload={"text": "Otra cosa."}).line()
    assert caught.value.code == "journal_entry_altered"
    assert caught.value.details["number"] == 4


def test_gaps_are_refused() -> None:
    rows = entries()
    with pytest.raises(EvidenceInconsistent) as caught:
        journal_lines([rows[0], rows[2]])
    assert caught.value.code == "journal_has_gaps"


def test_a_moment_without_zone_is_refused() -> None:
    naive = datetime(2026, 11, 20, 9, 0)  # noqa: DTZ001  the point of the test
    with pytest.raises(EvidenceInconsistent) as caught:
        altered(entries()[0], recorded_at=naive).line()
    assert caught.value.code == "time_without_zone"
