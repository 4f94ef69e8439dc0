"""A whole session from its script, clean and as a recogniser might write it."""

from __future__ import annotations

from itertools import groupby

import pytest

from demo import script
from sessions_app.understanding.types import Intent, TenantLanguage
from tests.understanding.conftest import Dialogue, main_part
from tests.understanding.noise import misheard, without_accents

TENANT = TenantLanguage(entity_dictionary=script.ENTITY_DICTIONARY, members=script.MEMBERS)
COURSE = [
    Intent.OPEN_SESSION,
    Intent.ROLL_CALL,
    Intent.AGENDA,
    *[Intent.FLOOR_GRANTED, Intent.DEBATE] * 4,
    Intent.AGENDA,
    Intent.PROPOSITION,
    Intent.FLOOR_GRANTED,
    Intent.DEBATE,
    Intent.VOTE,
    Intent.OTHER_BUSINESS,
    Intent.FLOOR_GRANTED,
    Intent.DEBATE,
    Intent.CLOSE_SESSION,
    Intent.DEBATE,
]
"""How the session goes, greetings before the opening apart."""


def hear(lines: list[str]) -> Dialogue:
    dialogue = Dialogue(tenant=TENANT)
    dialogue.say(*lines)
    return dialogue


def course(dialogue: Dialogue) -> list[Intent]:
    intents = [intent for intent, _ in groupby(result.intent for result in dialogue.heard)]
    return intents[1:] if intents[0] is Intent.DEBATE else intents


def times(dialogue: Dialogue, intent: Intent) -> list[str]:
    return [result.structured_data["time"] for result in dialogue.heard if result.intent is intent]


def results_of_votes(dialogue: Dialogue) -> list[tuple[object, ...]]:
    return [
        (data["in_favour"], data["against"], data["abstentions"], data["result"])
        for data in (result.structured_data for result in dialogue.heard if result.intent is Intent.VOTE)
        if data["result"] is not None
    ]


def speakers(dialogue: Dialogue) -> list[str]:
    return [result.structured_data["speaker"] for result in dialogue.heard if result.intent is Intent.FLOOR_GRANTED]


@pytest.mark.parametrize("spoil", [str, without_accents, str.lower, lambda text: without_accents(text).lower()])
def test_the_scripted_session_is_understood(spoil: object) -> None:
    assert callable(spoil)
    dialogue = hear([spoil(line.text) for line in script.SCRIPT])
    assert course(dialogue) == COURSE
    assert dialogue.attendance() == script.ATTENDANCE
    assert times(dialogue, Intent.OPEN_SESSION) == ["09:15"]
    assert times(dialogue, Intent.CLOSE_SESSION) == ["11:30"]
    assert results_of_votes(dialogue) == [(5, 1, 1, "approved")]
    assert set(speakers(dialogue)) < set(script.MEMBERS)


@pytest.mark.parametrize("seed", range(8))
def test_the_scripted_session_is_understood_through_recognition_errors(seed: int) -> None:
    clean, spoiled = Dialogue(tenant=TENANT), Dialogue(tenant=TENANT)
    wrong = []
    for number, line in enumerate(script.SCRIPT):
        heard = misheard(line.text, seed * 1_000 + number)
        if main_part(spoiled.say(heard)).intent is not main_part(clean.say(line.text)).intent:
            wrong.append(heard)
    assert len(wrong) <= 2, wrong
    attendance = spoiled.attendance()
    assert sum(attendance.get(name) == presence for name, presence in script.ATTENDANCE.items()) >= 8
    assert results_of_votes(spoiled) == [(5, 1, 1, "approved")]
    assert times(spoiled, Intent.OPEN_SESSION) == ["09:15"]
    assert times(spoiled, Intent.CLOSE_SESSION) == ["11:30"]
