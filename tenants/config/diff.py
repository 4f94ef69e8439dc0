"""Differences between two contents of a configuration: each with its path, before and after. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_MISSING: Final = object()
_LISTS: Final = frozenset({"members", "hotwords", "samples"})


class Change(StrEnum):
    """What happened to a value."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs; `before` is None where it was added, `after` where it was removed."""

    path: tuple[str, ...]
    change: Change
    before: Any
    after: Any

    @property
    def group(self) -> str:
        """The part of the configuration it belongs to: `zone_map`, `entity_dictionary` …"""
        return self.path[0]

    def to_json(self) -> dict[str, Any]:
        """Return the difference as it is kept in the audit trail."""
        return {"path": list(self.path), "change": str(self.change), "before": self.before, "after": self.after}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return what differs, in the order of paths. Objects are compared member by member, lists as sets of entries.

    Order in a list of names means nothing to a session, so a list in another order is no difference.
    """
    return list(_compare((), before, after))


def applied(content: Mapping[str, Any], changes: Iterable[Difference]) -> dict[str, Any]:
    """Return another content with the same changes made; where both changed one value, these changes win."""
    result: dict[str, Any] = copy.deepcopy(dict(content))
    for change in changes:
        *way, last = change.path
        holder: Any = result
        for step in way:
            holder = holder.setdefault(step, [] if step in _LISTS else {})
        if isinstance(holder, list):
            _apply_to_list(holder, change)
        elif change.change is Change.REMOVED:
            holder.pop(last, None)
        else:
            holder[last] = copy.deepcopy(change.after)
    return result


def _apply_to_list(held: list[Any], change: Difference) -> None:
    if change.change is Change.REMOVED and change.before in held:
        held.remove(change.before)
    elif change.change is Change.ADDED and change.after not in held:
        held.append(change.after)


def grouped(found: Iterable[Difference]) -> dict[str, list[Difference]]:
    """Return the differences by the part of the configuration that they belong to."""
    groups: dict[str, list[Difference]] = {}
    for difference in found:
        groups.setdefault(difference.group, []).append(difference)
    return groups


def _compare(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _compare((*path, key), before.get(key, _MISSING), after.get(key, _MISSING))
    elif isinstance(before, list) and isinstance(after, list):
        yield from (_gone((*path, str(item)), item) for item in before if item not in after)
        yield from (_new((*path, str(item)), item) for item in after if item not in before)
    elif before is _MISSING:
        yield from _parts(path, after, _new)
    elif after is _MISSING:
        yield from _parts(path, before, _gone)
    elif before != after:
        yield Difference(path, Change.CHANGED, before, after)


def _parts(path: tuple[str, ...], value: Any, made: Any) -> Iterator[Difference]:
    """Take a whole part that came or went apart, so that every line names one value."""
    if isinstance(value, Mapping) and value and len(path) < 2:
        for key in sorted(value):
            yield made((*path, key), value[key])
    elif isinstance(value, list) and value:
        yield from (made((*path, str(item)), item) for item in value)
    elif value not in ({}, []):
        yield made(path, value)


def _new(path: tuple[str, ...], value: Any) -> Difference:
    return Difference(path, Change.ADDED, None, value)


def _gone(path: tuple[str, ...], value: Any) -> Difference:
    return Difference(path, Change.REMOVED, value, None)
