"""What the configuration asks of CORE, which lives above: its intents, and what it makes of an utterance.

The app that owns CORE registers it when it is ready; without one nothing is known and nothing can be tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class KnownIntent:
    """An intent that CORE finds: its label, the template of its blocks, and the keys of its data in table rows.

    `rows` says how the data becomes rows: one per entry of a roll call (`attendance`) or one per block (`self`).
    """

    name: str
    label: str
    template_id: str
    fields: tuple[str, ...] = ()
    rows: str = "self"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What one part of a tried utterance becomes: intent, template, place, and the passage as the document shows it.

    `place` is where the builder really put it, empty for the end of the document. `table_rows` are the cells of the
    rows that it adds to `table_id`.
    """

    text: str
    intent: str
    label: str
    template_id: str
    is_known: bool
    confidence: float
    needs_review: bool
    place: str
    is_default_place: bool
    passage: str
    table_id: str | None = None
    table_rows: tuple[tuple[str, ...], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


class Core(Protocol):
    """What is asked of CORE and the builder."""

    def intents(self) -> tuple[KnownIntent, ...]:
        """Return every intent that CORE can find, in the order of a session."""
        ...

    def rehearse(self, utterance: str, content: Mapping[str, Any], skeleton: bytes) -> tuple[Rehearsed, ...]:
        """Take an utterance through CORE and the builder with a configuration that is not published; keep nothing.

        Raises CORE's and the builder's errors.
        """
        ...


_registered: list[Core] = []


def register_core(core: Core) -> None:
    """Say who knows CORE, once per process, from `AppConfig.ready`."""
    _registered[:] = [core]


def core() -> Core:
    """Return what was registered."""
    if not _registered:
        raise ImproperlyConfigured("No app has registered CORE for the configuration (register_core).")
    return _registered[0]


def known_fields() -> dict[str, frozenset[str]]:
    """Return the keys of each intent's data."""
    return {intent.name: frozenset(intent.fields) for intent in core().intents()}


def known_templates() -> dict[str, str]:
    """Return the templates that CORE finds by itself, with their labels, in the order of a session."""
    return {intent.template_id: intent.label for intent in core().intents()}
