"""A council, and a way to let it speak."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from sessions_app.understanding.engine import EmbeddedCore
from sessions_app.understanding.types import DialogueContext, TenantLanguage, Understanding, Utterance

COUNCIL = TenantLanguage(
    entity_dictionary={"Jhon": "John", "Emcali": "EMCALI", "Ines": "Inés"},
    members=(
        "John Mosquera",
        "Luz Dary Palacios",
        "Hernán Ospina",
        "Marta Agudelo",
        "Carlos Alberto Restrepo",
        "Fabio Alzate",
        "Nubia Lucumí",
        "Tomás Viáfara",
        "Yolanda Riascos",
        "Milton Cuero",
    ),
)


@dataclass
class Dialogue:
    """Carries the context from one call to the next, as a session does."""

    tenant: TenantLanguage = COUNCIL
    context: DialogueContext = field(default_factory=DialogueContext)
    core: EmbeddedCore = field(default_factory=EmbeddedCore)
    heard: list[Understanding] = field(default_factory=list)

    def say(self, *texts: str) -> list[Understanding]:
        """Say each text in a call of its own; return what was understood."""
        understood: list[Understanding] = []
        for text in texts:
            results, self.context = self.core.understand([Utterance(text, 0, 3_000)], self.context, self.tenant)
            understood += results
        self.heard += understood
        return understood

    def attendance(self) -> dict[str, str]:
        """Return name and presence of everybody in the roll call so far."""
        return {
            entry["name"]: entry["presence"]
            for result in self.heard
            for entry in result.structured_data.get("attendance", ())
        }


def main_part(results: Iterable[Understanding]) -> Understanding:
    """Return the longest part of an utterance that was split."""
    return max(results, key=lambda result: len(result.text))


@pytest.fixture
def dialogue() -> Dialogue:
    return Dialogue()
