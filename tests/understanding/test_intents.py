"""Intents over the labelled corpus: talk about votes and openings stays debate."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from sessions_app.understanding.types import Intent, TenantLanguage, TenantRule, Utterance
from tests.understanding.conftest import Dialogue, main_part
from tests.understanding.corpus import HELD_OUT, TUNING


def predicted(text: str) -> Intent:
    return main_part(Dialogue().say(text)).intent


def f1_by_intent(rows: tuple[tuple[Intent, str], ...]) -> dict[Intent, float]:
    right: Counter[Intent] = Counter()
    wanted: Counter[Intent] = Counter()
    given: Counter[Intent] = Counter()
    for want, text in rows:
        got = predicted(text)
        wanted[want] += 1
        given[got] += 1
        right[want] += got is want
    return {intent: 2 * right[intent] / max(1, wanted[intent] + given[intent]) for intent in Intent}


@pytest.mark.parametrize(("intent", "text"), TUNING)
def test_a_sentence_has_its_intent(intent: Intent, text: str) -> None:
    assert predicted(text) is intent


def test_macro_f1_on_held_out_sentences() -> None:
    scores = f1_by_intent(HELD_OUT)
    assert sum(scores.values()) / len(scores) >= 0.92, scores
    assert min(scores.values()) >= 0.75, scores


def test_debate_about_votes_and_openings_stays_debate() -> None:
    negatives = [text for intent, text in HELD_OUT + TUNING if intent is Intent.DEBATE]
    assert len(negatives) >= 40
    missed = [text for text in negatives if predicted(text) is not Intent.DEBATE]
    assert len(missed) / len(negatives) <= 0.05, missed


def test_an_utterance_with_two_intents_is_split(dialogue: Dialogue) -> None:
    thanks, floor = dialogue.say("Muchas gracias concejal. Tiene la palabra el concejal Restrepo.")
    assert (thanks.intent, thanks.text) == (Intent.DEBATE, "Muchas gracias concejal.")
    assert (floor.intent, floor.structured_data) == (Intent.FLOOR_GRANTED, {"speaker": "Carlos Alberto Restrepo"})
    assert thanks.start_ms == 0
    assert thanks.end_ms <= floor.start_ms < floor.end_ms == 3_000


def test_sentences_glued_by_the_recogniser_are_split(dialogue: Dialogue) -> None:
    results = dialogue.say("muchas gracias concejal tiene la palabra la concejala luz dary palacios")
    assert [result.intent for result in results] == [Intent.DEBATE, Intent.FLOOR_GRANTED]
    assert results[1].structured_data == {"speaker": "Luz Dary Palacios"}


def test_a_doubtful_sentence_is_debate_for_review(dialogue: Dialogue) -> None:
    (result,) = dialogue.say("Pienso que se abre la votación de una vez.")
    assert result.intent is Intent.DEBATE
    assert result.needs_review


def test_badly_heard_speech_is_marked_for_review(dialogue: Dialogue) -> None:
    heard = Utterance("La vía está en mal estado.", 0, 2_000, confidence=0.2)
    (result,), _ = dialogue.core.understand([heard], dialogue.context, dialogue.tenant)
    assert result.needs_review


def test_a_tenants_own_phrase_wins(dialogue: Dialogue) -> None:
    dialogue.tenant = TenantLanguage(rules=(TenantRule(Intent.RECESS, r"\bpausa activa\b"),))
    (result,) = dialogue.say("Vamos con la pausa activa.")
    assert (result.intent, result.template_id, result.label) == (Intent.RECESS, "TPL_DEBATE", "Receso")


def test_fragments_of_one_sentence_are_joined(dialogue: Dialogue) -> None:
    pieces = [
        Utterance("Siendo las nueve y quince de la mañana", 1_000, 3_000, 0.9),
        Utterance("se declara abierta la sesión.", 3_400, 5_000, 0.8),
        Utterance("Buenos días.", 6_000, 7_000, 0.9),
    ]
    (opening, greeting), _ = dialogue.core.understand(pieces, dialogue.context, dialogue.tenant)
    assert (opening.intent, opening.structured_data) == (Intent.OPEN_SESSION, {"time": "09:15"})
    assert (opening.start_ms, opening.end_ms) == (1_000, 5_000)
    assert (greeting.intent, greeting.start_ms) == (Intent.DEBATE, 6_000)


REPEATED = ("concejal ", "siendo las ", "tiene la palabra el ", "Dr. ", "dos mil ", "con presentó su una ", "punto ")


@pytest.mark.parametrize("phrase", REPEATED)
def test_senseless_repetition_costs_no_more_than_speech(phrase: str) -> None:
    started = time.perf_counter()
    Dialogue().say(phrase * 1_500)
    assert time.perf_counter() - started < 10
