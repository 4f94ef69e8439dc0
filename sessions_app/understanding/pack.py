"""A language pack: formulas, examples, templates and labels, read from the data file beside this module."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from sessions_app.understanding.types import Intent
from sessions_app.understanding.words import Words

_MACRO = re.compile(r"<([A-Z]+)>")


@dataclass(frozen=True, slots=True)
class Rule:
    """A formula of one intent. At a `weight` (from 0 to 1) of 0.6 or more it decides alone."""

    intent: Intent
    weight: float
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Hedge:
    """A sign of reported, past, conditional or argued speech.

    `penalty` is taken off the weight of a formula that follows the sign, `penalty_after` of one that precedes it.
    """

    penalty: float
    penalty_after: float
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Markers:
    """Patterns over folded text that steer the dialogue. What each one means stands beside it in the data file."""

    quorum_settled: re.Pattern[str]
    roll_call_ordered: re.Pattern[str]
    agenda_ordered: re.Pattern[str]
    agenda_read: re.Pattern[str]
    agenda_item: re.Pattern[str]
    agenda_title: re.Pattern[str]
    courtesy: re.Pattern[str]
    imperative_clause: re.Pattern[str]
    single_ballot: re.Pattern[str]
    glue_anchors: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything the engine knows about a language before it knows the tenant. `examples` are folded.

    `keywords` are what a misheard word may be repaired to; `known_words` are right as they are.
    """

    templates: Mapping[Intent, str]
    labels: Mapping[Intent, str]
    rules: tuple[Rule, ...]
    examples: Mapping[Intent, tuple[str, ...]]
    hedges: tuple[Hedge, ...]
    markers: Markers
    subordinators: frozenset[str]
    keywords: frozenset[str]
    known_words: frozenset[str]


@lru_cache(maxsize=4)
def load_pack(name: str) -> Pack:
    """Read a pack that comes with this package, for example `pack_es.toml`."""
    source = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return _pack(tomllib.loads(source), source)


def _pack(data: Mapping[str, Any], source: str) -> Pack:
    macros: Mapping[str, str] = data["macros"]

    def compiled(pattern: str, *, whole_words: bool = False) -> re.Pattern[str]:
        expanded = _MACRO.sub(lambda found: macros[found[1]], pattern)
        return re.compile(rf"\b(?:{expanded})\b" if whole_words else expanded)

    intents = {Intent(name): entry for name, entry in data["intents"].items()}
    markers = dict(data["markers"])
    subordinators = frozenset(markers.pop("subordinators").split())
    return Pack(
        templates={intent: entry["template"] for intent, entry in intents.items()},
        labels={intent: entry["label"] for intent, entry in intents.items()},
        rules=tuple(
            Rule(intent, weight, compiled(pattern, whole_words=True))
            for intent, entry in intents.items()
            for weight, pattern in entry["rules"]
        ),
        examples={
            intent: tuple(Words.of(text).joined for text in entry["examples"]) for intent, entry in intents.items()
        },
        hedges=tuple(
            Hedge(group["penalty"], group["penalty_after"], compiled(pattern, whole_words=True))
            for group in data["hedges"].values()
            for pattern in group["patterns"]
        ),
        markers=Markers(**{name: compiled(pattern) for name, pattern in markers.items()}),
        subordinators=subordinators,
        keywords=frozenset(data["lexicon"]["keywords"].split()),
        known_words=frozenset(Words.of(source).folded),
    )


SPANISH: Final = load_pack("pack_es.toml")
"""The default pack."""
