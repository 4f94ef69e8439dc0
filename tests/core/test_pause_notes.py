"""What the note of a pause says, and when there is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sessions_app.pauses import captured_end, pause_block, spoken_length

MORNING = datetime(2026, 5, 3, 15, 13, 0, tzinfo=UTC)  # 10:13 in Bogotá
SAID = MORNING.isoformat()


def pause(seconds: float, began: datetime = MORNING) -> dict[str, Any] | None:
    return pause_block(2, began, began + timedelta(seconds=seconds), "America/Bogota")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (61, "1 minuto y 1 segundo"),
        (125, "2 minutos y 5 segundos"),
        (120, "2 minutos"),
        (3600, "1 hora"),
        (3601, "1 hora y 1 segundo"),
        (2 * 3600 + 60 + 2, "2 horas, 1 minuto y 2 segundos"),
        (100 * 3600, "100 horas"),
    ],
)
def test_lengths_are_said_in_spanish(seconds: int, said: str) -> None:
    assert spoken_length(timedelta(seconds=seconds)) == said


def test_only_more_than_a_minute_forward_is_a_pause() -> None:
    assert [pause(seconds) for seconds in (-3600, -1, 0, 59.9, 60)] == [None] * 5
    noted = pause(60.001)
    assert noted
    assert (noted["type"], noted["text"]) == ("SYSTEM_NOTE", "Pausa de 1 minuto, de 10:13:00 a 10:14:00.")


def test_a_pause_over_midnight_names_the_days() -> None:
    noted = pause(125, datetime(2026, 5, 4, 4, 59, tzinfo=UTC))
    assert noted
    assert noted["text"] == (
        "Pausa de 2 minutos y 5 segundos, del 03/05/2026 a las 23:59:00 al 04/05/2026 a las 00:01:05."
    )


@pytest.mark.parametrize(
    ("payload", "audio_ms", "ended"),
    [
        ({"captured_at": SAID, "captured_duration_ms": 5_000}, 700, MORNING + timedelta(seconds=5)),
        ({"captured_at": SAID, "captured_duration_ms": 0}, 700, MORNING),
        ({"captured_at": SAID, "captured_duration_ms": None}, 700, MORNING + timedelta(milliseconds=700)),
        ({"captured_at": None, "captured_duration_ms": 5_000}, 700, None),
        ({"codec": "flac"}, 700, None),
    ],
)
def test_the_end_is_what_the_client_says_else_the_length_of_the_audio(
    payload: dict[str, Any], audio_ms: int, ended: datetime | None
) -> None:
    assert captured_end(payload, audio_ms) == ended
