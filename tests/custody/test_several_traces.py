"""A paragraph whose words were put together from several places leads to all of them, or is not sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from astra_site.lib.hashing import Sha256, canonical_json
from astra_verify.findings import Status
from custody.audit_report import report_body
from custody.consistency import check_blocks
from custody.errors import EvidenceInconsistent
from tests.custody.samples import block, dump, entries, evidence_zip, held, recording
from tests.custody.tampering import packed, relisted, statuses, unpacked


def span(number: int, **changes: Any) -> dict[str, Any]:
    return {"sequence_id": number, "start_ms": 100, "end_ms": 4000, "sha256": str(recording(number).sha256), **changes}


def put_together(*spans: Any) -> dict[str, Any]:
    return dump([block(1, audio=spans[0], audio_spans=list(spans)), block(2)])


WRONG: list[tuple[dict[str, Any], str]] = [
    (put_together(span(1), span(2, sequence_id=9)), "trace_without_recording"),
    (put_together(span(1), span(2, sha256=str(Sha256.of(b"other")))), "trace_without_recording"),
    (put_together(span(1), span(2, start_ms=5001, end_ms=5002)), "trace_outside_recording"),
    (put_together(span(1), span(2, end_ms=50)), "trace_outside_recording"),
    (put_together(span(1), None), "dump_malformed"),
    (put_together(span(1)), "dump_malformed"),
    (dump([block(1, audio_spans=[span(2), span(1)])]), "dump_malformed"),
    (dump([block(1, audio=None, audio_spans=[span(1), span(2)])]), "dump_malformed"),
    (dump([block(1, audio_spans="both")]), "dump_malformed"),
]


@pytest.mark.parametrize(("content", "code"), WRONG)
def test_one_wrong_trace_of_several_is_not_sealed(content: dict[str, Any], code: str) -> None:
    with pytest.raises(EvidenceInconsistent) as caught:
        check_blocks(content, entries())
    assert caught.value.code == code


def trace_step(content: dict[str, Any], folder: Path) -> Status:
    files = {**unpacked(evidence_zip()), "session_dump.json": canonical_json(content)}
    return statuses(packed(relisted(files)), folder)["traces"]


@pytest.mark.parametrize("content", [content for content, _ in WRONG])
def test_the_verifier_disproves_what_the_server_would_not_seal(content: dict[str, Any], tmp_path: Path) -> None:
    assert trace_step(content, tmp_path) is Status.DISPROVED


@pytest.mark.parametrize("several", [[span(1), span(2)], [span(1), span(2), span(1)], None])
def test_several_right_traces_are_proven(several: Any, tmp_path: Path) -> None:
    content = dump([block(1, audio_spans=several), block(2)])
    check_blocks(content, entries())
    assert trace_step(content, tmp_path) is Status.PROVEN


def test_the_report_names_the_paragraph_with_each_of_its_recordings() -> None:
    body = report_body(put_together(span(1), span(2)), entries(), held())
    assert [row["block_ids"] for row in body["audio"][:2]] == [["1.0"], ["1.0", "2.0"]]
