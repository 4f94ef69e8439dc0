"""The context holds for the inputs that follow it, in whatever order they arrive."""

from __future__ import annotations

from itertools import permutations
from random import Random
from typing import Any

import pytest

from astra_site.lib.tenancy import tenant_scope
from sessions_app.errors import ContextInvalid
from sessions_app.services.sessions import change_context
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, Minutes, finish_jobs
from tests.sessions.problems import assert_problem
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)
GRANTED = "Tiene la palabra el concejal Héctor Zapata."
OTHER_DEBATE = "El alcantarillado del barrio sigue inundado."


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice)


def speakers(minutes: Minutes) -> list[tuple[int, str | None]]:
    finish_jobs()
    return [(block["sequence_id"], block["speaker"]) for block in minutes.blocks()]


@pytest.mark.parametrize("arrival", list(permutations([3, 4, 5])))
def test_a_speaker_holds_for_the_numbers_after_it(minutes: Minutes, arrival: tuple[int, ...]) -> None:
    minutes.say(2, DEBATE)
    changed = minutes.set_context(speaker="Concejala María Ospina")
    assert (changed.status_code, changed.json()["from_sequence_id"]) == (200, 3)
    for number in arrival:
        minutes.say(number, OTHER_DEBATE)
    minutes.say(1, OPENING)
    ospina = "Concejala María Ospina"
    assert speakers(minutes) == [(1, None), (2, None), (3, ospina), (4, ospina), (5, ospina)]


def test_the_newest_speaker_wins_and_nobody_ends_a_turn(minutes: Minutes) -> None:
    minutes.set_context(speaker="A")
    minutes.set_context(speaker="B")
    minutes.say(1, DEBATE)
    minutes.set_context(speaker=None)
    minutes.say(2, OTHER_DEBATE)
    assert speakers(minutes) == [(1, "B"), (2, None)]


def test_a_spoken_turn_beats_an_older_explicit_speaker_and_loses_to_a_newer(minutes: Minutes) -> None:
    minutes.set_context(speaker="Secretaria")
    minutes.say(1, DEBATE)
    minutes.say(2, GRANTED)
    minutes.say(3, OTHER_DEBATE)
    minutes.set_context(speaker="Gloria Murillo")
    minutes.say(4, OTHER_DEBATE)
    finish_jobs()
    heard = {block["sequence_id"]: block["speaker"] for block in minutes.blocks()}
    assert heard[1] == "Secretaria"
    assert "Zapata" in str(heard[3])
    assert heard[4] == "Gloria Murillo"


@pytest.mark.parametrize("change", [{"topic": "Acueducto"}, {"restricted": True}, {"zone": "ZONA_DEBATE"}])
def test_a_change_that_names_no_speaker_leaves_the_floor(minutes: Minutes, change: dict[str, object]) -> None:
    minutes.say(1, GRANTED)
    minutes.set_context(**change)
    minutes.say(2, OTHER_DEBATE)
    assert "Zapata" in str(dict(speakers(minutes))[2])


def test_only_the_given_fields_change(minutes: Minutes) -> None:
    minutes.set_context(speaker="A", topic="Presupuesto", restricted=True)
    changed = minutes.set_context(topic="Vías").json()
    assert (changed["speaker"], changed["topic"], changed["restricted"]) == ("A", "Vías", True)


def test_topic_zone_and_restriction_reach_the_blocks(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    minutes.set_context(topic="Reserva", zone="ZONA_VARIOS", restricted=True)
    minutes.say(2, DEBATE)
    minutes.show_image(png())
    minutes.set_context(topic=None, zone=None, restricted=False)
    minutes.say(3, CLOSING)
    minutes.show_image(png(colour="red"))
    finish_jobs()
    found = {block["block_id"]: block for block in minutes.blocks()}
    assert (found["2.0"]["topic"], found["2.0"]["target_placeholder"]) == ("Reserva", "ZONA_VARIOS")
    assert found["3.0"]["topic"] is None
    flags = {name: block["restricted"] for name, block in found.items()}
    assert flags == {"1.0": False, "2.0": True, "2.100001": True, "3.0": False, "3.100002": False}
    minutes.close()
    assert {block["block_id"]: block["restricted"] for block in minutes.dump()["blocks"]} == flags


def test_a_zone_that_the_skeleton_lacks_is_said_at_once(minutes: Minutes) -> None:
    refused = minutes.set_context(zone="ZONA_QUE_NO_EXISTE")
    assert_problem(refused, 400, "zone_unknown")
    assert "ZONA_DEBATE" in refused.json()["details"]["zones"]
    assert minutes.kinds() == []


def said(minutes: Minutes) -> dict[int, tuple[str | None, str | None, bool]]:
    finish_jobs()
    return {block["sequence_id"]: (block["speaker"], block["topic"], block["restricted"]) for block in minutes.blocks()}


IN_ORDER: list[tuple[str, Any]] = [
    ("context", {"topic": "Presupuesto", "from_sequence_id": 1}),
    ("say", 1),
    ("context", {"speaker": "A", "from_sequence_id": 2}),
    ("say", 2),
    ("context", {"restricted": True, "from_sequence_id": 3}),
    ("say", 3),
    ("context", {"speaker": None, "restricted": False, "from_sequence_id": 4}),
    ("say", 4),
    ("context", {"topic": None, "speaker": "B", "from_sequence_id": 5}),
    ("say", 5),
]
MEANT = {
    1: (None, "Presupuesto", False),
    2: ("A", "Presupuesto", False),
    3: ("A", "Presupuesto", True),
    4: (None, "Presupuesto", False),
    5: ("B", None, False),
}


def tell(minutes: Minutes, what: str, how: Any) -> Any:
    return minutes.say(how, OTHER_DEBATE) if what == "say" else minutes.set_context(**how)


def test_contexts_and_inputs_in_order(minutes: Minutes) -> None:
    for what, how in IN_ORDER:
        assert tell(minutes, what, how).status_code in (200, 202)
    assert said(minutes) == MEANT


@pytest.mark.parametrize("seed", range(5))
def test_with_their_numbers_contexts_come_in_any_order(minutes: Minutes, seed: int) -> None:
    """Whatever comes first: contexts among each other, before and after the inputs, with work done between."""
    chance = Random(seed)  # shuffles a test
    rest = [one for one in IN_ORDER if one != ("say", 1)]
    chance.shuffle(rest)
    for what, how in rest:
        assert tell(minutes, what, how).status_code in (200, 202)
        if chance.random() < 0.3:
            finish_jobs()
    assert all(block["status"] == "PROCESSING" for block in minutes.blocks())
    minutes.say(1, OTHER_DEBATE)
    assert said(minutes) == MEANT


def test_a_context_for_what_is_all_there_is_refused(minutes: Minutes) -> None:
    for number in (1, 2, 4):
        minutes.say(number, DEBATE)
    refused = minutes.set_context(topic="Tarde", from_sequence_id=2)
    assert_problem(refused, 409, "context_too_late")
    assert minutes.set_context(topic="A tiempo", from_sequence_id=4).status_code == 200
    minutes.say(3, DEBATE)
    assert {number: topic for number, (_, topic, _) in said(minutes).items()} == {
        1: None,
        2: None,
        3: None,
        4: "A tiempo",
    }


CAN_NOT_HOLD: list[tuple[dict[str, Any], int, str]] = [
    ({}, 400, "context_empty"),
    ({"from_sequence_id": 3}, 400, "context_empty"),
    ({"topic": "x", "from_sequence_id": 0}, 400, "input_invalid"),
    ({"topic": "x", "from_sequence_id": 10_001}, 400, "sequence_id_too_far"),
    ({"topic": "x", "from_sequence_id": 2**31}, 400, "input_invalid"),
    ({"topic": "x" * 301}, 400, "input_invalid"),
    ({"speaker": "a\x00b"}, 400, "parse_error"),
    ({"zone": "TBL_VOTACION"}, 400, "zone_unknown"),
    ({"zone": "zona"}, 400, "input_invalid"),
    ({"restricted": "perhaps"}, 400, "input_invalid"),
]


def test_a_context_that_can_not_hold_is_refused(minutes: Minutes, subtests: pytest.Subtests) -> None:
    for fields, status, code in CAN_NOT_HOLD:
        with subtests.test(code=code):
            assert_problem(minutes.set_context(**fields), status, code)
    assert minutes.kinds() == []


def test_the_service_itself_refuses_what_no_transport_should_send(minutes: Minutes, alice: Person) -> None:
    session_id = minutes.row().id
    for changes in ({"speaker": 7}, {"restricted": 1}, {"topic": "a\ud800"}, {"mood": "x"}, {}):
        with tenant_scope(alice.tenant_id), pytest.raises(ContextInvalid):
            change_context(session_id, actor="x", changes=changes)


def test_a_draining_session_takes_a_context_for_what_it_waits_for_only(minutes: Minutes) -> None:
    minutes.say(1, DEBATE)
    minutes.say(4, CLOSING)
    minutes.finalize()
    assert_problem(minutes.set_context(speaker="Z"), 409, "session_not_open")
    assert_problem(minutes.set_context(speaker="Z", from_sequence_id=5), 409, "session_not_open")
    assert_problem(minutes.set_context(speaker="Z", from_sequence_id=1), 409, "context_too_late")
    assert minutes.set_context(speaker="Z", from_sequence_id=3).status_code == 200
    minutes.say(2, OTHER_DEBATE)
    minutes.say(3, OTHER_DEBATE)
    minutes.close()
    heard = {block["sequence_id"]: block["speaker"] for block in minutes.dump()["blocks"]}
    assert (heard[2], heard[3]) == (None, "Z")


def test_many_contexts_cost_no_more_than_one(minutes: Minutes) -> None:
    for number in range(60):
        minutes.set_context(topic=f"Punto {number}", restricted=bool(number % 2))
    minutes.say(1, DEBATE)
    assert said(minutes)[1][1:] == ("Punto 59", True)
