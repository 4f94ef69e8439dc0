"""Corrections that can't be made: each says why, shows what is there now, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import Person, client_for
from tests.sessions.clerk import Clerk
from tests.sessions.minutes_client import DEBATE, OPENING, VOTE, Minutes, finish_jobs, world
from tests.sessions.problems import assert_problem
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)
EMOJI = "Gracias 👍🏽 a los vecinos del barrio."


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    minutes = Minutes.start(alice)
    for number, text in enumerate((OPENING, DEBATE, EMOJI, VOTE), 1):
        minutes.say(number, text)
    finish_jobs()
    return minutes


@pytest.fixture
def clerk(minutes: Minutes) -> Clerk:
    return Clerk(minutes)


REFUSED: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("2.0", "edit", {}, 400, "edit_empty"),
    ("2.0", "edit", {"text": "x" * 20_001}, 400, "input_invalid"),
    ("2.0", "edit", {"speaker": "x" * 201}, 400, "input_invalid"),
    ("2.0", "edit", {"text": None}, 400, "input_invalid"),
    ("2.0", "edit", {"text": "a\x00b"}, 400, "parse_error"),
    ("2.0", "edit", {"text": "x", "edit_id": "with space"}, 400, "edit_id_invalid"),
    ("2.0", "edit", {"text": "x", "revision": 0}, 400, "input_invalid"),
    ("2.0", "edit", {"text": "x", "revision": 2**63}, 400, "parse_error"),
    ("2.0", "edit", {"text": "x", "revision": None}, 400, "input_invalid"),
    ("2.0", "split", {"at": 0}, 400, "split_outside_text"),
    ("2.0", "split", {"at": len(DEBATE)}, 400, "split_outside_text"),
    ("2.0", "split", {"at": 20_000}, 400, "split_outside_text"),
    ("2.0", "split", {"at": -1}, 400, "input_invalid"),
    ("2.0", "split", {"at": 2**70}, 400, "parse_error"),
    ("3.0", "split", {"at": EMOJI.index("👍") + 1}, 400, "split_inside_character"),
    ("1.0", "merge", {"other_block_id": "3.0", "other_revision": 0}, 400, "input_invalid"),
    ("2.0", "merge", {"other_block_id": "2.0", "other_revision": 1}, 400, "block_named_twice"),
    ("2.0", "merge", {"other_block_id": "9.9", "other_revision": 1}, 404, "block_not_found"),
    ("2.0", "merge", {"other_block_id": "3.0", "other_revision": 1, "joined_by": "<br>"}, 400, "input_invalid"),
    ("2.0", "move", {}, 400, "move_ambiguous"),
    ("2.0", "move", {"after": "1.0", "before": "3.0"}, 400, "move_ambiguous"),
    ("2.0", "move", {"after": "2.0"}, 400, "block_named_twice"),
    ("2.0", "move", {"after": "7.0"}, 404, "block_not_found"),
    ("2.0", "move", {"after": "../../1.0"}, 404, "block_not_found"),
    ("2.0", "retype", {}, 400, "retype_empty"),
    ("2.0", "retype", {"intent": "SPEECH"}, 400, "intent_unknown"),
    ("2.0", "retype", {"template_id": "TPL_FREMD"}, 400, "template_unknown"),
    ("2.0", "retype", {"zone": "ZONA_QUE_NO_EXISTE"}, 400, "zone_unknown"),
    ("2.0", "retype", {"zone": "TBL_VOTACION"}, 400, "zone_unknown"),
    ("2.0", "retype", {"intent": "VOTE", "data": {"in_favour": "muchos"}}, 400, "data_invalid"),
    ("2.0", "restrict", {}, 400, "input_invalid"),
    ("2.0", "restrict", {"restricted": "perhaps"}, 400, "input_invalid"),
    ("9.0", "edit", {"text": "x"}, 404, "block_not_found"),
    ("2.77", "edit", {"text": "x"}, 404, "block_not_found"),
    ("abc", "edit", {"text": "x"}, 404, "block_not_found"),
    ("\u0663.\u0660", "edit", {"text": "x"}, 404, "block_not_found"),
    ("99999999999999999999.0", "edit", {"text": "x"}, 404, "block_not_found"),
]


def test_what_is_wrong_is_said_and_changes_nothing(
    minutes: Minutes, clerk: Clerk, alice: Person, subtests: pytest.Subtests
) -> None:
    before = world(alice.tenant_id)
    revisions = {block["block_id"]: block["revision"] for block in minutes.blocks()}
    for block_id, verb, fields, status, code in REFUSED:
        with subtests.test(verb=verb, code=code):
            answer = clerk.call(block_id, verb, **{"revision": revisions.get(block_id, 1), **fields})
            assert_problem(answer, status, code)
    assert world(alice.tenant_id) == before


def test_a_correction_says_what_it_is_based_on(clerk: Clerk) -> None:
    refused = clerk.call("2.0", "edit", text="x")
    assert_problem(refused, 400, "revision_missing")
    assert refused.json()["details"] == {"block_ids": ["2.0"]}
    assert_problem(clerk.call("2.0", "edit", {"If-Match": "*"}, text="x"), 400, "revision_invalid")


EVERY_OPERATION: list[tuple[str, dict[str, Any]]] = [
    ("edit", {"text": "x"}),
    ("split", {"at": 4}),
    ("merge", {"other_block_id": "3.0", "other_revision": 8}),
    ("move", {"after": "3.0"}),
    ("retype", {"intent": "DEBATE"}),
    ("restrict", {"restricted": True}),
]


def test_a_stale_revision_is_shown_the_block_as_it_is_now(clerk: Clerk, subtests: pytest.Subtests) -> None:
    stale = clerk.revision("2.0")
    clerk.do("2.0", "edit", text="Alguien fue más rápido.")
    for verb, fields in EVERY_OPERATION:
        with subtests.test(verb=verb):
            refused = clerk.call("2.0", verb, **{"revision": stale, **fields})
            assert_problem(refused, 409, "block_changed")
            assert refused.json()["details"]["block"] == clerk.block("2.0")
            assert_problem(clerk.call("2.0", verb, {"If-Match": f'"{stale}"'}, **fields), 409, "block_changed")


def test_a_merge_is_refused_when_the_neighbour_changed(clerk: Clerk) -> None:
    stale = clerk.revision("3.0")
    clerk.do("3.0", "edit", text="Aprobado.")
    answer = clerk.call("2.0", "merge", revision=clerk.revision("2.0"), other_block_id="3.0", other_revision=stale)
    assert_problem(answer, 409, "block_changed")
    assert answer.json()["details"]["block"]["text"] == "Aprobado."


def test_a_block_that_was_put_into_another_says_into_which(clerk: Clerk) -> None:
    stale = clerk.revision("3.0")
    clerk.merge("2.0", "3.0")
    refused = clerk.call("3.0", "edit", revision=stale, text="x")
    assert_problem(refused, 409, "block_changed")
    details = refused.json()["details"]
    assert details["block"] is None
    assert details["replaced_by"] == [clerk.block("2.0")]


def test_only_neighbours_are_put_together(clerk: Clerk) -> None:
    fields: dict[str, Any] = {"other_block_id": "3.0", "other_revision": clerk.revision("3.0")}
    assert_problem(clerk.call("1.0", "merge", revision=clerk.revision("1.0"), **fields), 409, "blocks_not_neighbours")
    clerk.minutes.show_image(png(), after_sequence_id=2)
    assert_problem(clerk.call("2.0", "merge", revision=clerk.revision("2.0"), **fields), 409, "blocks_not_neighbours")


def test_audio_in_work_is_not_corrected(minutes: Minutes, clerk: Clerk) -> None:
    minutes.say(5, DEBATE)
    assert clerk.block("5.0")["status"] == "PROCESSING"
    for verb, fields in (("edit", {"text": "x"}), ("move", {"before": "1.0"}), ("restrict", {"restricted": True})):
        refused = clerk.call("5.0", verb, revision=clerk.revision("5.0"), **fields)
        assert_problem(refused, 409, "block_processing")


def test_sealed_minutes_are_not_corrected(minutes: Minutes, clerk: Clerk) -> None:
    revision = clerk.revision("2.0")
    done = clerk.do("3.0", "edit", text="Aprobado.", edit_id="mine")
    minutes.close()
    answer = clerk.call("2.0", "edit", revision=revision, text="x")
    assert_problem(answer, 409, "session_not_open")
    assert answer.json()["details"]["state"] == "CLOSED"
    repeated = clerk.call("3.0", "edit", revision=done["number"] - 2, text="Aprobado.", edit_id="mine")
    assert repeated.status_code in (200, 409)


def test_the_outsider_learns_nothing(minutes: Minutes, alice: Person, charlie: Person) -> None:
    before = world(alice.tenant_id)
    theirs = Clerk(Minutes(client_for(charlie), minutes.session_id))
    for verb, fields in (("edit", {"text": "x"}), ("restrict", {"restricted": False})):
        assert_problem(theirs.call("2.0", verb, revision=1, **fields), 403, "session_of_another_tenant")
    assert_problem(theirs.history("2.0"), 403, "session_of_another_tenant")
    assert_problem(theirs.edits(), 403, "session_of_another_tenant")
    assert world(alice.tenant_id) == before


def test_reading_and_correcting_are_two_permissions(minutes: Minutes, alice: Person) -> None:
    reader = Clerk(Minutes(client_for(alice, "sessions:read"), minutes.session_id))
    assert reader.history("2.0").status_code == 200
    assert reader.call("2.0", "edit", revision=reader.revision("2.0"), text="x").status_code == 403
