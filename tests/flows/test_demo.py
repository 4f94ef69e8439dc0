"""The demonstration's two ways, live and batch, over HTTP on the running product: the promises of the first issue."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.client import Client
from demo.judge import judge, snapshot_in
from demo.likeness import ALIKE_AT_LEAST, compare, share_of_equal_words
from demo.paths import PathResult, batch_path, live_path
from demo.recorded_session import RecordedSession
from demo.script import ATTENDANCE
from demo.stack import ROOT, Stack
from tests.builder.reading import Docx, W, style_of, text_of, texts

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def live(stack_client: Client, folder: Path) -> PathResult:
    image = (ROOT / "demo/image.png").read_bytes()
    return live_path(stack_client, RecordedSession(), image, folder, lambda line: None)


@pytest.fixture(scope="module")
def batch(stack_client: Client, folder: Path) -> PathResult:
    return batch_path(stack_client, RecordedSession(), folder, lambda line: None)


@pytest.fixture(scope="module")
def keys(stack: Stack, folder: Path) -> Path:
    path = folder / "public_keys.json"
    path.write_text(stack.manage("export_public_keys"))
    return path


def test_live_words_are_right_and_the_seal_holds(live: PathResult, keys: Path) -> None:
    verdict = judge(live, RecordedSession().script, keys)
    assert verdict.recognised_error_rate < 0.10
    assert verdict.minutes_error_rate < 0.10
    assert verdict.pending_blocks == 0
    assert verdict.seal_holds, verdict.steps
    assert verdict.blocks_by_intent["IMAGE"] == 1


def test_batch_words_are_right_and_its_seal_follows_the_live_one(
    live: PathResult, batch: PathResult, keys: Path
) -> None:
    verdict = judge(batch, RecordedSession().script, keys, previous=snapshot_in(live.evidence))
    assert verdict.recognised_error_rate < 0.10
    assert verdict.minutes_error_rate < 0.10
    assert verdict.pending_blocks == 0
    assert verdict.seal_holds, verdict.steps


def test_both_ways_recognise_the_same_apart_from_chunk_borders(live: PathResult, batch: PathResult) -> None:
    alike = compare(live.blocks, batch.blocks)
    assert alike.differences == []
    assert alike.words >= ALIKE_AT_LEAST


def test_both_documents_say_the_same(live: PathResult, batch: PathResult) -> None:
    one, other = (Docx(path.document.read_bytes()) for path in (live, batch))
    assert tables(one) == tables(other)
    assert list(sections(one)) == list(sections(other))
    words = [[word for text in sections(document).values() for word in text] for document in (one, other)]
    assert len(words[0]) > 300
    assert share_of_equal_words(*words) >= ALIKE_AT_LEAST


def tables(document: Docx) -> list[list[list[str]]]:
    """Every table as rows of cells."""
    return [
        [[" ".join(texts(cell)) for cell in row.iter(f"{W}tc")] for row in table.iter(f"{W}tr")]
        for table in document.document.iter(f"{W}tbl")
    ]


def sections(document: Docx) -> dict[str, list[str]]:
    """The words under each heading, whatever the paragraphs; only the annex, which shows the live image, is left out.

    The number of the minutes stands before the first heading.
    """
    headings = [text_of(p) for p in document.document.iter(f"{W}p") if style_of(p) == "Heading1"]
    return {name: " ".join(document.section(name)).split() for name in headings if name != "Anexos"}


@pytest.mark.parametrize("path", ["live", "batch"])
def test_what_the_minutes_rest_on_is_recognised(path: str, request: pytest.FixtureRequest) -> None:
    blocks = request.getfixturevalue(path).blocks
    by_intent = {block["intent"]: block["data"] for block in blocks if block["data"]}
    attendance = {
        entry["name"]: entry["presence"]
        for block in blocks
        if block["intent"] == "ROLL_CALL"
        for entry in block["data"].get("attendance", [])
    }
    results = [block["data"] for block in blocks if block["intent"] == "VOTE" and block["data"].get("result")]
    assert by_intent["OPEN_SESSION"]["time"] == "09:15"
    assert by_intent["CLOSE_SESSION"]["time"] == "11:30"
    assert attendance == ATTENDANCE
    assert [(vote["in_favour"], vote["against"], vote["abstentions"], vote["result"]) for vote in results] == [
        (5, 1, 1, "approved")
    ]
    assert {"PROPOSITION", "DEBATE", "AGENDA", "FLOOR_GRANTED"} <= {block["intent"] for block in blocks}


def test_a_spoken_turn_names_its_speaker_in_the_minutes(batch: PathResult) -> None:
    speakers = {block["speaker"] for block in batch.blocks if block["intent"] == "DEBATE" and block["speaker"]}
    assert {"María Ospina", "John Mosquera", "Andrés Valencia", "Gloria Murillo"} <= speakers
