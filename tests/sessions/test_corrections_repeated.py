"""Corrections sent twice, and corrections at the same time: each wish is made once, and one of two wins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from tests.people import Person, client_for
from tests.sessions.clerk import Clerk
from tests.sessions.minutes_client import DEBATE, OPENING, Minutes, finish_jobs
from tests.sessions.problems import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 32
DEADLINE_S = 60.0


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    minutes = Minutes.start(alice)
    for number in range(1, 5):
        minutes.say(number, f"{DEBATE} {OPENING}" if number == 1 else DEBATE)
    finish_jobs()
    return minutes


@pytest.fixture
def clerk(minutes: Minutes) -> Clerk:
    return Clerk(minutes)


def test_a_named_correction_is_made_once_and_answered_always(clerk: Clerk) -> None:
    revision = clerk.revision("2.0")
    first = clerk.call("2.0", "split", revision=revision, at=12, edit_id="cut-1")
    length = len(clerk.minutes.journal())
    clerk.do("2.0", "edit", text="Después.")
    again = clerk.call("2.0", "split", {"Idempotency-Key": "cut-1"}, revision=revision, at=12)
    assert (first.json()["repeated"], again.json()["repeated"]) == (False, True)
    assert again.json() == {**first.json(), "repeated": True}
    assert len(clerk.minutes.journal()) == length + 1
    clerk.minutes.close()
    assert clerk.call("2.0", "split", revision=revision, at=12, edit_id="cut-1").json() == again.json()


def test_one_name_means_one_thing(clerk: Clerk) -> None:
    revision = clerk.revision("2.0")
    clerk.do("2.0", "edit", text="Uno.", edit_id="e")
    refused = clerk.call("2.0", "edit", revision=revision, text="Dos.", edit_id="e")
    assert_problem(refused, 409, "edit_id_reused")
    assert_problem(
        clerk.call("3.0", "edit", revision=clerk.revision("3.0"), text="Uno.", edit_id="e"), 409, "edit_id_reused"
    )
    assert clerk.block("2.0")["text"] == "Uno."


def test_another_session_may_use_the_same_name(clerk: Clerk, alice: Person) -> None:
    clerk.do("2.0", "edit", text="Uno.", edit_id="e")
    other = Clerk(Minutes.start(alice))
    other.minutes.say(1, DEBATE)
    finish_jobs()
    assert other.do("1.0", "edit", text="Dos.", edit_id="e")["repeated"] is False


def all_at_once(person: Person, clerk: Clerk, calls: list[tuple[str, str, dict[str, Any]]]) -> list[int]:
    """Make every call on a thread of its own; return the status codes."""

    def one(call: tuple[str, str, dict[str, Any]]) -> int:
        block_id, verb, fields = call
        try:
            theirs = Clerk(Minutes(client_for(person), clerk.minutes.session_id))
            return int(theirs.call(block_id, verb, **fields).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls, timeout=DEADLINE_S))


def test_of_many_corrections_of_one_block_exactly_one_is_made(clerk: Clerk, alice: Person) -> None:
    revision = clerk.revision("2.0")
    length = len(clerk.minutes.journal())
    calls = [("2.0", "edit", {"revision": revision, "text": f"Versión {n}."}) for n in range(AT_ONCE)]
    statuses = all_at_once(alice, clerk, calls)
    assert sorted(statuses) == [200] + [409] * (AT_ONCE - 1)
    assert clerk.block("2.0")["text"] == f"Versión {statuses.index(200)}."
    assert len(clerk.minutes.journal()) == length + 1


def test_one_wish_sent_by_many_at_once_is_made_once(clerk: Clerk, alice: Person) -> None:
    revision = clerk.revision("2.0")
    length = len(clerk.minutes.journal())
    wish = ("2.0", "edit", {"revision": revision, "text": "Una vez.", "edit_id": "once"})
    assert all_at_once(alice, clerk, [wish] * 8) == [200] * 8
    assert len(clerk.minutes.journal()) == length + 1


def test_corrections_of_different_blocks_do_not_hinder_each_other(clerk: Clerk, alice: Person) -> None:
    calls = [(f"{n}.0", "edit", {"revision": clerk.revision(f"{n}.0"), "text": f"Texto {n}."}) for n in (1, 2, 3, 4)]
    calls.append(("1.1", "restrict", {"revision": clerk.revision("1.1"), "restricted": True}))
    assert all_at_once(alice, clerk, calls) == [200] * 5
    assert [text for text in clerk.texts() if text.startswith("Texto")] == [f"Texto {n}." for n in (1, 2, 3, 4)]
    assert clerk.block("1.1")["restricted"]
