"""The worker that recovers pending inputs: what it redoes, when it waits, when it gives up, what a crash leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from astra_site.lib.clock import utc_now
from astra_site.lib.object_store import Bucket
from astra_site.lib.tenancy import all_tenants, tenant_scope
from demo.recorded_session import RecordedSession
from jobs import services as jobs
from jobs.models import Job, Status
from jobs.runtime.work import run_job
from sessions_app import flows
from sessions_app.models import Session, State
from sessions_app.services import recovery, understand
from sessions_app.services.buffering import buffer_of
from sessions_app.services.understand import understand_ready_inputs
from tests.core.faults import SHORT_S
from tests.core.speech import recovery_of, speak, work_live
from tests.doubles.misbehaving_core import Core, behave, status
from tests.people import Person
from tests.quota.ground import Ground
from tests.sessions.minutes_client import BASE, CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import WAV
from tests.sessions.test_failures import path_of, without

pytestmark = pytest.mark.django_db(transaction=True)


def made_pending(minutes: Minutes, remote: Core, *texts: str) -> None:
    """Speak while CORE is down."""
    remote.behaviour = status(500)
    for number, text in enumerate(texts, start=1):
        speak(minutes, number, text)
    work_live(minutes)
    assert {block["status"] for block in minutes.blocks()} == {"PENDING"}


def statuses(minutes: Minutes) -> list[str]:
    return [block["status"] for block in minutes.blocks()]


def test_after_the_last_try_a_person_has_to_look_and_may_try_once_more(
    minutes: Minutes, remote: Core, settings: Settings
) -> None:
    settings.CORE_BREAKER_FAILURES, settings.CORE_TIMEOUT_S = 1_000, SHORT_S
    made_pending(minutes, remote, VOTE)
    link = minutes.blocks()[0]["data"]["fallback_url"]
    finish_jobs(40)
    job = recovery_of(minutes, 1)
    assert (job.status, job.attempts) == (Status.FAILED, flows.RECOVER.steps[1].retry.max_attempts)
    (given_up,) = minutes.blocks()
    assert (given_up["type"], given_up["status"], given_up["text"]) == ("AUDIO_PENDING", "ERROR_PENDING_REVIEW", VOTE)
    assert given_up["data"] == {"error_code": job.error_code, "fallback_url": link}
    assert minutes.kinds() == ["audio", "transcript", "blocks", "review"]

    remote.behaviour = behave
    assert minutes.api.post(f"{BASE}/jobs/{job.id}/retry").status_code == 200
    finish_jobs()
    assert minutes.kinds()[-2:] == ["review", "recovered"]
    assert [(block["intent"], block["status"]) for block in minutes.blocks()] == [("VOTE", "READY")]
    minutes.close()
    assert [block["intent"] for block in minutes.dump()["blocks"]] == ["VOTE"]


def test_a_try_that_fails_again_by_hand_leaves_one_review(minutes: Minutes, remote: Core) -> None:
    made_pending(minutes, remote, VOTE)
    remote.behaviour = status(422)
    finish_jobs()
    for _ in range(2):
        assert minutes.api.post(f"{BASE}/jobs/{recovery_of(minutes, 1).id}/retry").status_code == 200
        finish_jobs()
    assert minutes.kinds().count("review") == 1
    assert statuses(minutes) == ["ERROR_PENDING_REVIEW"]


def test_what_is_recovered_is_understood_as_in_its_place(alice: Person, remote: Core) -> None:
    talk = ("Señor secretario, sírvase llamar a lista.", "Concejal John Mosquera.", "Presente.", CLOSING)
    undisturbed, disturbed = (Minutes.start(alice, mode="realtime") for _ in range(2))
    for number, text in enumerate(talk, start=1):
        speak(undisturbed, number, text)
    finish_jobs()
    for number, text in enumerate(talk, start=1):
        remote.behaviour = status(500) if number == 3 else behave
        speak(disturbed, number, text)
        work_live(disturbed)
    assert statuses(disturbed) == ["READY", "READY", "PENDING", "READY"]
    remote.behaviour = behave
    finish_jobs()
    assert [(block["intent"], block["data"]) for block in disturbed.blocks()] == [
        (block["intent"], block["data"]) for block in undisturbed.blocks()
    ]


def test_audio_that_comes_back_is_heard_and_understood(minutes: Minutes) -> None:
    minutes.send_audio(1, RecordedSession().chunks()[0].wav)
    minutes.say(2, CLOSING)
    with without(path_of(Bucket.AUDIO, minutes.journal()[0].audio_key)):
        work_live(minutes)
    assert statuses(minutes) == ["PENDING", "READY"]
    finish_jobs()
    assert set(statuses(minutes)) == {"READY"}
    assert "OPEN_SESSION" in [block["intent"] for block in minutes.blocks()]
    assert minutes.kinds()[-2:] == ["transcript", "recovered"]


def quota_of(person: Person) -> Ground:
    """The council's quota, used up."""
    ground = Ground(tenant=person.council, now=utc_now())
    ground.set_limit(0)
    return ground


def test_a_used_up_quota_degrades_at_once_and_a_top_up_finishes_the_blocks(minutes: Minutes, alice: Person) -> None:
    quota = quota_of(alice)
    chunks = RecordedSession().chunks()[:2]
    for number, chunk in enumerate(chunks, start=1):
        minutes.send_audio(number, chunk.wav)
    minutes.say(3, CLOSING)
    work_live(minutes)
    assert [job.attempts for job in minutes.jobs(flow="transcribe_chunk", status=Status.FAILED)] == [1, 1]
    blocks = minutes.blocks()
    assert [block["data"].get("error_code") for block in blocks] == ["quota_exhausted", "quota_exhausted", None]
    assert statuses(minutes) == ["PENDING", "PENDING", "READY"]
    finish_jobs()
    assert [job.attempts for job in minutes.jobs(flow="recover_input", status=Status.QUEUED)] == [0, 0]
    quota.top_up(3_600_000)
    finish_jobs()
    assert set(statuses(minutes)) == {"READY"}


def test_with_the_quota_used_up_the_session_ends_with_a_document(minutes: Minutes, alice: Person) -> None:
    quota_of(alice)
    minutes.send_audio(1, WAV)
    minutes.close()
    assert "[Audio pendiente de transcripción: fragmento 1" in minutes.document_text()


def test_a_wait_grows_with_the_time_waited_and_counts_no_try(minutes: Minutes, alice: Person) -> None:
    quota_of(alice)
    minutes.send_audio(1, WAV)
    work_live(minutes)
    waits = []
    for hours in (0, 2):
        job = recovery_of(minutes, 1)
        with all_tenants(reason="a test turns the clock"):
            rows = Job.objects.filter(pk=job.id)
            rows.update(created_at=job.created_at - timedelta(hours=hours), not_before=job.created_at)
        run_job(job.id)
        waits.append((recovery_of(minutes, 1).not_before - utc_now()).total_seconds())
    assert 50 < waits[0] < 76 < 590 < waits[1] < 751
    assert recovery_of(minutes, 1).attempts == 0


def test_what_somebody_cancelled_is_not_done_after_all(minutes: Minutes, alice: Person) -> None:
    minutes.send_audio(1, WAV)
    with tenant_scope(alice.tenant_id):
        jobs.cancel(minutes.jobs(flow="transcribe_chunk")[0].id)
    finish_jobs()
    (block,) = minutes.blocks()
    assert (block["status"], block["data"]["error_code"]) == ("ERROR_PENDING_REVIEW", "cancelled")
    assert minutes.jobs(flow="recover_input") == []


def test_a_cancelled_recovery_goes_to_review(minutes: Minutes, remote: Core, alice: Person) -> None:
    made_pending(minutes, remote, DEBATE)
    with tenant_scope(alice.tenant_id):
        jobs.cancel(recovery_of(minutes, 1).id)
    assert statuses(minutes) == ["ERROR_PENDING_REVIEW"]
    assert minutes.blocks()[0]["data"]["error_code"] == "cancelled"


def test_an_abandoned_session_is_waited_for_and_its_resumption_recovers(
    minutes: Minutes, remote: Core, alice: Person
) -> None:
    made_pending(minutes, remote, DEBATE)
    remote.behaviour = behave
    with tenant_scope(alice.tenant_id):
        Session.objects.filter(pk=minutes.session_id).update(state=State.ABANDONED)
        finish_jobs()
        assert recovery_of(minutes, 1).status == Status.QUEUED
        Session.objects.filter(pk=minutes.session_id).update(state=State.OPEN)
    finish_jobs()
    assert statuses(minutes) == ["READY"]


def break_off_once(patch: pytest.MonkeyPatch, module: Any, name: str, when: str) -> None:
    """Let a function die once, before or after it did its work."""
    work: Callable[..., Any] = getattr(module, name)
    deaths = [RuntimeError("killed")]

    def work_and_die(*arguments: Any, **options: Any) -> Any:
        if deaths and when == "before":
            raise deaths.pop()
        done = work(*arguments, **options)
        if deaths:
            raise deaths.pop()
        return done

    patch.setattr(module, name, work_and_die)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["transcribe_input", "recover_input", "write_result_once", "_give_up"])
def test_a_recovery_that_is_killed_anywhere_leaves_one_result(
    minutes: Minutes, remote: Core, monkeypatch: pytest.MonkeyPatch, name: str, when: str
) -> None:
    made_pending(minutes, remote, VOTE)
    gives_up = name == "_give_up"
    remote.behaviour = status(422) if gives_up else behave
    break_off_once(monkeypatch, recovery, name, when)
    if gives_up:
        with pytest.raises(RuntimeError):
            finish_jobs()
    finish_jobs()
    result = "review" if gives_up else "recovered"
    assert minutes.kinds() == ["audio", "transcript", "blocks", result]
    assert statuses(minutes) == (["ERROR_PENDING_REVIEW"] if gives_up else ["READY"])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_pending_block_and_its_recovery_are_one_decision(
    minutes: Minutes, remote: Core, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    remote.behaviour = status(500)
    speak(minutes, 1, DEBATE)
    with monkeypatch.context() as patched:
        break_off_once(patched, understand, "submit_recovery", when)
        work_live(minutes)
        assert minutes.kinds() == ["audio", "transcript"]
        assert minutes.jobs(flow="recover_input") == []
    remote.behaviour = behave
    finish_jobs()
    assert statuses(minutes) == ["READY"]


def test_a_doubled_message_and_a_second_worker_change_nothing(minutes: Minutes, remote: Core, alice: Person) -> None:
    made_pending(minutes, remote, OPENING, DEBATE)
    remote.behaviour = behave
    finish_jobs()
    kinds = minutes.kinds()
    for job in minutes.jobs():
        run_job(job.id)
    with tenant_scope(alice.tenant_id):
        session = Session.objects.select_related("config_version").get(pk=minutes.session_id)
        assert understand_ready_inputs(session) == 0
        assert not any(recovery.recover_input(session, number) for number in (1, 2))
    assert minutes.kinds() == kinds


def test_a_rebuilt_buffer_shows_what_stands(minutes: Minutes, remote: Core) -> None:
    made_pending(minutes, remote, OPENING, DEBATE)
    remote.behaviour = status(422)
    run_job(recovery_of(minutes, 1).id)
    remote.behaviour = behave
    run_job(recovery_of(minutes, 2).id)
    shown = minutes.blocks()
    assert statuses(minutes) == ["ERROR_PENDING_REVIEW", "READY"]
    buffer_of(minutes.row()).drop()
    assert minutes.blocks() == shown
