"""Votes: figures, result and subject, in one sentence or over several utterances."""

from __future__ import annotations

import pytest

from sessions_app.understanding.types import Intent
from tests.understanding.conftest import Dialogue, main_part

VOTES = [
    (
        "Con catorce votos a favor, dos en contra y una abstención queda aprobada la proposición.",
        (14, 2, 1, "approved"),
    ),
    ("Votos a favor: catorce, en contra: dos, abstenciones: una. Aprobada.", (14, 2, 1, "approved")),
    ("Con 14 votos a favor, 2 en contra y 1 abstención queda aprobada la proposición.", (14, 2, 1, "approved")),
    ("Queda negada la proposición con tres votos a favor y ocho en contra.", (3, 8, None, "rejected")),
    ("Resultado de la votación: nueve votos a favor, ninguno en contra y ninguna abstención.", (9, 0, 0, None)),
    ("Once votos positivos y cuatro negativos, ha sido aprobado el proyecto de acuerdo.", (11, 4, None, "approved")),
    ("Por el sí doce votos, por el no tres votos, queda aprobado el artículo.", (12, 3, None, "approved")),
    ("Ha sido aprobada por unanimidad.", (None, None, None, "approved")),
    ("Aprobada por unanimidad con diecisiete votos, señor presidente.", (17, None, None, "approved")),
    ("La proposición no ha sido aprobada, siete votos a favor y diez en contra.", (7, 10, None, "rejected")),
    ("con veintiun votos a favor sin votos en contra queda aprobada el acta", (21, 0, None, "approved")),
    ("Se registran treinta y un votos a favor, cinco en contra y dos abstenciones.", (31, 5, 2, None)),
    ("Se aprueba el acta.", (None, None, None, "approved")),
    ("¿Aprueban los honorables concejales la proposición?", (None, None, None, None)),
]


@pytest.mark.parametrize(("text", "expected"), VOTES)
def test_figures_and_result(dialogue: Dialogue, text: str, expected: tuple[object, ...]) -> None:
    dialogue.say("Se somete a votación la proposición número ocho.")
    vote = main_part(dialogue.say(text))
    assert vote.intent is Intent.VOTE
    data = vote.structured_data
    assert (data["in_favour"], data["against"], data["abstentions"], data["result"]) == expected


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("Queda aprobada la proposición número quince con nueve votos a favor.", "Proposición número quince"),
        ("Ha sido aprobado el proyecto de acuerdo número siete.", "Proyecto de acuerdo número siete"),
        ("¿Aprueban los honorables concejales el orden del día leído?", "Orden del día"),
        ("Queda aprobada el acta de la sesión anterior con nueve votos.", "Acta de la sesión anterior"),
    ],
)
def test_the_subject_is_what_was_said(dialogue: Dialogue, text: str, subject: str) -> None:
    assert main_part(dialogue.say(text)).structured_data["subject"] == subject


def test_a_vote_told_over_several_utterances_adds_up(dialogue: Dialogue) -> None:
    results = dialogue.say(
        "Se somete a votación la proposición número quince.",
        "Votos a favor: catorce.",
        "Votos en contra: dos.",
        "Abstenciones: una.",
        "Queda aprobada la proposición.",
    )
    assert {result.intent for result in results} == {Intent.VOTE}
    assert results[-1].structured_data == {
        "subject": "Proposición número quince",
        "in_favour": 14,
        "against": 2,
        "abstentions": 1,
        "result": "approved",
    }


def test_a_repeated_result_is_the_same_vote_and_a_new_vote_starts_empty(dialogue: Dialogue) -> None:
    first, repeated, called = dialogue.say(
        "Con nueve votos a favor y uno en contra ha sido aprobada la proposición número tres.",
        "Queda aprobada la proposición.",
        "Se abre la votación del artículo segundo.",
    )
    assert repeated.structured_data == first.structured_data
    assert called.structured_data == {
        "subject": "Artículo segundo",
        "in_favour": None,
        "against": None,
        "abstentions": None,
        "result": None,
    }


def test_debate_during_a_vote_stays_debate(dialogue: Dialogue) -> None:
    dialogue.say("Se somete a votación la proposición número quince.")
    (talk,) = dialogue.say("Recordemos que en la sesión anterior la proposición fue aprobada por catorce votos.")
    assert talk.intent is Intent.DEBATE


def test_a_vote_by_roll_call_belongs_to_the_vote(dialogue: Dialogue) -> None:
    results = dialogue.say(
        "Se abre la votación nominal de la proposición cuarenta y cinco.",
        "Concejal Fabio Alzate, ¿cómo vota?",
        "Voto sí.",
        "Concejala Marta Agudelo.",
        "No.",
        "Señora presidenta, el resultado es el siguiente: por el sí seis votos, por el no un voto.",
        "Queda aprobada la proposición cuarenta y cinco.",
    )
    assert {result.intent for result in results} == {Intent.VOTE}
    assert results[-1].structured_data == {
        "subject": "Proposición cuarenta y cinco",
        "in_favour": 6,
        "against": 1,
        "abstentions": None,
        "result": "approved",
    }


@pytest.mark.parametrize(
    ("question", "answer", "result"),
    [
        ("En consideración el acta número treinta y nueve, ¿la aprueban?", "Ha sido aprobada.", "approved"),
        ("¿Aprueba la corporación la sesión permanente?", "Sí aprueban, señora presidenta.", "approved"),
        ("¿Lo aprueban, honorables concejales?", "No lo aprueban, presidente.", "rejected"),
    ],
)
def test_a_question_to_the_house_and_its_answer(dialogue: Dialogue, question: str, answer: str, result: str) -> None:
    asked, answered = dialogue.say(question, answer)
    assert (asked.intent, asked.structured_data["result"]) == (Intent.VOTE, None)
    assert (answered.intent, answered.structured_data["result"]) == (Intent.VOTE, result)
