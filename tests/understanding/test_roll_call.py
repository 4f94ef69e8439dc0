"""The roll call: names and answers in one utterance, in two, and across calls."""

from __future__ import annotations

import pytest

from sessions_app.understanding.types import Intent
from tests.understanding.conftest import Dialogue

ORDER = "Señor secretario, sírvase llamar a lista."


def test_name_and_answer_by_two_speakers(dialogue: Dialogue) -> None:
    results = dialogue.say(ORDER, "Concejal John Mosquera.", "Presente.", "Concejala Luz Dary Palacios.", "Presente.")
    assert {result.intent for result in results} == {Intent.ROLL_CALL}
    assert dialogue.attendance() == {"John Mosquera": "present", "Luz Dary Palacios": "present"}
    assert not any(result.needs_review for result in results)


@pytest.mark.parametrize(
    ("text", "name", "presence"),
    [
        ("Concejala Luz Dary Palacios, presente.", "Luz Dary Palacios", "present"),
        ("Concejal Hernán Ospina, ausente", "Hernán Ospina", "absent"),
        ("Concejal Hernán Ospina, excusado", "Hernán Ospina", "excused"),
        ("Concejal Hernán Ospina, ausente con excusa.", "Hernán Ospina", "excused"),
        ("Concejal Hernán Ospina presentó excusa.", "Hernán Ospina", "excused"),
        ("Concejal Ospina. No contesta.", "Hernán Ospina", "absent"),
        ("Honorable concejal Tomás Viáfara, aquí presente.", "Tomás Viáfara", "present"),
        ("concejala nubia lucumi presente", "Nubia Lucumí", "present"),
        ("Consejal Jhon Mosqera, prezente.", "John Mosquera", "present"),
        ("Concejal Rigoberto Caicedo, presente.", "Rigoberto Caicedo", "present"),
        ("Milton Cuero. Con incapacidad médica.", "Milton Cuero", "excused"),
    ],
)
def test_name_and_answer_in_one_utterance(dialogue: Dialogue, text: str, name: str, presence: str) -> None:
    dialogue.say(ORDER, text)
    assert dialogue.attendance() == {name: presence}


def test_a_whole_list_in_one_segment(dialogue: Dialogue) -> None:
    dialogue.say(
        ORDER,
        "Concejala Marta Agudelo, presente. Concejal Fabio Alzate. Presente. Concejal Milton Cuero. Ausente. "
        "Concejala Yolanda Riascos, con excusa.",
    )
    assert dialogue.attendance() == {
        "Marta Agudelo": "present",
        "Fabio Alzate": "present",
        "Milton Cuero": "absent",
        "Yolanda Riascos": "excused",
    }


def test_without_punctuation(dialogue: Dialogue) -> None:
    dialogue.say(ORDER, "concejala marta agudelo presente concejal fabio alzate presente concejal milton cuero ausente")
    assert dialogue.attendance() == {"Marta Agudelo": "present", "Fabio Alzate": "present", "Milton Cuero": "absent"}


def test_an_excuse_given_after_absent_belongs_to_the_same_name(dialogue: Dialogue) -> None:
    dialogue.say(ORDER, "Concejal Fabio Alzate.", "Ausente.", "Presentó excusa.")
    assert dialogue.attendance() == {"Fabio Alzate": "excused"}


def test_a_name_without_an_answer_is_left_out_and_marked(dialogue: Dialogue) -> None:
    results = dialogue.say(ORDER, "Concejal Fabio Alzate.", "Concejala Marta Agudelo.", "Presente.")
    assert dialogue.attendance() == {"Marta Agudelo": "present"}
    assert results[2].needs_review


def test_an_answer_without_a_name_is_marked(dialogue: Dialogue) -> None:
    answer = dialogue.say(ORDER, "Presente.")[-1]
    assert answer.intent is Intent.ROLL_CALL
    assert answer.structured_data == {"attendance": []}
    assert answer.needs_review


def test_after_the_quorum_names_are_no_roll_call(dialogue: Dialogue) -> None:
    dialogue.say(ORDER, "Concejal Fabio Alzate.", "Presente.", "Señor presidente, hay quórum decisorio.")
    (talk,) = dialogue.say("Concejal Alzate, la comunidad espera su respuesta sobre el acueducto.")
    assert talk.intent is Intent.DEBATE
    assert not dialogue.context.roll_call_is_open


def test_a_number_of_persons_present_is_no_answer(dialogue: Dialogue) -> None:
    dialogue.say(ORDER, "Concejal Fabio Alzate.", "Hay nueve concejales presentes, existe quórum.")
    assert dialogue.attendance() == {}


def test_a_namesake_surname_stays_as_it_was_said() -> None:
    talk = Dialogue()
    talk.tenant = type(talk.tenant)(members=("María Ospina", "Hernán Ospina"))
    talk.say(ORDER, "Concejal Ospina, presente.")
    assert talk.attendance() == {"Ospina": "present"}


def test_a_roll_call_whose_order_was_not_heard(dialogue: Dialogue) -> None:
    results = dialogue.say("Concejala Marta Agudelo. Presente.", "Concejal Fabio Alzate.", "Ausente.")
    assert {result.intent for result in results} == {Intent.ROLL_CALL}
    assert dialogue.attendance() == {"Marta Agudelo": "present", "Fabio Alzate": "absent"}


def test_a_speech_ends_a_roll_call_without_quorum(dialogue: Dialogue) -> None:
    dialogue.say(
        ORDER,
        "Señor presidente, antes de seguir quiero decir que la comunidad de la ladera lleva ocho días sin agua potable "
        "y que nadie de la administración ha dado una respuesta clara.",
    )
    assert not dialogue.context.roll_call_is_open
