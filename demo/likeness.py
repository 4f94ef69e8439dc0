"""How alike the minutes of both ways are: everything but the borders between chunks must be the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import Any

from jobs.transcription.wer import normalised_words

Block = Mapping[str, Any]
ALIKE_AT_LEAST = 0.95
_PLACE = ("intent", "template_id", "target_placeholder", "table_id", "speaker")


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive spoken blocks that go to one place in the minutes, with their words and their data put together.

    `place` is intent, template, target placeholder, table and speaker.
    """

    place: tuple[str | None, ...]
    data: Mapping[str, list[Any]]
    words: list[str]


@dataclass(frozen=True, slots=True)
class Likeness:
    """What differs between two ways, in words for a person, and the share of equal words (0 to 1)."""

    differences: list[str]
    words: float

    @property
    def holds(self) -> bool:
        """Say whether both documents say the same."""
        return not self.differences and self.words >= ALIKE_AT_LEAST


def compare(one: Sequence[Block], other: Sequence[Block]) -> Likeness:
    """Compare what two sessions recognised, run by run."""
    runs = spoken_runs(one), spoken_runs(other)
    differences = []
    for number, (left, right) in enumerate(zip_longest(*runs), start=1):
        if left is None or right is None or left.place != right.place:
            differences.append(f"turn {number}: {_named(left)} against {_named(right)}")
            break  # all that follows is out of step
        if left.data != right.data:
            differences.append(f"turn {number}, {_named(left)}: {dict(left.data)} against {dict(right.data)}")
    return Likeness(differences, share_of_equal_words(*([word for run in side for word in run.words] for side in runs)))


def spoken_runs(blocks: Iterable[Block]) -> list[Run]:
    """Return the spoken blocks as runs, in order."""
    spoken = (block for block in blocks if block["type"] in ("TEMPLATE", "TEXT"))
    grouped = groupby(spoken, key=lambda block: tuple(block[name] for name in _PLACE))
    return [_run(place, list(members)) for place, members in grouped]


def share_of_equal_words(one: Sequence[str], other: Sequence[str]) -> float:
    """Return twice the number of words in common, in order, by the number of all words."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _run(place: tuple[str | None, ...], blocks: list[Block]) -> Run:
    return Run(
        place,
        _merged(block["data"] for block in blocks),
        [word for block in blocks for word in normalised_words(block["text"])],
    )


def _merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Put the data of blocks together: lists one after another, other values once each, nothing for unknown ones."""
    merged: dict[str, list[Any]] = {}
    for part in parts:
        for name, value in part.items():
            known = merged.setdefault(name, [])
            if isinstance(value, list):
                known += value
            elif value is not None and value not in known:
                known.append(value)
    return merged


def _named(run: Run | None) -> str:
    return "nothing" if run is None else " ".join(part for part in run.place if part)
