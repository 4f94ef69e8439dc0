"""A chunk is the same input in whichever encoding it comes, and what it is inside is told from its content."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from pytest_django import Settings

from astra_site.lib.tenancy import all_tenants
from sessions_app.models import Session, State
from tests.people import Person
from tests.sessions.minutes_client import Minutes, send_body
from tests.sessions.problems import assert_problem
from tests.sessions.samples import FLAC, OTHER_WAV, WAV
from tests.transcription.encodings import encode
from tests.transcription.recorders import RECORDERS, chromes_webm, recorded

pytestmark = pytest.mark.django_db


def send_bare(
    minutes: Minutes, audio: bytes, media_type: str = "audio/wav", verb: str = "append", **query: object
) -> Any:
    """Append audio as the body itself."""
    return send_body(minutes.api, "POST", f"{minutes.url(verb)}?{urlencode(query)}", audio, media_type)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice)


RECORDINGS = {
    **{f"{name} from a pipe": (recorder.media_type, recorder.codec) for name, recorder in RECORDERS.items()},
    "webm of Chrome": ("audio/webm", "opus"),
    "m4a": ("audio/mp4", "aac"),
}


def recording(name: str) -> bytes:
    if name == "webm of Chrome":
        return chromes_webm(1200)
    return encode(name, 1200) if name == "m4a" else recorded(name.removesuffix(" from a pipe"), 1200)


def test_what_recorders_make_is_one_input_in_every_encoding(minutes: Minutes, subtests: pytest.Subtests) -> None:
    for number, (name, (media_type, codec)) in enumerate(RECORDINGS.items(), 1):
        with subtests.test(name):
            audio = recording(name)
            answers = [
                send_bare(minutes, audio, "application/octet-stream", sequence_id=number),
                send_bare(minutes, audio, "audio/x-something; codecs=nonsense", verb="chunk", sequence_id=number),
                minutes.send_file(number, audio),
                minutes.send_audio(number, audio),
            ]
            assert [answer.status_code for answer in answers] == [202] * 4, answers[0].content
            assert [answer.json()["repeated"] for answer in answers] == [False, True, True, True]
            row = minutes.journal()[-1]
            assert (row.sequence_id, row.audio_media_type, row.payload["codec"]) == (number, media_type, codec)
            assert row.audio_size_bytes == len(audio)
            assert row.audio_duration_ms == pytest.approx(1200, abs=70)
    assert len(minutes.journal()) == len(RECORDINGS)


def test_half_a_recording_is_refused_in_every_encoding(minutes: Minutes, subtests: pytest.Subtests) -> None:
    for name in set(RECORDINGS) - {"wav from a pipe"}:  # of unknown length: any part of it is whole
        with subtests.test(name):
            audio = recording(name)
            half = audio[: len(audio) // 2]
            for answer in (send_bare(minutes, half, sequence_id=1), minutes.send_file(1, half)):
                assert_problem(answer, 400, "audio_truncated")
    assert minutes.journal() == []


def test_a_bare_body_says_the_rest_in_the_query(minutes: Minutes) -> None:
    answer = send_bare(minutes, WAV, sequence_id=3, captured_at="2026-11-25T09:15:00-05:00", duration_ms=700)
    assert (answer.status_code, answer.json()["sequence_id"]) == (202, 3)
    assert minutes.journal()[0].payload == {
        "codec": "pcm_s16le",
        "captured_at": "2026-11-25T14:15:00.000000Z",
        "captured_duration_ms": 700,
    }


def test_name_and_media_type_decide_nothing(minutes: Minutes) -> None:
    assert send_bare(minutes, FLAC, "audio/mpeg", sequence_id=1).status_code == 202
    assert minutes.journal()[0].audio_media_type == "audio/flac"


def test_a_bare_body_is_refused_as_in_the_other_encodings(
    minutes: Minutes, settings: Settings, subtests: pytest.Subtests
) -> None:
    settings.MAX_CHUNK_BYTES = 60_000
    send_bare(minutes, WAV, sequence_id=1)
    before = minutes.row().journal_length
    numbers = {"0": 0, "negative": -1, "far": 1_000_001, "2^63": 2**63, "fraction": 1.5, "word": "one", "none": ""}
    refused = {
        **{
            name: (send_bare(minutes, WAV, sequence_id=number), 400, "input_invalid")
            for name, number in numbers.items()
        },
        "no number": (send_bare(minutes, WAV), 400, "input_invalid"),
        "beyond the others": (send_bare(minutes, WAV, sequence_id=900_000), 400, "sequence_id_too_far"),
        "captured never": (send_bare(minutes, WAV, sequence_id=2, captured_at="once"), 400, "input_invalid"),
        "less than no time": (send_bare(minutes, WAV, sequence_id=2, duration_ms=-1), 400, "input_invalid"),
        "nothing": (send_bare(minutes, b"", sequence_id=2), 400, "audio_empty"),
        "no audio": (send_bare(minutes, b"no audio" * 99, sequence_id=2), 400, "audio_unreadable"),
        "too much": (send_bare(minutes, b"RIFF" + bytes(60_000), sequence_id=2), 413, "chunk_too_large"),
        "other content": (send_bare(minutes, OTHER_WAV, sequence_id=1), 409, "sequence_conflict"),
        "a picture's type": (send_bare(minutes, WAV, "image/png", sequence_id=2), 415, "unsupported_media_type"),
        "no type": (send_bare(minutes, WAV, "", sequence_id=2), 415, "unsupported_media_type"),
    }
    for name, (answer, status, code) in refused.items():
        with subtests.test(name):
            assert_problem(answer, status, code)
    assert minutes.row().journal_length == before


def test_a_number_that_is_no_whole_number_is_refused_in_json(minutes: Minutes, subtests: pytest.Subtests) -> None:
    for number in (0, -1, 2**63, 2**64, 1.5, "1.5", "one", True, None, [1], {"a": 1}, "", "1e3"):
        with subtests.test(number=number):
            answer = minutes.say(number, "Se abre la sesión.")  # type: ignore[arg-type]  # wrong on purpose
            assert answer.status_code == 400, answer.content
            assert answer.json()["code"] in ("input_invalid", "parse_error")
    assert minutes.journal() == []


def test_the_same_bare_body_after_closing_is_answered_as_before(minutes: Minutes) -> None:
    first = send_bare(minutes, WAV, sequence_id=1).json()
    with all_tenants(reason="a test closes a session"):
        Session.objects.filter(pk=minutes.session_id).update(state=State.CLOSED)
    again = send_bare(minutes, WAV, sequence_id=1)
    assert (again.status_code, again.json()) == (202, {**first, "repeated": True})
    assert_problem(send_bare(minutes, OTHER_WAV, sequence_id=1), 409, "sequence_conflict")
    assert_problem(send_bare(minutes, WAV, sequence_id=2), 409, "session_not_open")
