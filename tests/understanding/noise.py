"""Errors as a speech recogniser makes them, from a seed: the same seed gives the same errors."""

from __future__ import annotations

import random
import unicodedata

_ALIKE = {"v": "b", "b": "v", "z": "s", "h": "", "y": "ll", "s": "c"}


def without_accents(text: str) -> str:
    """Return the text without accents."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")


def misheard(text: str, seed: int, error_rate: float = 0.06) -> str:
    """Return the text without accents and inner punctuation, with about `error_rate` of its longer words misspelled."""
    draw = random.Random(seed)
    words = []
    for word in without_accents(text).replace(",", "").split():
        words.append(_misspelled(word, draw) if len(word) > 4 and draw.random() < error_rate else word)
    return " ".join(words)


def _misspelled(word: str, draw: random.Random) -> str:
    place = draw.randrange(1, len(word) - 1)
    letter = word[place].lower()
    if letter in _ALIKE and draw.random() < 0.6:
        return word[:place] + _ALIKE[letter] + word[place + 1 :]
    return draw.choice((word[:place] + word[place + 1 :], word[:place] + word[place] + word[place:]))
