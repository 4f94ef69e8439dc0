"""Utterances cut into sentences, and fragments of one sentence joined, with the time of every character kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sessions_app.understanding.pack import SPANISH
from sessions_app.understanding.types import Utterance
from sessions_app.understanding.words import Words, word_index_at

_END = re.compile(r"[.!?…]+[\"»”)]*(?=\s|$)|;(?=\s)|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[a-záéíóúñ]|dr|dra|sr|sra|srta|ing|lic|núm|num|no|art|arts|inc|par|hon|h\.c|ee|uu)\.?)$", re.IGNORECASE
)
_LONGEST_PAUSE_MS: Final = 2_000
_CLOSES = (".", "?", "!", "…", ";", ":", '"', "»", "”")
_LONGEST_ABBREVIATION: Final = 8
_LEAST_GLUED_WORDS: Final = 4
_ADVERBIAL_STARTS: Final = frozenset({"a", "con", "en", "hoy", "no", "por", "una", "teniendo", "visto", "entonces"})
_ADVERBIAL: Final = frozenset({"siendo", "agotado", "habiendo", "existiendo"})


@dataclass(frozen=True, slots=True)
class Stretch:
    """A text with the times of its pieces: `(first character, character after, start_ms, end_ms)`, in order."""

    text: str
    pieces: tuple[tuple[int, int, int, int], ...]
    confidence: float | None

    def time_at(self, offset: int) -> int:
        """Return the time of a character in milliseconds, taken as evenly spread within its piece."""
        for first, after, start_ms, end_ms in self.pieces:
            if offset <= after:
                share = max(0, offset - first) / max(1, after - first)
                return start_ms + round(share * (end_ms - start_ms))
        return self.pieces[-1][3]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a stretch: its text and the characters it takes."""

    text: str
    first: int
    after: int


def join_fragments(utterances: Sequence[Utterance]) -> tuple[Stretch, ...]:
    """Join utterances that are fragments of one sentence.

    A fragment has no closing punctuation, and what follows within two seconds begins in lower case. A recogniser
    that writes no capitals at all gets its utterances back one by one.
    """
    has_capitals = any(utterance.text.strip()[:1].isupper() for utterance in utterances)
    stretches: list[list[Utterance]] = []
    for utterance in utterances:
        if not utterance.text.strip():
            continue
        if has_capitals and stretches and _goes_on(stretches[-1][-1], utterance):
            stretches[-1].append(utterance)
        else:
            stretches.append([utterance])
    return tuple(_stretch(parts) for parts in stretches)


def _goes_on(left: Utterance, right: Utterance) -> bool:
    return (
        not left.text.rstrip().endswith(_CLOSES)
        and right.text.lstrip()[:1].islower()
        and right.start_ms - left.end_ms <= _LONGEST_PAUSE_MS
    )


def _stretch(parts: Sequence[Utterance]) -> Stretch:
    text, pieces = "", []
    for part in parts:
        text += " " if text else ""
        first = len(text)
        text += part.text.strip()
        pieces.append((first, len(text), part.start_ms, part.end_ms))
    confidences = [part.confidence for part in parts if part.confidence is not None]
    return Stretch(text, tuple(pieces), min(confidences) if confidences else None)


def cut_sentences(text: str) -> tuple[Sentence, ...]:
    """Cut a text at closing punctuation, and where a formula plainly begins a new sentence without it."""
    return tuple(
        sentence
        for first, after in _punctuated(text)
        for sentence in _unglued(text, first, after)
        if any(letter.isalnum() for letter in sentence.text)
    )


def _punctuated(text: str) -> Iterator[tuple[int, int]]:
    first = 0
    for end in _END.finditer(text):
        if end[0] == "." and _ABBREVIATION.search(text[max(first, end.start() - _LONGEST_ABBREVIATION) : end.start()]):
            continue
        yield first, end.end()
        first = end.end()
    yield first, len(text)


def _unglued(text: str, first: int, after: int) -> Iterator[Sentence]:
    words = Words.of(text[first:after])
    start = 0
    for anchor in SPANISH.markers.glue_anchors.finditer(words.joined):
        index = word_index_at(words.joined, anchor.start())
        if not _may_begin(words, start, index):
            continue
        cut = words.items[index].start
        begin = words.items[start].start if start else 0
        yield _sentence(text, first + begin, first + cut)
        start = index
    begin = words.items[start].start if start else 0
    yield _sentence(text, first + begin, after)


def _may_begin(words: Words, start: int, index: int) -> bool:
    """Say whether a sentence may begin at word `index` when the one before began at word `start`."""
    left = words.folded[start:index]
    if not left or left[-1] in SPANISH.subordinators:
        return False
    if SPANISH.markers.courtesy.match(" ".join(left)):
        return True
    if words.pause_after(index - 1) or left[0] in _ADVERBIAL_STARTS or _ADVERBIAL & set(left):
        return False
    return len(left) >= _LEAST_GLUED_WORDS


def _sentence(text: str, first: int, after: int) -> Sentence:
    raw = text[first:after]
    lead = len(raw) - len(raw.lstrip(" \t\n,"))
    return Sentence(raw.strip(" \t\n,") if lead else raw.rstrip(" \t\n,"), first + lead, after)
