"""Who corrected what and when: for one block, for a session, and for those who watch."""

from __future__ import annotations

from typing import Any

import pytest

from astra_site.lib.tenancy import tenant_scope
from sessions_app.projection import place_of
from sessions_app.services.events import event_of
from tests.people import Person, client_for
from tests.sessions.clerk import Clerk
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, Minutes, finish_jobs
from tests.sessions.problems import assert_problem
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clerk(alice: Person) -> Clerk:
    minutes = Minutes.start(alice)
    for number, text in enumerate((OPENING, DEBATE, CLOSING), 1):
        minutes.say(number, text)
    finish_jobs()
    return Clerk(minutes)


def operations(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [revision["operation"] for revision in answer.json()]


def test_a_block_tells_who_changed_it_and_how(clerk: Clerk, bob: Person) -> None:
    clerk.do("2.0", "edit", text="Uno.", edit_id="mine")
    Clerk(Minutes(client_for(bob), clerk.minutes.session_id)).do("2.0", "restrict", restricted=True)
    made, edited, restricted = clerk.history("2.0").json()
    assert (made["operation"], made["actor"], made["after"][0]["text"]) == ("blocks", None, DEBATE)
    assert (edited["operation"], edited["actor"], edited["edit_id"]) == ("edit", "alice", "mine")
    assert (edited["before"][0]["text"], edited["after"][0]["text"]) == (DEBATE, "Uno.")
    assert (restricted["actor"], restricted["after"][0]["restricted"]) == ("bob", True)
    assert edited["at"] <= restricted["at"]
    assert [made["number"], edited["number"]] == [block["revision"] for block in (made["after"][0], edited["after"][0])]


def test_a_piece_remembers_what_it_was_cut_from_and_a_whole_both_its_parts(clerk: Clerk) -> None:
    clerk.do("2.0", "edit", text="Primero esto. Luego aquello.")
    piece = clerk.do("2.0", "split", at=14)["blocks"][1]["block_id"]
    clerk.do("2.0", "edit", text="Solo del primero. ")
    assert operations(clerk.history(piece)) == ["blocks", "edit", "split"]
    clerk.merge("2.0", piece)
    assert operations(clerk.history("2.0")) == ["blocks", "edit", "split", "edit", "merge"]
    assert operations(clerk.history(piece))[-1] == "merge"


def test_an_image_has_a_history(clerk: Clerk) -> None:
    clerk.minutes.show_image(png(), caption="Plano")
    clerk.do("3.100001", "edit", text="Plano nuevo")
    assert operations(clerk.history("3.100001")) == ["asset", "edit"]


@pytest.mark.parametrize("block_id", ["9.0", "2.5", "2.200001", "nonsense", "1.0.0"])
def test_a_block_that_never_was_has_none(clerk: Clerk, block_id: str) -> None:
    assert_problem(clerk.history(block_id), 404, "block_not_found")
    assert_problem(clerk.minutes.api.get(clerk.minutes.url(f"blocks/{block_id}")), 404, "block_not_found")


def test_the_sessions_corrections_come_in_pages(clerk: Clerk) -> None:
    for number in range(5):
        clerk.do("2.0", "edit", text=f"Versión {number}.")
    first = clerk.edits(limit=3).json()
    rest = clerk.edits(limit=3, after=first["next_after"]).json()
    assert [edit["after"][0]["text"][8] for edit in (*first["edits"], *rest["edits"])] == list("01234")
    assert rest["next_after"] is None
    assert_problem(clerk.edits(limit=0), 400, "input_invalid")
    assert_problem(clerk.edits(after=-1), 400, "input_invalid")


def test_whoever_follows_every_event_has_the_blocks(clerk: Clerk, alice: Person) -> None:
    clerk.do("3.0", "move", before="1.0")
    piece = clerk.do("2.0", "split", at=12)["blocks"][1]["block_id"]
    clerk.do("2.0", "edit", text="Otra cosa.")
    clerk.merge("2.0", piece)
    live: dict[str, dict[str, Any]] = {}
    with tenant_scope(alice.tenant_id):
        session = clerk.minutes.row()
        events = [event_of(row, session).to_json() for row in clerk.minutes.journal()]
    for event in events:
        for block_id in event.get("removed", ()):
            del live[block_id]
        live |= {block["block_id"]: block for block in event.get("blocks", ())}
    assert sorted(live.values(), key=place_of) == clerk.minutes.blocks()
    merge = events[-1]
    assert (merge["type"], merge["operation"], merge["actor"], merge["removed"]) == ("edit", "merge", "alice", [piece])
    assert "before" not in merge
