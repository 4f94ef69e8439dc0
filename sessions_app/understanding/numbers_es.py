"""Spanish numbers as they are spoken and as recognisers write them: cardinals and ordinals.

Works on folded words (lower case, no accents). Digits are numbers too. Words that a recogniser glued together
(`dosmil`, `treintaidos`) or split (`diez y seis`, `veinti uno`) are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sessions_app.understanding.words import Words

UNITS: Final[dict[str, int]] = {
    "cero": 0, "un": 1, "uno": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7,
    "ocho": 8, "nueve": 9,
}  # fmt: skip
_TEENS: Final[dict[str, int]] = {
    "once": 11, "doce": 12, "trece": 13, "catorce": 14, "quince": 15, "dieciseis": 16, "diecisiete": 17,
    "dieciocho": 18, "diecinueve": 19, "veintiun": 21, "veintiuno": 21, "veintiuna": 21, "veintidos": 22,
    "veintitres": 23, "veinticuatro": 24, "veinticinco": 25, "veintiseis": 26, "veintisiete": 27, "veintiocho": 28,
    "veintinueve": 29,
}  # fmt: skip
_TENS: Final[dict[str, int]] = {
    "diez": 10, "veinte": 20, "veinti": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60,
    "setenta": 70, "ochenta": 80, "noventa": 90,
}  # fmt: skip
_HUNDRED_STEMS: Final[dict[str, int]] = {
    "doscient": 200, "trescient": 300, "cuatrocient": 400, "quinient": 500, "seiscient": 600, "setecient": 700,
    "ochocient": 800, "novecient": 900,
}  # fmt: skip
_HUNDREDS: Final[dict[str, int]] = {
    "cien": 100,
    "ciento": 100,
    **{stem + ending: value for stem, value in _HUNDRED_STEMS.items() for ending in ("os", "as")},
}
_MILLIONS: Final = frozenset({"millon", "millones"})

CARDINAL_WORDS: Final[frozenset[str]] = frozenset({*UNITS, *_TEENS, *_TENS, *_HUNDREDS, *_MILLIONS, "mil"})
"""Every folded word that is a number by itself."""

_GLUED = re.compile("|".join(sorted({*CARDINAL_WORDS, "y", "i"}, key=len, reverse=True)))
_DIGITS = re.compile(r"\d+(?:\.\d{3})*\Z")

_ORDINAL_STEMS: Final[dict[str, int]] = {
    "primer": 1, "segund": 2, "tercer": 3, "cuart": 4, "quint": 5, "sext": 6, "septim": 7, "setim": 7, "octav": 8,
    "noven": 9, "decim": 10, "undecim": 11, "duodecim": 12, "vigesim": 20, "trigesim": 30, "cuadragesim": 40,
    "quincuagesim": 50, "sexagesim": 60, "septuagesim": 70, "octogesim": 80, "nonagesim": 90, "centesim": 100,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NumberFound:
    """A number and the words it takes: from `first` up to, not including, `stop`."""

    value: int
    first: int
    stop: int


def parse_number(text: str) -> int | None:
    """Return the value of a text that is one number and nothing else, or `None`."""
    words = Words.of(text).folded
    found = number_at(words, 0)
    return found.value if found is not None and found.stop == len(words) else None


def find_numbers(words: Sequence[str]) -> tuple[NumberFound, ...]:
    """Return every number in folded words, from left to right. The articles `un` and `una` count as 1."""
    return tuple(_scan(words))


def _scan(words: Sequence[str]) -> Iterator[NumberFound]:
    position = 0
    while position < len(words):
        found = number_at(words, position)
        if found is None:
            position += 1
        else:
            yield found
            position = found.stop


def number_at(words: Sequence[str], first: int) -> NumberFound | None:
    """Return the longest number that begins at word `first`, or `None`."""
    if first >= len(words):
        return None
    if _DIGITS.match(words[first]):
        return NumberFound(int(words[first].replace(".", "")), first, first + 1)
    value, stop = _below_million(words, first)
    if stop > first and stop < len(words) and words[stop] in _MILLIONS:
        rest, stop = _below_million(words, stop + 1)
        value = value * 1_000_000 + rest
    return NumberFound(value, first, stop) if stop > first else _glued_number(words[first], first)


def _below_million(words: Sequence[str], first: int) -> tuple[int, int]:
    """Return the value of the number under a million at `first` and the position after it."""
    value, stop = _below_thousand(words, first)
    if stop < len(words) and words[stop] == "mil" and (value > 0 or stop == first):
        rest, stop = _below_thousand(words, stop + 1)
        return (value or 1) * 1_000 + rest, stop
    return value, stop


def _below_thousand(words: Sequence[str], first: int) -> tuple[int, int]:
    """Return the value of the number under 1000 at `first` and the position after it; the same position if none."""
    position, value = first, 0
    if position < len(words) and words[position] in _HUNDREDS:
        value = _HUNDREDS[words[position]]
        position += 1
    if position >= len(words):
        return value, position
    word = words[position]
    if word in _TEENS or word in UNITS:
        return value + (_TEENS[word] if word in _TEENS else UNITS[word]), position + 1
    if word not in _TENS:
        return value, position
    value, position = value + _TENS[word], position + 1
    joined = position + 1 < len(words) and words[position] in {"y", "i"}
    unit_position = position + 1 if joined else position
    unit = UNITS.get(words[unit_position], 0) if unit_position < len(words) else 0
    if unit and (joined or word == "veinti"):
        return value + unit, unit_position + 1
    return value, position


def _glued_number(word: str, index: int) -> NumberFound | None:
    pieces: list[str] = []
    position = 0
    while position < len(word):
        piece = _GLUED.match(word, position)
        if piece is None:
            return None
        pieces.append(piece[0])
        position = piece.end()
    if len(pieces) < 2 or pieces[0] in {"y", "i"}:
        return None
    found = number_at(pieces, 0)
    return NumberFound(found.value, index, index + 1) if found is not None and found.stop == len(pieces) else None


def ordinal_at(words: Sequence[str], first: int) -> NumberFound | None:
    """Return the ordinal that begins at word `first` (`decimo tercero`, `vigesimoprimera`), or `None`."""
    if first >= len(words):
        return None
    value = _ordinal_word(words[first])
    if value is None:
        return None
    if value >= 10 and value % 10 == 0 and first + 1 < len(words):
        unit = _ordinal_word(words[first + 1])
        if unit is not None and unit < 10:
            return NumberFound(value + unit, first, first + 2)
    return NumberFound(value, first, first + 1)


def _ordinal_word(word: str) -> int | None:
    if word in {"primer", "tercer", "decimoprimer", "decimotercer"}:
        word += "o"
    if len(word) < 5 or word[-1] not in "oa":
        return None
    stem = word[:-1]
    if stem in _ORDINAL_STEMS:
        return _ORDINAL_STEMS[stem]
    for tens, tens_value in _ORDINAL_STEMS.items():
        if tens_value >= 10 and stem.startswith(tens + "o"):
            unit = _ORDINAL_STEMS.get(stem[len(tens) + 1 :])
            return tens_value + unit if unit is not None and unit < 10 else None
    return None
