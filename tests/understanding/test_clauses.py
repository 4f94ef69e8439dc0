"""Structured data of openings, closings, floor, propositions, agenda and recess."""

from __future__ import annotations

import pytest

from sessions_app.understanding.types import Intent
from tests.understanding.conftest import Dialogue, main_part

FLOOR = [
    ("Tiene la palabra el concejal Restrepo.", "Carlos Alberto Restrepo"),
    ("Tiene la palabra la concejala Luz Dary Palacios.", "Luz Dary Palacios"),
    ("Se le concede el uso de la palabra al honorable concejal Hernán Ospina.", "Hernán Ospina"),
    ("tiene la palabra el concejal jhon mosqera", "John Mosquera"),
    ("Concejala Lucumí, tiene usted la palabra.", "Nubia Lucumí"),
    ("Adelante, concejala Agudelo.", "Marta Agudelo"),
    ("Tiene la palabra por cinco minutos el doctor Ernesto Samboní.", "Ernesto Samboní"),
    ("Tiene la palabra el secretario de gobierno.", "secretario de gobierno"),
    ("Para una réplica tiene la palabra el concejal Cuero.", "Milton Cuero"),
]


@pytest.mark.parametrize(("text", "speaker"), FLOOR)
def test_who_gets_the_floor(dialogue: Dialogue, text: str, speaker: str) -> None:
    (result,) = dialogue.say(text)
    assert (result.intent, result.structured_data) == (Intent.FLOOR_GRANTED, {"speaker": speaker})
    assert dialogue.context.floor_holder == speaker


def test_opening_and_closing_times(dialogue: Dialogue) -> None:
    opened, closed = dialogue.say(
        "Siendo las nueve y quince de la mañana, declaro abierta la sesión.",
        "Siendo las dos y diez, se levanta la sesión.",
    )
    assert opened.structured_data == {"time": "09:15"}
    assert closed.structured_data == {"time": "14:10"}, "closing cannot come before opening"


def test_a_time_said_in_its_own_utterance_counts(dialogue: Dialogue) -> None:
    dialogue.say("Siendo las ocho y media de la mañana.")
    (opened,) = dialogue.say("Se declara abierta la sesión.")
    assert opened.structured_data == {"time": "08:30"}


def test_an_opening_without_a_time(dialogue: Dialogue) -> None:
    (opened,) = dialogue.say("Declaro abierta la sesión plenaria.")
    assert opened.structured_data == {"time": None}


def test_a_proposition_in_one_sentence(dialogue: Dialogue) -> None:
    (result,) = dialogue.say(
        "Proposición número veintidós, presentada por la concejala Yolanda Riascos: invítese al gerente de Emcali."
    )
    assert result.structured_data == {
        "number": "22",
        "text": "Invítese al gerente de EMCALI",
        "author": "Yolanda Riascos",
    }


def test_a_proposition_over_two_utterances(dialogue: Dialogue) -> None:
    announced, clause = dialogue.say(
        "Proposición número doce, presentada por el concejal Fabio Alzate.",
        "Cítese al secretario de salud para que explique el cierre del centro médico.",
    )
    assert announced.structured_data["number"] == "12"
    assert clause.structured_data == {
        "number": "12",
        "text": "Cítese al secretario de salud para que explique el cierre del centro médico",
        "author": "Fabio Alzate",
    }


def test_who_has_the_floor_is_the_author(dialogue: Dialogue) -> None:
    dialogue.say("Tiene la palabra el concejal Hernán Ospina.")
    result = main_part(dialogue.say("Me permito presentar la siguiente proposición: cítese al secretario de salud."))
    assert result.structured_data["author"] == "Hernán Ospina"
    assert result.structured_data["text"] == "Cítese al secretario de salud"


def test_agenda_items_in_one_utterance_and_in_several(dialogue: Dialogue) -> None:
    results = dialogue.say(
        "Sírvase leer el orden del día.",
        "Orden del día. Primero: llamado a lista y verificación del quórum. Segundo: aprobación del acta anterior.",
        "Tercero, segundo debate del proyecto de acuerdo.",
        "Cuarto, proposiciones y varios.",
    )
    assert {result.intent for result in results} == {Intent.AGENDA}
    assert [item for result in results for item in result.structured_data["items"]] == [
        "Llamado a lista y verificación del quórum",
        "Aprobación del acta anterior",
        "Segundo debate del proyecto de acuerdo",
        "Proposiciones y varios",
    ]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("Se decreta un receso de diez minutos.", 10),
        ("Declaro un receso de una hora.", 60),
        ("Hacemos un receso de media hora.", 30),
        ("Se levanta el receso.", None),
    ],
)
def test_a_recess_has_its_length(dialogue: Dialogue, text: str, minutes: int | None) -> None:
    (result,) = dialogue.say(text)
    assert (result.intent, result.structured_data) == (Intent.RECESS, {"minutes": minutes})


@pytest.mark.parametrize(
    ("text", "time"),
    [
        (
            "Se cita para mañana a las ocho de la mañana y se levanta la sesión siendo la una y diez de la tarde.",
            "13:10",
        ),
        ("Se levanta la sesión y se convoca para el lunes a las nueve de la mañana.", None),
        ("A las once y treinta de la mañana se levanta la sesión.", "11:30"),
    ],
)
def test_the_hour_of_the_next_session_is_not_the_hour_of_closing(
    dialogue: Dialogue, text: str, time: str | None
) -> None:
    assert main_part(dialogue.say(text)).structured_data == {"time": time}


def test_points_announced_one_by_one(dialogue: Dialogue) -> None:
    results = dialogue.say(
        "Continúe con el orden del día.",
        "Punto número uno. Llamado a lista. Punto número dos. Aprobación del acta número treinta y nueve.",
        "Siguiente punto, señor secretario.",
        "Debate de control político a la secretaría de movilidad.",
    )
    assert {result.intent for result in results} == {Intent.AGENDA}
    assert results[1].structured_data["items"] == ["Llamado a lista", "Aprobación del acta número treinta y nueve"]


def test_a_proposition_that_was_voted_on_lends_nothing_to_the_next(dialogue: Dialogue) -> None:
    *_, again = dialogue.say(
        "Proposición número doce, presentada por el concejal Fabio Alzate.",
        "Con ocho votos a favor queda aprobada la proposición.",
        "Señora secretaria, sírvase leer la proposición.",
    )
    assert again.structured_data == {"number": None, "text": None, "author": None}


def test_several_authors(dialogue: Dialogue) -> None:
    (result,) = dialogue.say(
        "Proposición número quince, presentada por los concejales Jhon Mosqera, Marta Agudelo y Fabio Alzate. "
        "Solicítese un informe."
    )
    assert result.structured_data == {
        "number": "15",
        "text": "Solicítese un informe",
        "author": "John Mosquera, Marta Agudelo y Fabio Alzate",
    }
