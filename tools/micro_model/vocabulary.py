"""The words of a Colombian municipal council, read from ``words.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

_WORDS: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))


def word_list(name: str) -> tuple[str, ...]:
    """Return one list of ``words.json`` in its order; raises ``KeyError`` if there is none of that name."""
    return tuple(_WORDS[name])


SURNAMES: Final = word_list("surnames")
HELD_OUT_SURNAMES: Final = word_list("held_out_surnames")
GIVEN_NAMES: Final = word_list("given_names")
PLACES: Final = word_list("places")
TOPICS: Final = word_list("topics")
SLOTS: Final = {name: tuple(values) for name, values in _WORDS["slots"].items()} | {
    name: word_list(source) for name, source in _WORDS["slot_lists"].items()
}
"""What may fill each slot of a template; a value may hold slots itself."""
OTHER_LANGUAGES: Final[dict[str, list[str]]] = _WORDS["other_languages"]
