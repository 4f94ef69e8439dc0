"""The audio goes with the words: cut, joined, sealed, and cut again in the correction of the minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from astra_site.lib.tenancy import tenant_scope
from sessions_app.models import EntryKind
from sessions_app.services.journal import NewEntry, write_result_once
from tests.people import Person
from tests.sessions.clerk import Clerk
from tests.sessions.minutes_client import Minutes, finish_jobs
from tests.sessions.samples import FLAC, WAV
from tests.sessions.test_clone import cloned, is_proven

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = (("Los", 40, 90), ("recursos", 100, 190), ("no", 250, 290), ("alcanzan.", 300, 620))
SECOND = (("Falta", 20, 200), ("agua.", 240, 500))


def speak(minutes: Minutes, sequence_id: int, audio: bytes, words: tuple[tuple[str, int, int], ...]) -> None:
    """Send a chunk, and journal what an engine heard in it, word by word."""
    minutes.send_audio(sequence_id, audio)
    heard = {
        "text": " ".join(word for word, _, _ in words),
        "start_ms": words[0][1],
        "end_ms": words[-1][2],
        "confidence": 0.9,
        "words": [[word, start_ms, end_ms, 0.9] for word, start_ms, end_ms in words],
    }
    payload = {"engine": "known", "model": "known", "language": "es", "duration_ms": 700, "utterances": [heard]}
    row = minutes.row()
    with tenant_scope(row.tenant_id):
        write_result_once(row.id, NewEntry(EntryKind.TRANSCRIPT, payload, sequence_id))


@pytest.fixture
def clerk(alice: Person) -> Clerk:
    minutes = Minutes.start(alice)
    speak(minutes, 1, WAV, FIRST)
    speak(minutes, 2, FLAC, SECOND)
    finish_jobs()
    return Clerk(minutes)


def times(block: dict[str, Any]) -> list[tuple[int, int, int]]:
    spans = block.get("audio_spans") or [block["audio"]]
    return [(span["sequence_id"], span["start_ms"], span["end_ms"]) for span in spans]


def test_a_cut_falls_between_two_words(clerk: Clerk) -> None:
    first, second = clerk.do("1.0", "split", at=len("Los recursos "))["blocks"]
    assert (times(first), times(second)) == ([(1, 40, 190)], [(1, 250, 620)])
    assert second["audio"]["session_start_ms"] == 250
    whole = clerk.merge("1.0", second["block_id"])["blocks"][0]
    assert times(whole) == [(1, 40, 620)]


def test_joined_words_lead_to_both_recordings_and_are_proven(clerk: Clerk, tmp_path: Path) -> None:
    whole = clerk.merge("2.0", "1.0")["blocks"][0]
    assert (whole["block_id"], times(whole)) == ("1.0", [(1, 40, 620), (2, 20, 500)])
    clerk.minutes.close()
    assert is_proven(clerk.minutes, tmp_path)
    report = clerk.minutes.api.get(clerk.minutes.url("audit-report")).json()
    assert [row["block_ids"] for row in report["audio"]] == [["1.0"], ["1.0"]]


def test_words_of_the_closed_minutes_are_cut_as_exactly_in_their_correction(clerk: Clerk, tmp_path: Path) -> None:
    clerk.minutes.close()
    second = cloned(clerk.minutes)
    parts = second.do("1.0", "split", at=len("Los recursos no "))["blocks"]
    assert [times(part) for part in parts] == [[(1, 40, 290)], [(1, 300, 620)]]
    second.minutes.close()
    assert is_proven(second.minutes, tmp_path)
