"""A session that is really spoken: in chunks and as one recording, to a document that anyone can check."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import wave
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.http import StreamingHttpResponse
from django.test import AsyncClient
from pytest_django import Settings

from astra_site.lib.hashing import Sha256
from custody.export import installation_public_keys
from jobs.transcription.wer import word_error_rate
from tests.people import Person
from tests.sessions.minutes_client import Minutes, finish_jobs
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]
SPEECH = ROOT / "tests" / "data" / "speech" / "contract"
TRUTH = json.loads((SPEECH / "truth.json").read_text(encoding="utf-8"))
CLIPS = list(TRUTH["clips"])
SAID = " ".join(clip["text"] for clip in TRUTH["clips"].values())
MAX_WER = 0.10
TOLERANCE_MS = 1_000


def clip(name: str) -> bytes:
    return (SPEECH / f"{name}.flac").read_bytes()


def text_of(minutes: Minutes) -> str:
    return " ".join(block["text"] for block in minutes.dump()["blocks"])


def heard_live(person: Person) -> Minutes:
    """The clips as chunks, out of order, one of them twice."""
    minutes = Minutes.start(person, mode="realtime")
    for number in (2, 1, 4, 3, 3, 6, 5):
        assert minutes.send_file(number, clip(CLIPS[number - 1])).status_code == 202
    minutes.show_image(png(), caption="Plano", after_sequence_id=4)
    minutes.close()
    return minutes


def heard_as_one_recording(person: Person) -> Minutes:
    minutes = Minutes.start(person)
    uploaded = minutes.upload_recording((SPEECH / TRUTH["session"]["file"]).read_bytes()).json()
    assert abs(uploaded["duration_ms"] - TRUTH["session"]["duration_ms"]) < TOLERANCE_MS
    job = minutes.submit_recording(uploaded["audio_url"], provider="whisper").json()
    assert (job["flow"], job["status"]) == ("transcribe_recording", "QUEUED")
    finish_jobs()
    minutes.close()
    return minutes


def test_chunks_and_one_recording_say_the_same(alice: Person) -> None:
    live, batch = heard_live(alice), heard_as_one_recording(alice)
    for minutes in (live, batch):
        assert word_error_rate(SAID, text_of(minutes)).rate < MAX_WER
    intents = [
        [block["intent"] for block in minutes.dump()["blocks"] if block["type"] != "IMAGE"] for minutes in (live, batch)
    ]
    assert intents[0] == intents[1]


def test_every_block_is_traced_to_the_second_of_its_audio(alice: Person) -> None:
    minutes = heard_live(alice)
    recorded = {row.sequence_id: row for row in minutes.journal() if row.kind == "audio"}
    expected_start_ms = 0
    blocks = {block["sequence_id"]: block for block in minutes.dump()["blocks"] if block["type"] != "IMAGE"}
    for number, name in enumerate(CLIPS, 1):
        audio = blocks[number]["audio"]
        assert audio["sha256"] == recorded[number].audio_sha256 == str(Sha256.of(clip(name)))
        truth = TRUTH["clips"][name]
        assert abs(audio["start_ms"] - truth["start_ms"]) < TOLERANCE_MS
        assert abs(audio["end_ms"] - truth["end_ms"]) < TOLERANCE_MS
        assert audio["session_start_ms"] == expected_start_ms + audio["start_ms"]
        expected_start_ms += recorded[number].audio_duration_ms or 0


def download(url: str) -> tuple[int, bytes]:
    """Follow a link without a token, as anyone could."""

    async def follow() -> tuple[int, bytes]:
        answer = await AsyncClient().get(urlsplit(url).path)
        if not isinstance(answer, StreamingHttpResponse):
            return answer.status_code, answer.content
        return answer.status_code, b"".join([piece async for piece in answer])

    return asyncio.run(follow())


def test_what_is_downloaded_passes_the_stand_alone_check(alice: Person, tmp_path: Path) -> None:
    minutes = heard_live(alice)
    delivery = minutes.show()["delivery"]
    assert download(delivery["download_url"]) == (200, minutes.document())
    status, content = download(delivery["evidence_url"])
    assert status == 200
    evidence = tmp_path / "evidence.zip"
    evidence.write_bytes(content)
    keys = tmp_path / "council_keys.json"
    keys.write_bytes(installation_public_keys())
    check = subprocess.run(
        [sys.executable, "-m", "astra_verify", str(evidence), "--trusted-key", str(keys)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert check.returncode == 0, check.stdout + check.stderr
    assert download(delivery["download_url"][:-3] + "abc")[0] == 403


def test_silence_costs_no_words_and_is_kept(alice: Person) -> None:
    from_tone = Minutes.start(alice)
    spoken = clip("agenda")
    from_tone.send_audio(1, spoken)
    from_tone.send_audio(2, _silence())
    from_tone.close()
    assert [row.kind for row in from_tone.journal()][:2] == ["audio", "audio"]
    assert {block["sequence_id"] for block in from_tone.dump()["blocks"]} == {1}


def _silence() -> bytes:

    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 16_000 * 3))
    return target.getvalue()


def test_an_engine_that_is_not_there_leaves_a_visible_gap_and_no_hanging_session(
    alice: Person, settings: Settings
) -> None:
    settings.DEFAULT_ENGINE = "whisper:/no/such/model"
    minutes = Minutes.start(alice)
    minutes.send_file(1, clip("vote"))
    minutes.say(2, "Se levanta la sesión.")
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"
    pending, closing = minutes.dump()["blocks"]
    assert (pending["type"], pending["status"]) == ("AUDIO_PENDING", "PENDING")
    assert pending["data"]["error_code"] == "engine_unavailable"
    assert download(pending["data"]["fallback_url"]) == (200, clip("vote"))
    assert closing["intent"] == "CLOSE_SESSION"
    assert minutes.jobs(flow="transcribe_chunk")[0].attempts > 1
