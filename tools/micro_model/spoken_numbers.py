"""Spanish numbers and clock times as they are spoken."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from tools.micro_model.vocabulary import word_list

UNITS: Final = word_list("units")
TENS: Final = word_list("tens")
HUNDREDS: Final = word_list("hundreds")


def in_words(number: int) -> str:
    """Return a number from 0 to 999 999 in Spanish words ("treinta y dos", "ciento cuatro", "dos mil diez")."""
    if number < 30:
        return UNITS[number]
    if number < 100:
        tail = f" y {UNITS[number % 10]}" if number % 10 else ""
        return TENS[number // 10] + tail
    if number == 100:
        return "cien"
    if number < 1000:
        tail = f" {in_words(number % 100)}" if number % 100 else ""
        return HUNDREDS[number // 100] + tail
    thousands = "mil" if number < 2000 else f"{before_noun(number // 1000)} mil"
    return thousands + (f" {in_words(number % 1000)}" if number % 1000 else "")


def before_noun(number: int, *, feminine: bool = False) -> str:
    """Return the number as it stands before a noun: "un", "una", "veintiún", "treinta y una"."""
    words = in_words(number)
    if not words.endswith("uno"):
        return words
    if feminine:
        return words[:-1] + "a"
    return words[:-3] + ("ún" if words.endswith("veintiuno") else "un")


def clock(random: Random, minutes: Sequence[str]) -> str:
    """Return a random clock time with its article and part of the day: "las nueve y quince de la mañana".

    ``minutes`` are the spoken minutes to choose from, such as "y quince"; now and then the hour is full.
    """
    hour = random.randint(1, 12)
    part = "de la mañana" if 5 < hour < 12 else random.choice(("de la tarde", "de la tarde", "de la noche"))
    if hour == 12:
        part = "del día"
    name = "la una" if hour == 1 else f"las {UNITS[hour]}"
    return f"{name} {part}" if random.random() < 0.12 else f"{name} {random.choice(minutes)} {part}"
