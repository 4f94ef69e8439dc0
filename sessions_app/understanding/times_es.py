"""Spanish times of day and dates as they are spoken: `las nueve y quince de la mañana`, `un cuarto para las diez`."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sessions_app.understanding.numbers_es import number_at, ordinal_at
from sessions_app.understanding.words import Words

MONTHS: Final[dict[str, int]] = {
    "enero": 1, "febrero": 2, "marzo": 3, "abril": 4, "mayo": 5, "junio": 6, "julio": 7, "agosto": 8,
    "septiembre": 9, "setiembre": 9, "octubre": 10, "noviembre": 11, "diciembre": 12,
}  # fmt: skip

_PERIODS: Final[tuple[tuple[str, str], ...]] = (
    ("de la manana", "morning"),
    ("de la madrugada", "morning"),
    ("de la tarde", "evening"),
    ("de la noche", "night"),
    ("del mediodia", "noon"),
    ("del medio dia", "noon"),
    ("del dia", "noon"),
    ("de mediodia", "noon"),
    ("a m", "morning"),
    ("am", "morning"),
    ("p m", "evening"),
    ("pm", "evening"),
)
_ARTICLES: Final = frozenset({"la", "las"})
_FRACTIONS: Final[dict[str, int]] = {"media": 30, "cuarto": 15}
_DIGITAL = re.compile(r"(\d{1,2}):(\d{2})\Z")


@dataclass(frozen=True, slots=True)
class TimeFound:
    """A time of day on the 24-hour clock, whether its half of the day was said, and the words it takes."""

    hour: int
    minute: int
    half_is_said: bool
    first: int
    stop: int

    def __str__(self) -> str:
        """Return the time as `HH:MM`."""
        return f"{self.hour:02d}:{self.minute:02d}"


@dataclass(frozen=True, slots=True)
class DateFound:
    """A date; `year` is `None` when it was not said."""

    day: int
    month: int
    year: int | None


def parse_time(text: str) -> str | None:
    """Return the first time of day in a text as `HH:MM`, or `None`."""
    found = find_time(Words.of(text))
    return None if found is None else str(found)


def find_time(words: Words) -> TimeFound | None:
    """Return the first time of day in the words, or `None`.

    A bare number is no time: an article and a continuation (`y quince`, `de la tarde`, `en punto`, a pause) or the
    words `siendo las` must stand with it.
    """
    for index in range(len(words)):
        found = _noon_at(words.folded, index) or _countdown_at(words.folded, index) or _clock_at(words, index)
        if found is not None:
            return found
    return None


def _noon_at(folded: Sequence[str], index: int) -> TimeFound | None:
    word = folded[index]
    before = folded[index - 1] if index else ""
    if word == "mediodia" and before in {"al", "a", "siendo", "el"}:
        return TimeFound(12, 0, True, index, index + 1)
    if word == "medianoche":
        return TimeFound(0, 0, True, index, index + 1)
    return None


def _countdown_at(folded: Sequence[str], index: int) -> TimeFound | None:
    """`un cuarto para las diez`, `diez minutos para las ocho`, `faltando cinco para las tres`."""
    if tuple(folded[index : index + 2]) == ("un", "cuarto"):
        minutes, position = 15, index + 2
    elif folded[index] == "cuarto":
        minutes, position = 15, index + 1
    else:
        number = number_at(folded, index)
        if number is None or not 0 < number.value < 60:
            return None
        minutes, position = number.value, number.stop
        if position < len(folded) and folded[position] == "minutos":
            position += 1
    if tuple(folded[position : position + 1]) != ("para",) or not _is_article(folded, position + 1):
        return None
    hour = number_at(folded, position + 2)
    if hour is None or not 1 <= hour.value <= 24:
        return None
    return _finish(folded, hour.value - 1, 60 - minutes, index, hour.stop)


def _clock_at(words: Words, index: int) -> TimeFound | None:
    folded = words.folded
    digital = _DIGITAL.match(folded[index])
    if digital:
        hour, minute = int(digital[1]), int(digital[2])
        return _finish(folded, hour, minute, index, index + 1) if hour < 25 and minute < 60 else None
    hour_word = _hour_at(folded, index)
    if hour_word is None:
        return None
    has_article = index > 0 and _is_article(folded, index - 1)
    is_announced = folded[max(0, index - 2) : index][:1] == ("siendo",) or folded[max(0, index - 1)] == "siendo"
    minute, stop = _minutes_at(folded, index + 1)
    found = _finish(folded, hour_word, minute, index, stop)
    if found is None:
        return None
    said_more = found.stop > index + 1
    ends = words.pause_after(index)
    if is_announced or (has_article and (said_more or ends)) or (found.half_is_said and stop > index + 1):
        return found
    return None


def _hour_at(folded: Sequence[str], index: int) -> int | None:
    number = number_at(folded[index : index + 1], 0)
    return number.value if number is not None and number.value <= 24 else None


def _minutes_at(folded: Sequence[str], index: int) -> tuple[int, int]:
    """Return the minutes said at `index` (negative for `menos cuarto`) and the position after them."""
    position = index
    if tuple(folded[position : position + 1]) == ("horas",):
        position += 1
    link = folded[position] if position < len(folded) else ""
    if tuple(folded[position : position + 2]) == ("en", "punto"):
        return 0, position + 2
    if link not in {"y", "con", "menos", "i"}:
        number = number_at(folded, position)
        is_bare = number is not None and 10 <= number.value < 60
        return (number.value, number.stop) if number is not None and is_bare else (0, position)
    after = position + 1
    word = folded[after] if after < len(folded) else ""
    if word in _FRACTIONS:
        minutes, stop = _FRACTIONS[word], after + 1
    else:
        number = number_at(folded, after)
        if number is None or not 0 < number.value < 60:
            return 0, position
        minutes, stop = number.value, number.stop
    if tuple(folded[stop : stop + 1]) == ("minutos",):
        stop += 1
    return (-minutes if link == "menos" else minutes), stop


def _finish(folded: Sequence[str], hour: int, minute: int, first: int, stop: int) -> TimeFound | None:
    """Apply the half of the day that follows at `stop`, if any, and bring the time into range."""
    if tuple(folded[stop : stop + 1]) == ("horas",):
        stop += 1
    period = ""
    rest = " ".join(folded[stop : stop + 3]) + " "
    for phrase, name in _PERIODS:
        if rest.startswith(phrase + " "):
            period, stop = name, stop + phrase.count(" ") + 1
            break
    if period == "night" and hour == 12:
        hour = 0
    elif (period in {"evening", "night"} and hour < 12) or (period == "noon" and hour < 6):
        hour += 12
    total = (hour * 60 + minute) % (24 * 60)
    is_sure = bool(period) or hour >= 13
    return TimeFound(total // 60, total % 60, is_sure, first, stop)


def _is_article(folded: Sequence[str], index: int) -> bool:
    return index < len(folded) and folded[index] in _ARTICLES


def find_date(text: str) -> DateFound | None:
    """Return the first date in a text (`dieciocho de noviembre de dos mil veintiséis`), or `None`."""
    folded = Words.of(text).folded
    for index, word in enumerate(folded):
        if word not in MONTHS or index < 2 or folded[index - 1] != "de":
            continue
        day = _day_before(folded, index - 1)
        if day is None:
            continue
        year = _year_at(folded, index + 1)
        if _is_possible(day, MONTHS[word], year):
            return DateFound(day, MONTHS[word], year)
    return None


def _day_before(folded: Sequence[str], stop: int) -> int | None:
    """Return the longest number or ordinal from 1 to 31 that ends right before word `stop`."""
    for first in range(max(0, stop - 3), stop):
        found = number_at(folded[:stop], first) or ordinal_at(folded[:stop], first)
        if found is not None and found.stop == stop and 1 <= found.value <= 31:
            return found.value
    return None


def _year_at(folded: Sequence[str], index: int) -> int | None:
    position = index
    while position < len(folded) and folded[position] in {"de", "del", "ano"}:
        position += 1
    number = number_at(folded, position) if position > index else None
    return number.value if number is not None and 1900 <= number.value <= 2199 else None


def _is_possible(day: int, month: int, year: int | None) -> bool:
    try:
        datetime.date(year or 2000, month, day)
    except ValueError:
        return False
    return True
