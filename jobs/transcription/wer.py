"""Word error rate, indifferent to case and punctuation. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r"\w+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class WerResult:
    """Edit counts of the cheapest alignment, and how many words the reference has."""

    substitutions: int
    deletions: int
    insertions: int
    reference_words: int

    @property
    def errors(self) -> int:
        """All edits together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors per reference word; 0 for nothing against nothing, and for words against nothing their number."""
        return self.errors / max(1, self.reference_words)

    def __add__(self, other: WerResult) -> WerResult:
        """Counts of two texts together."""
        return WerResult(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.reference_words + other.reference_words,
        )


def normalised_words(text: str) -> list[str]:
    """Words in lower case, composed characters, accents kept (they tell words apart), punctuation dropped."""
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())


def word_error_rate(reference: str, hypothesis: str) -> WerResult:
    """Compare what was heard with what was said, by Levenshtein distance over normalised words.

    Memory is linear in the hypothesis, time is the product of both lengths.
    """
    said, heard = normalised_words(reference), normalised_words(hypothesis)
    # Each cell: (errors, substitutions, deletions, insertions) of the cheapest way to get there.
    row = [(column, 0, 0, column) for column in range(len(heard) + 1)]
    for index, word in enumerate(said, start=1):
        above, row = row, [(index, 0, index, 0)]
        for column, other in enumerate(heard, start=1):
            diagonal = above[column - 1]
            if word == other:
                row.append(diagonal)
                continue
            substituted = (diagonal[0] + 1, diagonal[1] + 1, diagonal[2], diagonal[3])
            up, left = above[column], row[column - 1]
            deleted = (up[0] + 1, up[1], up[2] + 1, up[3])
            inserted = (left[0] + 1, left[1], left[2], left[3] + 1)
            row.append(min(substituted, deleted, inserted, key=lambda cell: cell[0]))
    _, substitutions, deletions, insertions = row[-1]
    return WerResult(substitutions, deletions, insertions, len(said))
