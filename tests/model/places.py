"""Where blocks stand, by the rule that people are told: right behind or right before another block."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

Place = tuple[int, int] | tuple[int, int, Fraction]
"""Input and part; a block that was moved stands at a fraction behind a natural place, before the next one."""

LAST_PART_OF_WORDS = 99_999


def behind(anchor: Place, taken: Iterable[Place], *, is_unfinished: bool) -> Place:
    """Return the place right behind an anchor; behind words that are not there yet is behind all that they will be."""
    sequence_id, part, *fraction = anchor
    if is_unfinished and not fraction:
        part = LAST_PART_OF_WORDS
    low = fraction[0] if fraction else Fraction(0)
    later = [other for other in _fractions(sequence_id, part, taken) if other > low]
    return (sequence_id, part, (low + min(later)) / 2 if later else low + 1)


def before(anchor: Place, taken: Iterable[Place]) -> Place:
    """Return the place right before an anchor."""
    sequence_id, part, *fraction = anchor
    if not fraction:
        part -= 1
    earlier = [other for other in _fractions(sequence_id, part, taken) if not fraction or other < fraction[0]]
    low = max(earlier, default=Fraction(0))
    return (sequence_id, part, (low + fraction[0]) / 2 if fraction else low + 1)


def _fractions(sequence_id: int, part: int, taken: Iterable[Place]) -> list[Fraction]:
    return [place[2] for place in taken if len(place) == 3 and place[:2] == (sequence_id, part)]
