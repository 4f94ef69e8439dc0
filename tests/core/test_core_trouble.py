"""A session whose CORE misbehaves: it goes on at once, keeps every word, and is made whole later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django import Settings

from astra_site.lib.redis_client import redis_client
from jobs.models import Status
from tests.core.conftest import close_core
from tests.core.faults import FAULTS, GRACE_S, MET_BY_SESSIONS, SHORT_S, Fault
from tests.core.speech import recovery_of, speak, work_live
from tests.doubles.misbehaving_core import Core, altered, behave, hang, status
from tests.flows.test_spoken_session import download
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import WAV

pytestmark = pytest.mark.django_db(transaction=True)
TWO_THINGS = f"{VOTE} {DEBATE}"


@contextmanager
def short_deadline(settings: Settings, fault: Fault) -> Iterator[None]:
    """Ask under the fault's deadline."""
    close_core()
    usual, settings.CORE_TIMEOUT_S = settings.CORE_TIMEOUT_S, fault.deadline_s
    yield
    close_core()
    settings.CORE_TIMEOUT_S = usual


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.name in MET_BY_SESSIONS], ids=lambda fault: fault.name
)
def test_a_fault_makes_a_pending_block_in_time_and_recovery_makes_it_whole(
    minutes: Minutes, remote: Core, fault: Fault, settings: Settings
) -> None:
    speak(minutes, 1, OPENING)
    work_live(minutes)
    speak(minutes, 2, TWO_THINGS)
    remote.behaviour = fault.behaviour
    with short_deadline(settings, fault):
        began = time.monotonic()
        work_live(minutes)
        assert time.monotonic() - began < fault.deadline_s + 2 * GRACE_S
    pending = minutes.blocks()[1]
    assert (pending["type"], pending["status"], pending["text"]) == ("AUDIO_PENDING", "PENDING", TWO_THINGS)
    assert pending["data"]["error_code"] == fault.code
    assert pending["audio"]["sha256"] == minutes.journal()[0].audio_sha256
    remote.behaviour = behave
    speak(minutes, 3, CLOSING)
    finish_jobs()
    blocks = minutes.blocks()
    assert [block["intent"] for block in blocks] == ["OPEN_SESSION", "VOTE", "DEBATE", "CLOSE_SESSION"]
    assert {block["status"] for block in blocks} == {"READY"}
    assert [row.payload["core"] for row in minutes.journal() if row.kind in ("blocks", "recovered")].count(
        "remote"
    ) == 3


def test_the_link_leads_to_the_audio_and_the_context_of_the_place_holds(minutes: Minutes, remote: Core) -> None:
    minutes.set_context(restricted=True, topic="Reserva", speaker="John Mosquera", zone="ZONA_DEBATE")
    remote.behaviour = status(500)
    speak(minutes, 1, DEBATE)
    work_live(minutes)
    (pending,) = minutes.blocks()
    assert download(pending["data"]["fallback_url"]) == (200, WAV)
    said = {name: pending[name] for name in ("restricted", "topic", "speaker", "target_placeholder")}
    assert said == {
        "restricted": True,
        "topic": "Reserva",
        "speaker": "John Mosquera",
        "target_placeholder": "ZONA_DEBATE",
    }


def test_typed_words_go_to_review_as_text(minutes: Minutes, remote: Core) -> None:
    remote.behaviour = status(503)
    minutes.say(1, OPENING)
    finish_jobs()
    (block,) = minutes.blocks()
    assert (block["type"], block["status"], block["text"], block["needs_review"]) == ("TEXT", "READY", OPENING, True)
    assert block["data"] == {"error_code": "core_status"}
    assert minutes.jobs(flow="recover_input") == []


def test_an_unknown_template_is_plain_text_and_a_vote_goes_to_its_table(minutes: Minutes, remote: Core) -> None:
    remote.behaviour = altered(template_id="TPL_DESCONOCIDA", label="De otra parte")
    speak(minutes, 1, DEBATE)
    work_live(minutes)
    remote.behaviour = behave
    speak(minutes, 2, VOTE)
    finish_jobs()
    plain, vote = minutes.blocks()
    assert (plain["type"], plain["status"], plain["template_id"]) == ("TEXT", "READY", None)
    assert (plain["text"], plain["target_placeholder"]) == (DEBATE, "ZONA_VARIOS")
    assert (vote["type"], vote["table_id"], vote["data"]["in_favour"]) == ("TEMPLATE", "TBL_VOTACION", 14)


def test_an_outage_costs_a_few_deadlines_however_long_the_queue(
    minutes: Minutes, remote: Core, settings: Settings
) -> None:
    settings.CORE_BREAKER_FAILURES, settings.CORE_BREAKER_COOL_DOWN_S = 2, 3600
    settings.CORE_TIMEOUT_S = SHORT_S
    for number in range(1, 7):
        speak(minutes, number, f"El barrio pide {number} metros de tubería.")
    remote.behaviour = hang
    work_live(minutes)
    assert len(remote.asked) == 2
    blocks = minutes.blocks()
    assert [block["data"]["error_code"] for block in blocks] == ["core_timeout"] * 2 + ["core_breaker_open"] * 4

    finish_jobs()
    waiting = minutes.jobs(flow="recover_input")
    assert {(job.status, job.attempts, job.error_code) for job in waiting} == {(Status.QUEUED, 0, "step_postponed")}
    assert len(remote.asked) == 2

    remote.behaviour = behave
    redis_client().delete(*redis_client().scan_iter("breaker:*"))  # instead of waiting for an hour
    finish_jobs()
    after = minutes.blocks()
    assert [block["text"] for block in after] == [block["text"] for block in blocks]
    assert {block["status"] for block in after} == {"READY"}


def test_finalize_does_not_wait_and_the_minutes_hold_the_words(minutes: Minutes, remote: Core) -> None:
    remote.behaviour = status(500)
    speak(minutes, 1, TWO_THINGS)
    work_live(minutes)
    closed = minutes.close()
    (block,) = minutes.dump()["blocks"]
    assert (block["type"], block["status"]) == ("AUDIO_PENDING", "PENDING")
    said = minutes.document_text()
    assert "[Transcripción pendiente de revisión: fragmento 1" in said
    assert TWO_THINGS in said
    journal = minutes.kinds()
    remote.behaviour = behave
    finish_jobs()
    job = recovery_of(minutes, 1)
    assert (job.status, job.facts["outcome"]) == (Status.COMPLETED, "session_closed")
    assert minutes.kinds() == journal
    assert minutes.finalize().json()["delivery"]["integrity_hash"] == closed["delivery"]["integrity_hash"]


def test_two_sessions_share_the_breaker(minutes: Minutes, remote: Core, settings: Settings, charlie: Person) -> None:
    settings.CORE_BREAKER_FAILURES, settings.CORE_BREAKER_COOL_DOWN_S = 1, 3600
    other = Minutes.start(charlie, mode="realtime")
    remote.behaviour = status(500)
    for one in (minutes, other):
        speak(one, 1, DEBATE)
        work_live(one)
    assert [one.blocks()[0]["data"]["error_code"] for one in (minutes, other)] == ["core_status", "core_breaker_open"]
