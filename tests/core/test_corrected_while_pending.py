"""A clerk at work while CORE is down: what she typed stands, what she only said of a passage holds for its words."""

from __future__ import annotations

import pytest

from tests.core.speech import recovery_of, speak, work_live
from tests.doubles.misbehaving_core import Core, behave, status
from tests.sessions.clerk import Clerk
from tests.sessions.minutes_client import CLOSING, DEBATE, VOTE, Minutes, finish_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clerk(minutes: Minutes, remote: Core) -> Clerk:
    """In front of three passages that nobody could understand."""
    remote.behaviour = status(500)
    for number, text in enumerate((VOTE, DEBATE, CLOSING), start=1):
        speak(minutes, number, text)
    work_live(minutes)
    assert {block["type"] for block in minutes.blocks()} == {"AUDIO_PENDING"}
    return Clerk(minutes)


def recover(clerk: Clerk, remote: Core) -> None:
    remote.behaviour = behave
    finish_jobs(40)


def test_typed_words_stand_and_cost_no_recovery(clerk: Clerk, remote: Core) -> None:
    clerk.do("2.0", "edit", text="Lo que yo oí.")
    recover(clerk, remote)
    assert clerk.block("2.0")["text"] == "Lo que yo oí."
    recovered = {row.sequence_id for row in clerk.minutes.journal() if row.kind == "recovered"}
    assert recovered == {1, 3}
    assert recovery_of(clerk.minutes, 2).status == "COMPLETED"
    clerk.minutes.close()
    assert "Lo que yo oí." in clerk.minutes.document_text()


def test_a_restriction_and_a_place_hold_for_the_words_found_later(clerk: Clerk, remote: Core) -> None:
    clerk.do("3.0", "restrict", restricted=True)
    clerk.do("3.0", "move", before="1.0")
    clerk.do("3.0", "edit", topic="Reserva")
    recover(clerk, remote)
    found = clerk.minutes.blocks()
    assert [block["sequence_id"] for block in found] == [3, 1, 2]
    assert (found[0]["intent"], found[0]["restricted"], found[0]["topic"]) == ("CLOSE_SESSION", True, "Reserva")
    clerk.minutes.close()
    assert clerk.minutes.dump()["blocks"][0]["restricted"]


def test_pending_passages_are_not_joined_nor_cut(clerk: Clerk) -> None:
    revision = {name: clerk.revision(name) for name in ("1.0", "2.0")}
    joined = clerk.call("1.0", "merge", revision=revision["1.0"], other_block_id="2.0", other_revision=revision["2.0"])
    cut = clerk.call("1.0", "split", revision=revision["1.0"], at=5)
    assert [answer.json()["code"] for answer in (joined, cut)] == ["block_without_text"] * 2


def test_a_correction_based_on_the_pending_block_meets_the_words(clerk: Clerk, remote: Core) -> None:
    stale = clerk.revision("2.0")
    recover(clerk, remote)
    refused = clerk.call("2.0", "edit", revision=stale, text="Tarde.")
    assert refused.json()["code"] == "block_changed"
    assert refused.json()["details"]["block"]["text"] == DEBATE
