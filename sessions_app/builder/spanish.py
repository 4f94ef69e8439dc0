"""How the minutes write dates, hours, lengths of time and outcomes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_MONTHS: Final = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
    "diciembre",
)  # fmt: skip
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z")

PRESENCE: Final[Mapping[str, str]] = MappingProxyType(
    {"present": "Presente", "absent": "Ausente", "excused": "Excusado"}
)
RESULT: Final[Mapping[str, str]] = MappingProxyType({"approved": "Aprobada", "rejected": "Rechazada"})


def long_date(day: dt.date) -> str:
    """Return a date as in `20 de noviembre de 2026`."""
    return f"{day.day} de {_MONTHS[day.month - 1]} de {day.year}"


def hour_of_day(clock: str) -> str | None:
    """Return `09:15` as `9:15 a. m.` and noon as `12:00 m.`, as Colombia writes it; None for anything else."""
    match = _CLOCK.match(clock)
    if match is None:
        return None
    hour, minute = int(match.group(1)), match.group(2)
    half = "m." if (hour, minute) == (12, "00") else "a. m." if hour < 12 else "p. m."
    return f"{(hour - 1) % 12 + 1}:{minute} {half}"


def position(offset_ms: int) -> str:
    """Return a place in a recording as `hh:mm:ss`."""
    seconds = offset_ms // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
