"""Which place a template probably belongs to, and why. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rapidfuzz import fuzz

from tenants.config.checks import Place
from tenants.skeleton.model import PlaceholderKind

_LIKELY_PERCENT: Final = 74
_PREFIXES: Final = frozenset({"tpl", "zona", "zone", "tbl"})


class Reason(StrEnum):
    """Why a place is suggested."""

    SAME_NAME = "same_name"
    SIMILAR_NAME = "similar_name"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A place for a template; `percent` says how alike the two are."""

    place: str
    reason: Reason
    percent: int


def suggest(template_id: str, label: str, places: Iterable[Place]) -> Suggestion | None:
    """Return the zone whose name is most like the template's name, or like what it is called; None for none alike."""
    name, called = _words(template_id), _words(label)
    best: Suggestion | None = None
    for place in places:
        if place.kind != PlaceholderKind.BLOCK_ZONE:
            continue
        own = _words(place.tag)
        if own == name:
            return Suggestion(place.tag, Reason.SAME_NAME, 100)
        by_name, by_label = round(fuzz.ratio(own, name)), round(fuzz.ratio(own, called))
        percent = max(by_name, by_label)
        if percent >= _LIKELY_PERCENT and (best is None or percent > best.percent):
            best = Suggestion(place.tag, Reason.SIMILAR_NAME if by_name >= by_label else Reason.LABEL, percent)
    return best


def _words(name: str) -> str:
    """Return a name without its kind, accents and case: `TPL_VOTACION` and `Votación` are both `votacion`."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    words = "".join(letter if letter.isalnum() else " " for letter in plain).split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in _PREFIXES else words)
