"""Segments become sentence-like units."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobs.transcription.engine import Segment, Word
from jobs.transcription.sentences import split_sentences


def _segment(text: str, pauses_ms: dict[int, int] | None = None) -> Segment:
    """Each word lasts 200 ms; `pauses_ms` gives the pause before a word, by its index."""
    words, now_ms = [], 100
    for index, spoken in enumerate(text.split()):
        now_ms += (pauses_ms or {}).get(index, 0)
        words.append(Word(spoken, now_ms, now_ms + 200, 0.5 + 0.5 * (index % 2)))
        now_ms += 200
    return Segment(text, 0, now_ms, 0.8, tuple(words))


def _texts(text: str, pauses_ms: dict[int, int] | None = None) -> list[str]:
    return [unit.text for unit in split_sentences(_segment(text, pauses_ms))]


def test_a_unit_ends_with_its_sentence() -> None:
    assert _texts("Concejal María Ospina. Presente. ¿Votos a favor? Catorce.") == [
        "Concejal María Ospina.",
        "Presente.",
        "¿Votos a favor?",
        "Catorce.",
    ]


def test_abbreviations_initials_and_numbers_end_nothing() -> None:
    assert len(_texts("El Dr. Pérez y la H. Concejala citan el art. 26 de la ley 136.")) == 1
    assert len(_texts("Cuesta 3.500 pesos, dice J. Restrepo en el no. 12")) == 1


def test_a_full_stop_before_a_small_letter_ends_nothing() -> None:
    assert len(_texts("Queda aprobada. con tres votos")) == 1


def test_a_pause_ends_a_unit_without_punctuation() -> None:
    assert _texts("se abre la sesión tiene la palabra", {4: 1500}) == ["se abre la sesión", "tiene la palabra"]
    assert len(_texts("se abre la sesión tiene la palabra", {4: 800})) == 1


def test_times_and_confidence_of_a_unit_are_those_of_its_words() -> None:
    first, second = split_sentences(_segment("Uno dos tres. Cuatro cinco.", {3: 300}))
    assert (first.start_ms, first.end_ms) == (100, 700)
    assert (second.start_ms, second.end_ms) == (1000, 1400)
    assert first.confidence == 0.6667
    assert second.confidence == 0.75


def test_without_words_a_segment_stays_whole() -> None:
    segment = Segment("Uno. Dos.", 0, 900, 0.9)
    assert split_sentences(segment) == [segment]


def test_words_that_do_not_spell_the_text_leave_it_whole() -> None:
    words = (Word("Otro.", 0, 100, 1.0), Word("Texto.", 100, 200, 1.0))
    segment = Segment("Uno. Dos.", 0, 200, 1.0, words)
    assert split_sentences(segment) == [segment]


_WORDS = st.lists(st.sampled_from(["hola", "Presente.", "sí,", "¿Votos?", "Dr.", "(no)", "«Acta».", "A."]), min_size=1)


@given(_WORDS, st.dictionaries(st.integers(0, 20), st.integers(0, 3000)))
def test_no_word_is_lost_added_or_moved(spoken: list[str], pauses_ms: dict[int, int]) -> None:
    segment = _segment(" ".join(spoken), pauses_ms)
    units = split_sentences(segment)
    assert [word for unit in units for word in unit.words] == list(segment.words)
    assert " ".join(unit.text for unit in units) == segment.text
