"""Cutting an engine's segments into sentence-like units, by word times. Pure."""

from __future__ import annotations

from typing import Final

from jobs.transcription.engine import Segment, Word

PAUSE_MS: Final = 1200
"""A silence inside a segment that ends the unit even without punctuation."""

_ENDINGS: Final = (".", "?", "!", "…")
_CLOSERS: Final = "\"'»”\u2019)]"
_ABBREVIATIONS: Final = frozenset(
    {
        *("art", "arts", "cap", "dr", "dra", "dres", "gral", "h", "hh", "hon", "inc", "ing", "lic", "no", "nro", "num"),
        *("núm", "pág", "págs", "prof", "sr", "sra", "sres", "srta", "ud", "uds", "vd"),
    }
)


def split_sentences(segment: Segment, pause_ms: int = PAUSE_MS) -> list[Segment]:
    """Split after sentence-final punctuation and at pauses of `pause_ms` or more.

    Text, words and order are kept. A segment without word times comes back whole, as does one whose words don't
    spell its text. Confidence of a part is the mean over its words.
    """
    groups = _groups(segment.words, pause_ms)
    if len(groups) < 2:
        return [segment]
    texts = _texts(segment.text, groups)
    if texts is None:
        return [segment]
    return [_unit(text, group) for text, group in zip(texts, groups, strict=True)]


def _unit(text: str, words: list[Word]) -> Segment:
    confidence = round(sum(word.confidence for word in words) / len(words), 4)
    return Segment(text, words[0].start_ms, words[-1].end_ms, confidence, tuple(words))


def _groups(words: tuple[Word, ...], pause_ms: int) -> list[list[Word]]:
    groups: list[list[Word]] = []
    for index, word in enumerate(words):
        before = words[index - 1] if index else None
        if before is None or _ends(before, word) or word.start_ms - before.end_ms >= pause_ms:
            groups.append([])
        groups[-1].append(word)
    return groups


def _ends(word: Word, following: Word) -> bool:
    """True when `word` ends a sentence and `following` can begin one."""
    text = word.text.rstrip(_CLOSERS)
    if not text.endswith(_ENDINGS):
        return False
    if following.text.lstrip("¿¡\"'«“(—-")[:1].islower():
        return False
    bare = text.rstrip(".")
    is_abbreviation = text.endswith(".") and (bare.lower() in _ABBREVIATIONS or (len(bare) == 1 and bare.isupper()))
    return not is_abbreviation


def _texts(text: str, groups: list[list[Word]]) -> list[str] | None:
    """The slice of `text` that each group spells; None when the words don't spell the text."""
    slices, cursor = [], 0
    for group in groups:
        start = text.find(group[0].text, cursor)
        if start < 0:
            return None
        for word in group:
            found = text.find(word.text, cursor)
            if found < 0:
                return None
            cursor = found + len(word.text)
        slices.append(text[start:cursor])
    return slices
