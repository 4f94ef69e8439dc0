"""The same session over REST, WebSocket and gRPC: the same answers, the same blocks, the same document."""

from __future__ import annotations

import io
import json
import re
import wave
from collections.abc import Iterator, Mapping
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

from demo.client import Client
from demo.likeness import compare
from demo.recorded_session import RATE_HZ, RecordedSession
from demo.stack import Stack
from tests.builder.reading import Docx
from tests.flows.spoken import CHUNKS, Ended, as_one_recording, chunks_over, spoken_over
from tests.transports.line import await_grpc, grpc_target_of
from tests.transports.table import LINES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
OTHERS = [name for name in LINES if name != "rest"]
_TIMES = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(Z|\+00:00)")
_DIGEST_IDS = re.compile(r"\{[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F-]{21}\}")
"""Ids that Word parts get from their content, which holds the session's id."""
_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def reachable(stack: Stack) -> Iterator[Stack]:
    """The stack with its gRPC server."""
    stack.start_grpc()
    await_grpc(grpc_target_of(stack))
    yield stack
    stack.kill("grpc")


@pytest.fixture(scope="module")
def rest(reachable: Stack, stack_client: Client) -> Ended:
    return spoken_over("rest", reachable, stack_client)


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest, reachable: Stack, stack_client: Client) -> Ended:
    return spoken_over(request.param, reachable, stack_client)


def files_of(ended: Ended) -> Mapping[str, bytes]:
    with ZipFile(io.BytesIO(ended.evidence)) as files:
        return {name: files.read(name) for name in files.namelist()}


def dump_of(ended: Ended) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files_of(ended)["session_dump.json"])
    return found


def without_what_must_differ(text: str) -> str:
    """Number ids by their first appearance and leave times out: what is left has to be the same."""
    seen: dict[str, str] = {}
    text = _IDS.sub(lambda found: seen.setdefault(found.group(), f"id-{len(seen)}"), text)
    return _DIGEST_IDS.sub("digest", _TIMES.sub("time", text))


def test_rest_says_what_was_said(rest: Ended) -> None:
    blocks = dump_of(rest)["blocks"]
    by_number = {block["sequence_id"]: block for block in blocks if block["type"] != "IMAGE"}
    assert sorted(by_number) == list(range(1, 9))
    assert {block["status"] for block in blocks} == {"READY"}
    assert [block["restricted"] for block in blocks if block["sequence_id"] == 7] == [True, True]  # words and image
    assert by_number[5]["target_placeholder"] == by_number[6]["target_placeholder"] == "ZONA_VARIOS"
    assert (by_number[5]["speaker"], by_number[5]["topic"]) == ("Gloria Murillo", "Alumbrado público")
    assert rest.answers == [
        *[(2, False), (1, False), (2, True), (4, False), (3, False), (6, False), (5, False), (7, False)],
        *["sequence_conflict", "input_invalid", "input_invalid", (8, False), (4, True)],
    ]


def test_every_answer_is_the_same(rest: Ended, other: Ended) -> None:
    assert other.answers == rest.answers


def test_every_block_is_the_same(rest: Ended, other: Ended) -> None:
    one, another = (json.dumps(dump_of(ended)["blocks"], ensure_ascii=False) for ended in (rest, other))
    assert without_what_must_differ(another) == without_what_must_differ(one)


def test_the_journals_tell_the_same_story(rest: Ended, other: Ended) -> None:
    one, another = (
        [
            (entry["kind"], entry["sequence_id"])
            for entry in map(json.loads, files_of(ended)["journal.jsonl"].splitlines())
        ]
        for ended in (rest, other)
    )
    inputs = ("audio", "text", "context", "asset", "finalize")
    assert [entry for entry in another if entry[0] in inputs] == [entry for entry in one if entry[0] in inputs]
    assert sorted(another, key=str) == sorted(one, key=str)


def test_the_document_is_the_same_in_every_part(rest: Ended, other: Ended) -> None:
    one, another = (Docx(files_of(ended)["document.docx"]).parts for ended in (rest, other))
    assert another.keys() == one.keys()
    for name, content in one.items():
        if name.endswith((".xml", ".rels")):
            assert without_what_must_differ(another[name].decode()) == without_what_must_differ(content.decode()), name
        else:
            assert another[name] == content, name


def test_the_same_audio_as_one_recording_says_the_same(reachable: Stack, stack_client: Client) -> None:
    recording = RecordedSession()
    chunks = recording.chunks()[:CHUNKS]
    live = chunks_over("websocket", reachable, stack_client, chunks)
    batch = as_one_recording(stack_client, wav(recording.samples[: chunks[-1].end_ms * RATE_HZ // 1000]))
    alike = compare(dump_of(live)["blocks"], dump_of(batch)["blocks"])
    assert alike.differences == []
    assert alike.holds


def wav(samples: np.ndarray[Any, np.dtype[np.int16]]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
    return file.getvalue()
