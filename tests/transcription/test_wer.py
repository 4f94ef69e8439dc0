"""Word error rate, beside the well-known implementation."""

from __future__ import annotations

import jiwer
from hypothesis import given
from hypothesis import strategies as st

from jobs.transcription.wer import WerResult, word_error_rate

_TEXTS = st.lists(st.sampled_from(["la", "sesión", "vota", "doce", "año", "ano", "y"]), max_size=15).map(" ".join)


@given(_TEXTS.filter(bool), _TEXTS)
def test_the_number_of_errors_is_that_of_jiwer(reference: str, hypothesis: str) -> None:
    ours = word_error_rate(reference, hypothesis)
    theirs = jiwer.process_words(reference, hypothesis)
    assert ours.errors == theirs.substitutions + theirs.deletions + theirs.insertions
    assert ours.insertions - ours.deletions == len(hypothesis.split()) - len(reference.split())
    assert ours.rate == theirs.wer


def test_case_and_punctuation_do_not_count_but_accents_do() -> None:
    assert word_error_rate("¿Votos a favor? Catorce.", "votos a favor catorce").errors == 0
    assert word_error_rate("sesión", "sesio\u0301n").errors == 0
    assert word_error_rate("El año", "el ano") == WerResult(1, 0, 0, 2)


def test_counts_of_several_texts_add_up() -> None:
    total = word_error_rate("uno dos", "uno") + word_error_rate("tres", "tres cuatro")
    assert total == WerResult(0, 1, 1, 3)
    assert total.rate == 2 / 3


def test_nothing_said() -> None:
    assert word_error_rate("", "").rate == 0
    assert word_error_rate("", "dos palabras").rate == 2
