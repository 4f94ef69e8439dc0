"""No sentence, crash or cancellation leaves a session waiting for ever, and no gap goes unmentioned."""

from __future__ import annotations

from typing import Any

import pytest

from astra_site.lib.errors import Unavailable
from astra_site.lib.tenancy import tenant_scope
from jobs import services as jobs
from jobs.models import Status
from jobs.runtime.orchestration import orchestrator
from jobs.runtime.sweeper import sweep_once
from jobs.runtime.work import run_job
from sessions_app.models import Session, State
from sessions_app.services import buffering, input_blocks, understand
from sessions_app.understanding import client
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, OPENING, Minutes, finish_jobs
from tests.sessions.samples import WAV, png

pytestmark = pytest.mark.django_db(transaction=True)
MONEY = "Resultado de la votación: partida de doscientos millones, votos a favor catorce, cero en contra."


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice)


def test_a_sum_of_money_beside_a_vote_is_no_count(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    minutes.say(2, MONEY)
    minutes.say(3, CLOSING)
    minutes.close()
    spoken = minutes.dump()["blocks"]
    assert " ".join(block["text"] for block in spoken if block["sequence_id"] == 2) == MONEY
    counts = [block["data"].get("in_favour") for block in spoken if block["intent"] == "VOTE"]
    assert 200_000_000 not in counts


def test_words_that_core_refuses_go_to_review_and_the_order_goes_on(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.understand

    def refuse_the_second(core: Any, utterances: Any, *rest: Any) -> Any:
        if MONEY in [utterance.text for utterance in utterances]:
            raise Unavailable("core_answer_invalid", "CORE's answer does not fit.")
        return answer(core, utterances, *rest)

    monkeypatch.setattr(input_blocks, "understand", refuse_the_second)
    for number, text in enumerate((OPENING, MONEY, CLOSING), start=1):
        minutes.say(number, text)
    finish_jobs()
    blocks = minutes.blocks()
    assert [block["intent"] for block in blocks] == ["OPEN_SESSION", None, "CLOSE_SESSION"]
    assert (blocks[1]["text"], blocks[1]["needs_review"]) == (MONEY, True)
    assert blocks[1]["data"] == {"error_code": "core_answer_invalid"}
    minutes.close()
    assert MONEY in minutes.document_text()


def test_understanding_that_breaks_off_every_time_keeps_the_words(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.understand

    def break_off(core: Any, utterances: Any, *rest: Any) -> Any:
        if MONEY in [utterance.text for utterance in utterances]:
            raise RuntimeError("a mistake in the engine")
        return answer(core, utterances, *rest)

    monkeypatch.setattr(input_blocks, "understand", break_off)
    for number, text in enumerate((OPENING, MONEY, CLOSING), start=1):
        minutes.say(number, text)
    minutes.finalize()
    finish_jobs()
    sweep_once(orchestrator())
    finish_jobs()
    assert minutes.finalize().json()["state"] == "CLOSED"
    assert [block["text"] for block in minutes.dump()["blocks"]][1] == MONEY


@pytest.mark.parametrize("step", ["write_dump", "build_document", "hand_over_audio", "seal"])
def test_a_cancellation_beside_a_step_leaves_a_session_that_can_be_finalized(
    minutes: Minutes, alice: Person, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes.say(1, OPENING)
    finish_jobs()
    minutes.finalize()
    job = minutes.jobs(flow="produce_minutes")[0]
    cancelled: list[str] = []
    look_up = Session.objects.select_related

    def cancel_first(*names: str) -> Any:
        if "skeleton_version" in names and not cancelled and current_step(minutes) == step:
            cancelled.append(step)
            jobs.cancel(job.id)
        return look_up(*names)

    monkeypatch.setattr(Session.objects, "select_related", cancel_first)
    run_job(job.id)
    assert cancelled == [step]
    assert minutes.jobs(flow="produce_minutes")[0].status == Status.CANCELLED
    sweep_once(orchestrator())
    assert minutes.show()["state"] in ("BUILD_FAILED", "SEAL_FAILED")
    minutes.finalize()
    finish_jobs()
    assert minutes.finalize().json()["state"] == "CLOSED"


def current_step(minutes: Minutes) -> str | None:
    step: str | None = minutes.jobs(flow="produce_minutes")[0].current_step
    return step


@pytest.mark.parametrize(("state", "failed"), [(State.BUILDING, "BUILD_FAILED"), (State.SEALING, "SEAL_FAILED")])
def test_a_production_whose_job_is_dead_is_noticed(minutes: Minutes, alice: Person, state: State, failed: str) -> None:
    minutes.say(1, OPENING)
    finish_jobs()
    minutes.finalize()
    with tenant_scope(alice.tenant_id):
        jobs.cancel(minutes.jobs(flow="produce_minutes")[0].id)
        Session.objects.filter(pk=minutes.session_id).update(state=state)
    sweep_once(orchestrator())
    assert minutes.show()["state"] == failed
    minutes.finalize()
    finish_jobs()
    assert minutes.finalize().json()["state"] == "CLOSED"


def test_one_broken_session_does_not_hold_up_the_others(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [Minutes.start(charlie), Minutes.start(alice), Minutes.start(charlie)]
    for minutes in sessions:
        minutes.say(1, OPENING)
        finish_jobs()
        with tenant_scope(minutes.row().tenant_id):
            Session.objects.filter(pk=minutes.session_id).update(state=State.DRAINING, final_sequence_id=1)
    sessions_app_understand = understand.understand_ready_inputs

    def broken_for_alice(session: Session, **options: Any) -> int:
        if session.tenant_id == alice.tenant_id:
            raise ValueError("a mistake")
        return sessions_app_understand(session, **options)

    monkeypatch.setattr("sessions_app.services.finalize.understand_ready_inputs", broken_for_alice)
    sweep_once(orchestrator())
    assert [minutes.show()["state"] for minutes in sessions] == ["BUILDING", "DRAINING", "BUILDING"]


def test_a_gap_is_named_in_minutes_dump_and_journal(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    minutes.say(4, CLOSING)
    minutes.finalize()
    finish_jobs()
    minutes.close(accept_gaps=True)
    wishes = [row.payload for row in minutes.journal() if row.kind == "finalize"]
    assert [(wish["accept_gaps"], wish["missing"]) for wish in wishes] == [(False, [[2, 3]]), (True, [[2, 3]])]
    assert minutes.dump()["missing"] == [[2, 3]]
    note = minutes.dump()["blocks"][1]
    assert (note["type"], note["block_id"]) == ("SYSTEM_NOTE", "2.0")
    assert "Faltan los fragmentos 2 a 3 de la sesión" in minutes.document_text()


def test_the_live_view_catches_up_with_a_result_that_it_missed(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes.say(1, OPENING)
    with monkeypatch.context() as crash:
        crash.setattr("sessions_app.services.journal.show_in_buffer", lambda session, row: None)
        finish_jobs()
    with tenant_scope(minutes.row().tenant_id):
        assert buffering.buffer_of(minutes.row()).page().processing_count == 1
    assert [block["status"] for block in minutes.blocks()] == ["READY"]


def test_a_repeated_image_or_recording_is_answered_after_the_end_as_before(minutes: Minutes) -> None:
    first = minutes.show_image(png(), caption="Plano").json()
    url = minutes.upload_recording(WAV).json()["audio_url"]
    job = minutes.submit_recording(url).json()["id"]
    finish_jobs()
    minutes.close()
    assert minutes.show_image(png(), caption="Plano").json() == {**first, "repeated": True}
    assert minutes.upload_recording(WAV).json()["audio_url"] == url
    assert minutes.submit_recording(url).json()["id"] == job
