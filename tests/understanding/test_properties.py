"""What holds for any text: nothing is lost, times stay in order, the same input gives the same answer."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from sessions_app.understanding.engine import EmbeddedCore
from sessions_app.understanding.numbers_es import parse_number
from sessions_app.understanding.types import DialogueContext, Utterance
from tests.understanding.conftest import COUNCIL
from tests.understanding.corpus import HELD_OUT, TUNING

CORE = EmbeddedCore()
SENTENCES = st.sampled_from(
    [text for _, text in TUNING + HELD_OUT] + ["Presente.", "Concejal Ospina.", "Dos.", "…", ""]
)
TEXTS = st.one_of(st.text(max_size=80), st.lists(SENTENCES, max_size=4).map(" ".join))


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_no_word_is_lost_and_times_are_in_order(texts: list[str]) -> None:
    utterances = [Utterance(text, index * 1_000, index * 1_000 + 900) for index, text in enumerate(texts)]
    understood, context = CORE.understand(utterances, DialogueContext(), COUNCIL)
    assert [word for result in understood for word in _words(result.original_text)] == [
        word for text in texts for word in _words(text)
    ]
    edges = [edge for result in understood for edge in (result.start_ms, result.end_ms)]
    assert edges == sorted(edges)
    assert all(0 <= result.confidence <= 1 for result in understood)
    assert CORE.understand(utterances, DialogueContext(), COUNCIL) == (understood, context)


@settings(max_examples=40, deadline=None)
@given(st.lists(SENTENCES, max_size=8))
def test_the_context_survives_storage_at_any_point(texts: list[str]) -> None:
    kept = stored = DialogueContext()
    for text in texts:
        utterance = [Utterance(text, 0, 1_000)]
        one, kept = CORE.understand(utterance, kept, COUNCIL)
        other, stored = CORE.understand(
            utterance, DialogueContext.from_json(json.loads(json.dumps(stored.to_json()))), COUNCIL
        )
        assert (one, kept) == (other, stored)


@given(st.integers(min_value=0, max_value=999_999_999))
def test_digits_are_numbers(value: int) -> None:
    assert parse_number(str(value)) == value


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text).split()
