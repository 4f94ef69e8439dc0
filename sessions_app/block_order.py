"""Where a block stands in the document: a text that sorts. Pure.

A block that nobody moved stands where it was spoken: `0000007.0000002` is part 2 of input 7. A block that a clerk put
elsewhere gets the key of its new neighbour and a fraction behind it: `0000004.0000001.i`. Between any two keys there is
always another one, and a key never changes because something else is moved or arrives later; so the order is the same
whether blocks come one by one or are read from the journal at once, and equal for every order of arrival
(docs/adr/0013-corrections-in-the-journal.md).

Keys alternate between stems, which are numbers of a fixed width, and fractions. A point sorts before every digit, so
what follows a stem stands before the next stem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sessions_app.blocks import ASSET_PART_BASE

_WIDTH = 7
_FIRST = "-"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_UNFINISHED = frozenset({"PROCESSING", "AUDIO_PENDING"})


def natural_key(sequence_id: int, part: int) -> str:
    """Return the key of a block that stands where it was spoken."""
    return f"{sequence_id:0{_WIDTH}d}.{part:0{_WIDTH}d}"


def key_of(block: Mapping[str, Any]) -> str:
    """Return the key of a block: the one that it was given, or that of its place in the session."""
    return str(block.get("order") or natural_key(block["sequence_id"], block["part"]))


def key_after(block: Mapping[str, Any], taken: Iterable[str]) -> str:
    """Return a key right behind a block, before everything else that stands there; `taken` are the keys in use.

    Behind an input that has no text yet is behind everything that will become of it.
    """
    key = key_of(block)
    if _UNFINISHED & {block["status"], block["type"]} and key == natural_key(block["sequence_id"], block["part"]):
        key = natural_key(block["sequence_id"], ASSET_PART_BASE - 1)
    stem, fraction = _split(key)
    later = [other for other in _fractions(stem, taken) if fraction is None or other > fraction]
    return f"{stem}.{_between(fraction or '', min(later, default=None))}"


def key_before(block: Mapping[str, Any], taken: Iterable[str]) -> str:
    """Return a key right before a block, behind everything else that stands there."""
    stem, fraction = _split(key_of(block))
    if fraction is None:
        stem = _stem_before(stem)
    earlier = [other for other in _fractions(stem, taken) if fraction is None or other < fraction]
    return f"{stem}.{_between(max(earlier, default=''), fraction)}"


def keys_within(key: str, count: int) -> list[str]:
    """Return keys for the blocks that take the place of one: all behind `key`, before what stands behind it."""
    return [key] if count == 1 else [f"{key}.{number:0{_WIDTH}d}" for number in range(count)]


def _split(key: str) -> tuple[str, str | None]:
    """Return the stem of a key, and its fraction where it has one."""
    parts = key.split(".")
    is_stem = len(parts) % 2 == 0
    return (key, None) if is_stem else (".".join(parts[:-1]), parts[-1])


def _stem_before(stem: str) -> str:
    head, _, last = stem.rpartition(".")
    return f"{head}.{_FIRST}" if int(last) == 0 else f"{head}.{int(last) - 1:0{_WIDTH}d}"


def _fractions(stem: str, taken: Iterable[str]) -> list[str]:
    """Return the fractions in use behind a stem; keys nested in one count as that one."""
    prefix = f"{stem}."
    return [key[len(prefix) :].split(".")[0] for key in taken if key.startswith(prefix)]


def _between(low: str, high: str | None) -> str:
    """Return a fraction between two others (`""`: nothing below, None: nothing above).

    One that is put at an end stays close to its neighbour, so that many of them in a row stay short. Fractions never
    end in 0, so that there is always one between two of them.
    """
    at_start, at_end = low == "" and high is not None, low != "" and high is None
    found = ""
    while True:
        position = len(found)
        below = _digit(low, position)
        above = len(_DIGITS) if high is None else _digit(high, position)
        if above - below > 1:
            middle = above - 1 if at_start else below + 1 if at_end else (below + above) // 2
            return found + _DIGITS[middle]
        found += _DIGITS[below]
        if above > below:
            high = None  # whatever follows now is below it


def _digit(fraction: str, position: int) -> int:
    return _DIGITS.index(fraction[position]) if position < len(fraction) else 0
