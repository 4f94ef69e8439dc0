"""Whatever is sent twice is done once, whether one after the other or at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from astra_site.lib.tenancy import all_tenants
from custody.models import Snapshot
from sessions_app.services import inputs
from sessions_app.services.journal import lock_for_entry
from tests.people import Person
from tests.sessions.minutes_client import OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.problems import assert_problem
from tests.sessions.samples import WAV, png

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 30.0


def at_once(call: Callable[[], Any], times: int = 4) -> list[Any]:
    """Call from several threads at the same moment."""
    barrier = Barrier(times)

    def run() -> Any:
        barrier.wait(DEADLINE_S)
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return [future.result(DEADLINE_S) for future in [pool.submit(run) for _ in range(times)]]


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice)


def without_repeated(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.content
    return {name: value for name, value in answer.json().items() if name != "repeated"}


@pytest.mark.parametrize("send", [lambda m: m.say(1, OPENING), lambda m: m.send_audio(1, WAV)], ids=["text", "audio"])
def test_the_same_append_twice_is_one_input(minutes: Minutes, send: Callable[[Minutes], Any]) -> None:
    first, second = send(minutes), send(minutes)
    assert (first.json()["repeated"], second.json()["repeated"]) == (False, True)
    assert without_repeated(first) == without_repeated(second)
    assert (len(minutes.kinds()), len(minutes.jobs())) == (1, 1)


def test_base64_and_multipart_are_the_same_content(minutes: Minutes) -> None:
    first, second = minutes.send_audio(1, WAV), minutes.send_file(1, WAV)
    assert second.json()["repeated"]
    assert without_repeated(first) == without_repeated(second)


def test_the_alias_chunk_takes_the_same_inputs(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    again = minutes.api.post(minutes.url("chunk"), {"sequence_id": 1, "text": OPENING}, format="json")
    assert (again.status_code, again.json()["repeated"]) == (202, True)


def test_the_same_append_from_four_threads_is_one_input(minutes: Minutes) -> None:
    answers = at_once(lambda: minutes.say(1, OPENING))
    assert sorted(answer.json()["repeated"] for answer in answers) == [False, True, True, True]
    assert (minutes.kinds(), len(minutes.jobs())) == (["text"], 1)


def test_two_contents_for_one_number_at_once_leave_one(minutes: Minutes) -> None:
    texts = iter([OPENING, VOTE, "Otra cosa.", "Y otra."])
    answers = at_once(lambda: minutes.say(1, next(texts)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    assert len(minutes.journal()) == 1


def test_the_same_append_after_closing_is_answered_as_before(minutes: Minutes) -> None:
    first = minutes.say(1, OPENING)
    minutes.close()
    entries = len(minutes.journal())
    again = minutes.say(1, OPENING)
    assert again.json()["repeated"]
    assert without_repeated(again) == without_repeated(first)
    assert_problem(minutes.say(1, VOTE), 409, "sequence_conflict")
    assert_problem(minutes.say(2, VOTE), 409, "session_not_open")
    assert_problem(minutes.set_context(topic="Otro"), 409, "session_not_open")
    assert_problem(minutes.show_image(png()), 409, "session_not_open")
    assert_problem(minutes.upload_recording(WAV), 409, "session_not_open")
    assert len(minutes.journal()) == entries


def test_finalize_from_four_threads_makes_one_job_and_one_snapshot(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    finish_jobs()
    answers = at_once(lambda: minutes.finalize())
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["job_id"] for answer in answers if answer.json()["job_id"]}) == 1
    at_once(finish_jobs, 2)
    closed = minutes.finalize()
    assert (closed.status_code, closed.json()["state"]) == (200, "CLOSED")
    assert len(minutes.jobs(flow="produce_minutes")) == 1
    assert minutes.kinds().count("finalize") == 1
    with all_tenants(reason="a test counts"):
        assert Snapshot.objects.filter(session_id=minutes.session_id).count() == 1


def test_finalize_after_closing_is_answered_as_before(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    closed = minutes.close()
    again = minutes.finalize()
    assert again.status_code == 200
    for part in ("state", "job_id", "failure"):
        assert again.json()[part] == closed[part]
    assert again.json()["delivery"]["integrity_hash"] == closed["delivery"]["integrity_hash"]
    assert len(minutes.jobs(flow="produce_minutes")) == 1


def test_an_image_sent_twice_is_one_image(minutes: Minutes) -> None:
    first, second = minutes.show_image(png(), caption="Plano"), minutes.show_image(png(), caption="Plano")
    assert (first.status_code, second.status_code) == (201, 200)
    assert {**first.json(), "repeated": True} == second.json()
    assert minutes.kinds() == ["asset"]


def test_an_image_sent_from_four_threads_is_one_image(minutes: Minutes) -> None:
    answers = at_once(lambda: minutes.show_image(png()))
    assert len({answer.json()["asset_id"] for answer in answers}) == 1
    assert minutes.kinds() == ["asset"]


def test_a_recording_sent_twice_is_one_recording_and_one_job(minutes: Minutes) -> None:
    first, second = minutes.upload_recording(WAV).json(), minutes.upload_recording(WAV).json()
    assert first == second
    jobs = [minutes.submit_recording(first["audio_url"]) for _ in range(2)]
    assert [answer.status_code for answer in jobs] == [202, 202]
    assert jobs[0].json()["id"] == jobs[1].json()["id"]
    assert (minutes.kinds(), len(minutes.jobs())) == (["recording"], 1)


def test_a_recording_submitted_from_four_threads_is_one_input(minutes: Minutes) -> None:
    audio_url = minutes.upload_recording(WAV).json()["audio_url"]
    answers = at_once(lambda: minutes.submit_recording(audio_url))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (minutes.kinds(), len(minutes.jobs())) == (["recording"], 1)


@pytest.mark.parametrize("kind", ["image", "recording"])
def test_what_is_accepted_is_not_refused_to_a_second_sender_whom_the_minutes_overtake(
    minutes: Minutes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio_url = minutes.upload_recording(WAV).json()["audio_url"] if kind == "recording" else ""
    first: list[Any] = []

    def send() -> Any:
        return minutes.submit_recording(audio_url) if kind == "recording" else minutes.show_image(png())

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.setattr(inputs, "lock_for_entry", lock_for_entry)
        first.append(send())
        minutes.close()
        return lock_for_entry(*arguments)

    monkeypatch.setattr(inputs, "lock_for_entry", overtaken)
    second = send()
    assert second.status_code == {"image": 200, "recording": 202}[kind]
    same = "asset_id" if kind == "image" else "id"
    assert second.json()[same] == first[0].json()[same]
