"""A pause of more than a minute is noted, in the session's own time; silence is no pause and costs nothing."""

from __future__ import annotations

import io
import wave
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from demo.recorded_session import RecordedSession
from jobs.transcription.engine import Samples, TranscribeOptions, Transcriber, TranscriptResult
from sessions_app.services import transcripts
from sessions_app.services.engine import pinned_engine
from tests.core.speech import recovery_of, speak, work_live
from tests.doubles.misbehaving_core import Core, behave, status
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, Minutes, finish_jobs

pytestmark = pytest.mark.django_db(transaction=True)
MORNING = datetime(2026, 5, 3, 15, 13, 0, tzinfo=UTC)  # 10:13 in Bogotá


def at(seconds: float) -> str:
    return (MORNING + timedelta(seconds=seconds)).isoformat()


TALK: tuple[tuple[str, dict[str, Any]], ...] = (
    (OPENING, {"captured_at": at(0), "duration_ms": 10_000}),
    (DEBATE, {"captured_at": at(135), "duration_ms": 5_000}),  # 125 s later
    ("El acueducto espera.", {"captured_at": at(190), "duration_ms": 5_000}),  # 50 s later
    ("Sigue el debate.", {}),
    ("Y sigue.", {"captured_at": at(9_000), "duration_ms": 5_000}),  # nobody knows how long after
    (CLOSING, {"captured_at": at(8_000), "duration_ms": 5_000}),  # a clock that went back
)


def said_in_order(person: Person, order: tuple[int, ...]) -> Minutes:
    minutes = Minutes.start(person)
    for number in order:
        text, captured = TALK[number - 1]
        assert minutes.say(number, text, **captured).status_code == 202
        work_live(minutes)
    finish_jobs()
    return minutes


def test_a_pause_stands_before_what_follows_it_in_every_order_of_arrival(alice: Person) -> None:
    orders = [(1, 2, 3, 4, 5, 6), (6, 5, 4, 3, 2, 1), list(permutations(range(1, 7)))[400]]
    all_minutes = [said_in_order(alice, order) for order in orders]
    shown = [[{**block, "revision": 0} for block in minutes.blocks()] for minutes in all_minutes]
    assert all(blocks == shown[0] for blocks in shown)
    assert [(block["block_id"], block["type"]) for block in shown[0]][:4] == [
        ("1.0", "TEMPLATE"),
        ("2.0", "SYSTEM_NOTE"),
        ("2.1", "TEMPLATE"),
        ("3.0", "TEMPLATE"),
    ]
    (note,) = [block for block in shown[0] if block["type"] == "SYSTEM_NOTE"]
    assert note["text"] == "Pausa de 2 minutos y 5 segundos, de 10:13:10 a 10:15:15."
    assert note["data"]["pause_ms"] == 125_000
    minutes = all_minutes[1]
    minutes.close()
    assert note["text"] in minutes.document_text()


def test_times_are_those_of_the_session(alice: Person) -> None:
    minutes = Minutes.start(alice, client_timezone="Asia/Tokyo")
    minutes.say(1, OPENING, captured_at=at(0), duration_ms=0)
    minutes.say(2, CLOSING, captured_at=at(300))
    finish_jobs()
    assert minutes.blocks()[1]["text"] == "Pausa de 5 minutos, de 00:13:00 a 00:18:00."


def test_where_numbers_are_missing_there_is_a_gap_and_no_pause(alice: Person) -> None:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING, captured_at=at(0), duration_ms=0)
    minutes.say(3, CLOSING, captured_at=at(300))
    minutes.close(accept_gaps=True)
    notes = [block["text"] for block in minutes.dump()["blocks"] if block["type"] == "SYSTEM_NOTE"]
    assert len(notes) == 1
    assert notes[0].startswith("Falta el fragmento 2")


def test_a_pause_before_pending_audio_stays_when_it_is_recovered(alice: Person, remote: Core) -> None:
    minutes = Minutes.start(alice, mode="realtime")
    minutes.say(1, OPENING, captured_at=at(0), duration_ms=0)
    work_live(minutes)
    remote.behaviour = status(500)
    speak(minutes, 2, DEBATE, captured_at=at(90), duration_ms=1_000)
    work_live(minutes)
    assert [block["type"] for block in minutes.blocks()] == ["TEMPLATE", "SYSTEM_NOTE", "AUDIO_PENDING"]
    remote.behaviour = behave
    finish_jobs()
    assert recovery_of(minutes, 2).facts["outcome"] == "recovered"
    blocks = minutes.blocks()
    assert [block["type"] for block in blocks[:2]] == ["TEMPLATE", "SYSTEM_NOTE"]
    assert {block["status"] for block in blocks} == {"READY"}
    minutes.close()
    assert [block["block_id"] for block in minutes.dump()["blocks"]] == [block["block_id"] for block in blocks]


@pytest.mark.parametrize("far", ["0001-01-01T00:00:00Z", "0999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z"])
def test_a_clock_that_is_far_off_breaks_nothing(alice: Person, far: str) -> None:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING, captured_at=at(0))
    minutes.say(2, DEBATE, captured_at=far, duration_ms=86_400_000)
    minutes.say(3, CLOSING, captured_at=at(30))
    finish_jobs()
    assert [block["intent"] for block in minutes.blocks()] == ["OPEN_SESSION", "DEBATE", "CLOSE_SESSION"]


class Counted:
    """A speech engine that counts how often it is asked."""

    def __init__(self, engine: Transcriber) -> None:
        self.engine, self.model, self.max_clip_s = engine.engine, engine.model, engine.max_clip_s
        self.calls = 0
        self._engine = engine

    def transcribe(self, samples: Samples, options: TranscribeOptions) -> TranscriptResult:
        self.calls += 1
        return self._engine.transcribe(samples, options)


def test_silence_asks_neither_the_engine_nor_core_and_its_audio_is_kept(
    alice: Person, remote: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = Minutes.start(alice, mode="realtime")
    engine = Counted(pinned_engine(minutes.row().model_config))
    monkeypatch.setattr(transcripts, "pinned_engine", lambda pin: engine)
    for number in range(1, 4):
        minutes.send_audio(number, _silence(seconds=4 + number))
    finish_jobs()
    assert (engine.calls, len(remote.asked), minutes.blocks()) == (0, 0, [])
    minutes.send_audio(4, RecordedSession().chunks()[0].wav)
    finish_jobs()
    assert engine.calls > 0
    assert len(remote.asked) == 1
    closed = minutes.close()
    assert {block["sequence_id"] for block in minutes.dump()["blocks"]} == {4}
    held = minutes.jobs(flow="produce_minutes")[0].facts["held_recordings"]
    assert held == 4
    assert closed["state"] == "CLOSED"


def _silence(seconds: float) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * int(16_000 * seconds)))
    return target.getvalue()
