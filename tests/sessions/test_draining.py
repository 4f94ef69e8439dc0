"""Finalizing before everything is there: what is missing is named, may still come, or is given up on purpose."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from astra_site.lib.tenancy import tenant_scope
from jobs import services as jobs
from sessions_app.models import Session
from sessions_app.services import understand
from sessions_app.services.finalize import advance
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.problems import assert_problem
from tests.sessions.samples import WAV

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice)


def test_missing_numbers_are_reported_and_can_still_come(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    minutes.say(4, CLOSING)
    finish_jobs()
    draining = minutes.finalize()
    assert (draining.status_code, draining.json()["is_draining"]) == (202, True)
    assert draining.json()["drain"] == {"pending": [4], "pending_count": 1, "missing": [2, 3], "missing_count": 2}
    assert_problem(minutes.say(5, DEBATE), 409, "session_not_open")
    assert_problem(minutes.set_context(topic="tarde"), 409, "session_not_open")
    assert minutes.say(3, VOTE).status_code == 202
    finish_jobs()
    assert minutes.show()["drain"] == {"pending": [3, 4], "pending_count": 2, "missing": [2], "missing_count": 1}
    assert minutes.say(2, DEBATE).status_code == 202
    finish_jobs()
    assert minutes.finalize().json()["state"] == "CLOSED"
    assert [block["sequence_id"] for block in minutes.dump()["blocks"]] == [1, 2, 3, 4]


def test_the_last_input_closes_the_session_without_another_call(minutes: Minutes) -> None:
    minutes.say(2, CLOSING)
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "DRAINING"
    minutes.say(1, OPENING)
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


def test_accepted_gaps_go_on_without_the_missing(minutes: Minutes) -> None:
    minutes.say(2, OPENING)
    minutes.say(5, CLOSING)
    finish_jobs()
    assert minutes.finalize().json()["state"] == "DRAINING"
    accepted = minutes.finalize(accept_gaps=True)
    assert accepted.json()["state"] == "BUILDING"
    finish_jobs()
    assert minutes.finalize().json()["state"] == "CLOSED"
    noted = [(block["sequence_id"], block["type"]) for block in minutes.dump()["blocks"]]
    assert noted == [(1, "SYSTEM_NOTE"), (2, "TEMPLATE"), (3, "SYSTEM_NOTE"), (5, "TEMPLATE")]


def test_once_gaps_are_accepted_nothing_more_is_taken_and_nothing_hangs(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    minutes.say(3, VOTE)
    finish_jobs()
    minutes.send_audio(4, WAV)
    assert minutes.finalize(accept_gaps=True).json()["state"] == "DRAINING"
    assert_problem(minutes.say(2, DEBATE), 409, "session_not_open")
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


def test_a_finalize_that_is_overtaken_is_told_how_things_stand(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes.say(1, OPENING)
    minutes.say(3, VOTE)
    finish_jobs()
    assert minutes.finalize().json()["drain"]["missing"] == [2]
    understand_one = understand._understand
    overtaken: list[UUID] = []

    def overtake(session: Session, *place: Any) -> Any:
        if not overtaken:
            overtaken.append(session.id)
            assert advance(session.id)
        return understand_one(session, *place)

    monkeypatch.setattr(understand, "_understand", overtake)
    answer = minutes.finalize(accept_gaps=True)
    assert (answer.status_code, answer.json()["state"]) == (202, "BUILDING")
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


def test_an_input_that_waits_for_its_words_holds_the_session(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    waiting = minutes.finalize()
    assert waiting.json()["drain"] == {"pending": [1], "pending_count": 1, "missing": [], "missing_count": 0}
    finish_jobs()
    assert minutes.finalize().json()["state"] == "CLOSED"


def test_a_long_list_of_missing_numbers_is_cut_but_counted(minutes: Minutes) -> None:
    minutes.say(1000, CLOSING)
    drain = minutes.finalize().json()["drain"]
    assert (drain["missing"], drain["missing_count"]) == (list(range(1, 101)), 999)


def test_a_session_of_nothing_but_an_image_can_be_closed(minutes: Minutes) -> None:
    minutes.set_context(topic="Sin quórum")
    assert minutes.close()["delivery"]


def test_cancelling_a_text_job_does_not_lose_the_text(minutes: Minutes, alice: Person) -> None:
    minutes.say(1, OPENING)
    with tenant_scope(alice.tenant_id):
        jobs.cancel(minutes.jobs()[0].id)
    minutes.close()
    assert [block["text"] for block in minutes.dump()["blocks"]] == [OPENING]
