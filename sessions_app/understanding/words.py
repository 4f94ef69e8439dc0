"""Text as words that can be compared: folded for matching, with offsets back into the original.

Recognised speech drops accents, capitals and punctuation and writes one letter for another that sounds the same.
Everything that matches text works on the folded form and cuts its answer out of the original.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Self

_WORD = re.compile(r"\d{1,3}(?:\.\d{3})+(?!\d)|\d+(?::\d{2})?|[^\W\d_]+")
_KEY_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"ch", "C"),
        (r"qu(?=[ei])", "k"),
        (r"c(?=[ei])", "s"),
        (r"g(?=[ei])", "j"),
        (r"gu(?=[ei])", "g"),
        (r"[cq]", "k"),
        (r"[zx]", "s"),
        (r"v", "b"),
        (r"h", ""),
        (r"ll", "y"),
        (r"(.)\1+", r"\1"),
    )
)


def fold(text: str) -> str:
    """Return the text in lower case without accents; `ñ` becomes `n`. The length may differ from the input's."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def sound_key(folded: str) -> str:
    """Return a key that is equal for spellings which sound alike in Latin American Spanish (`catorse`, `catorce`)."""
    key = folded
    for pattern, replacement in _KEY_RULES:
        key = pattern.sub(replacement, key)
    return key


@dataclass(frozen=True, slots=True)
class Word:
    """One word or number: its folded form and its place in the original text (character offsets)."""

    folded: str
    start: int
    end: int


@dataclass(frozen=True)
class Words:
    """A text and its words. `joined` is the folded words with one blank between them, for regular expressions."""

    text: str
    items: tuple[Word, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Cut a text into words. Punctuation separates words and is otherwise ignored."""
        items = tuple(Word(fold(found[0]), found.start(), found.end()) for found in _WORD.finditer(text))
        return cls(text, items)

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """The folded words."""
        return tuple(word.folded for word in self.items)

    @cached_property
    def joined(self) -> str:
        """The folded words with one blank between them."""
        return " ".join(self.folded)

    def __len__(self) -> int:
        """Count the words."""
        return len(self.items)

    def original(self, first: int, stop: int) -> str:
        """Return the original text from word `first` up to, not including, word `stop`."""
        if first >= stop:
            return ""
        return self.text[self.items[first].start : self.items[stop - 1].end]

    def after(self, first: int) -> Words:
        """Return the words from `first` on."""
        return Words(self.text, self.items[first:])

    def pause_after(self, index: int) -> bool:
        """Say whether punctuation stands between word `index` and the next one (true at the end of the text)."""
        if index + 1 >= len(self.items):
            return True
        between = self.text[self.items[index].end : self.items[index + 1].start]
        return any(mark in between for mark in ",.;:?!¿¡\n")

    @cached_property
    def has_capitals(self) -> bool:
        """Say whether any word but the first begins with a capital letter."""
        return any(self.is_capitalised(index) for index in range(1, len(self.items)))

    def is_capitalised(self, index: int) -> bool:
        """Say whether word `index` begins with a capital letter in the original."""
        return self.text[self.items[index].start].isupper()


def word_index_at(joined: str, offset: int) -> int:
    """Return which word of a `joined` text holds the character at `offset`."""
    return joined.count(" ", 0, offset)
