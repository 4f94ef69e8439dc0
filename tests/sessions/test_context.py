"""The context holds for the inputs that follow it, in whatever order they arrive."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.people import Person
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, Minutes, finish_jobs
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


def test_a_zone_that_the_skeleton_lacks_loses_no_text(minutes: Minutes) -> None:
    minutes.set_context(zone="ZONA_QUE_NO_EXISTE")
    minutes.say(1, DEBATE)
    minutes.close()
    produced = minutes.jobs(flow="produce_minutes")[0]
    assert [item["block_id"] for item in produced.facts["unplaced"]] in ([], ["1.0"])
    assert minutes.dump()["blocks"][0]["text"] == DEBATE
