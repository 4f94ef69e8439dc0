"""Repair of the words that a recogniser nearly got right, for matching only: the text itself is never changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import DamerauLevenshtein

from sessions_app.understanding.words import Words, sound_key

_SHORTEST_REPAIRED: Final = 4


class Lexicon:
    """The words that carry meaning for the rules.

    Args:
        keywords: folded words that a misheard word may be repaired to.
        known: folded words that are right as they are.
    """

    def __init__(self, keywords: Iterable[str], known: Iterable[str]) -> None:
        self._keywords = tuple(sorted(set(keywords)))
        self._known = frozenset(known) | frozenset(self._keywords)
        self._by_sound = {sound_key(word): word for word in reversed(self._keywords)}
        self._repair_word = lru_cache(maxsize=16_384)(self._find_keyword)

    def repair(self, words: Words, protected: frozenset[str] = frozenset()) -> Words:
        """Return the words with unknown ones replaced by the keyword they nearly are. Offsets stay."""
        items = tuple(
            word if word.folded in protected else replace(word, folded=self._repair_word(word.folded))
            for word in words.items
        )
        return Words(words.text, items)

    def _find_keyword(self, word: str) -> str:
        if word in self._known or len(word) < 3 or word[0].isdigit():
            return word
        alike = self._by_sound.get(sound_key(word))
        if alike is not None:
            return alike
        best, best_distance = word, 3
        for keyword in self._keywords:
            allowed = _allowed_errors(keyword)
            if len(word) < _SHORTEST_REPAIRED or abs(len(keyword) - len(word)) > allowed:
                continue
            distance = DamerauLevenshtein.distance(word, keyword, score_cutoff=allowed)
            if 0 < distance <= allowed and distance < best_distance:
                best, best_distance = keyword, distance
        return best


def _allowed_errors(keyword: str) -> int:
    return 0 if len(keyword) < 5 else 1 if len(keyword) < 9 else 2
