"""A pause is a pause whatever is heard later: correcting around it loses no words that are recovered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from sessions_app.blocks import (
    ExplicitContext,
    Pending,
    behind,
    given_up,
    is_pending,
    note_block,
    pending_block,
    review_block,
)
from sessions_app.projection import Projection

NOTE = note_block(2, "Pausa de 2 minutos.", {})
PENDING = pending_block(2, Pending("core_timeout", "https://files.example/2", "Diez votos."), None, ExplicitContext())
WAITING = behind(NOTE, [PENDING])
HEARD = behind(NOTE, [review_block(2, "Diez votos.", "", None, ExplicitContext())])


@dataclass
class Entry:
    number: int
    kind: str
    payload: Mapping[str, Any]
    sequence_id: int | None


def after(*later: tuple[str, dict[str, Any]]) -> list[tuple[str, str, bool]]:
    """Id, text and restriction of every block, after an input, its pending block and these entries."""
    projection = Projection("ZONA")
    entries: list[tuple[str, dict[str, Any]]] = [("audio", {}), ("blocks", {"blocks": WAITING}), *later]
    for number, (kind, payload) in enumerate(entries, start=1):
        projection.apply(Entry(number, kind, payload, None if kind == "edit" else 2))
    return [(block["block_id"], block["text"], block["restricted"]) for block in projection.ordered()]


def edit(before: dict[str, Any], *corrected: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "edit", {"before": [before], "after": list(corrected)}


RECOVERED = ("recovered", {"blocks": HEARD})


def test_the_note_stands_before_what_waits_and_before_what_is_heard() -> None:
    assert [name for name, _, _ in after()] == ["2.0", "2.1"]
    assert after(RECOVERED) == [("2.0", "Pausa de 2 minutos.", False), ("2.1", "Diez votos.", False)]


def test_what_was_said_of_the_pending_block_holds_for_what_is_heard() -> None:
    restricted = edit(WAITING[1], {**WAITING[1], "restricted": True})
    assert after(restricted, RECOVERED)[1] == ("2.1", "Diez votos.", True)


@pytest.mark.parametrize("corrected", [[], [{**NOTE, "text": "Receso."}]])
def test_a_correction_of_the_note_holds_and_keeps_no_words_out(corrected: list[dict[str, Any]]) -> None:
    found = after(edit(NOTE, *corrected), RECOVERED)
    assert found == [*[("2.0", "Receso.", False) for _ in corrected], ("2.1", "Diez votos.", False)]


def test_giving_up_keeps_note_link_and_words() -> None:
    assert is_pending(WAITING)
    review = given_up(WAITING, "core_status", "Diez votos.")
    assert not is_pending(review)
    assert review[0] == NOTE
    assert review[1]["data"] == {"error_code": "core_status", "fallback_url": "https://files.example/2"}
    assert after(("review", {"blocks": review}))[1] == ("2.1", "Diez votos.", False)
