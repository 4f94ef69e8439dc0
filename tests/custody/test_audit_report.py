"""The audit report answers an auditor's first questions from the sealed facts."""

from __future__ import annotations

from astra_site.lib.hashing import canonical_json
from custody.audit_report import report_body, sealed_report
from tests.custody.samples import dump, entries, held, recording, signed


def test_it_names_what_is_pending_restricted_and_to_review() -> None:
    report = sealed_report(report_body(dump(), entries(), held()), signed())
    assert [row["block_id"] for row in report["pending"]] == ["3.0"]
    assert [row["block_id"] for row in report["restricted"]] == ["2.0"]
    assert [row["block_id"] for row in report["needs_review"]] == ["3.0"]
    assert report["blocks"]["total"] == 4
    assert report["blocks"]["with_audio_trace"] == 3


def test_it_says_what_was_recorded_when() -> None:
    report = sealed_report(report_body(dump(), entries(), held()), signed())
    first = report["journal"][0]
    assert first["recorded_at"] == "2026-11-20T14:00:00.000000Z"
    assert first["audio_sha256"] == str(recording(1).sha256)
    assert [row["number"] for row in report["journal"]] == [1, 2, 3, 4, 5, 6]


def test_it_ties_blocks_to_recordings_and_recordings_to_custody() -> None:
    rows = sealed_report(report_body(dump(), entries(), held()), signed())["audio"]
    assert [row["sequence_id"] for row in rows] == [1, 2, 3]
    assert rows[1]["block_ids"] == ["2.0"]
    assert rows[1]["held"]["protection"] == "local-readonly"


def test_it_names_the_engine_and_is_loud_about_weak_custody() -> None:
    report = sealed_report(report_body(dump(), entries(), held()), signed())
    assert report["engines"] == [{"engine": "whisper", "model": "micro", "results": 2}]
    assert report["custody"]["weaker_than_object_lock"] is True
    assert "local disk" in report["custody"]["warning"]


def test_without_recordings_there_is_nothing_to_warn_about() -> None:
    report = report_body(dump([]), [], [])
    assert report["custody"]["warning"] is None
    assert report["custody"]["retained_until"] is None


def test_equal_facts_give_equal_bytes() -> None:
    reports = [canonical_json(sealed_report(report_body(dump(), entries(), held()), signed())) for _ in range(2)]
    assert reports[0] == reports[1]
