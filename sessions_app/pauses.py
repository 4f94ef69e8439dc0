"""Pauses of a session: the note that stands where more than a minute passed between two inputs. Pure.

Silence that was recorded is no pause: what counts is the time of which there is no audio, by the client's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from astra_site.lib.clock import iso_utc
from sessions_app.blocks import note_block

LONGEST_SILENT_GAP: Final = timedelta(seconds=60)
_BELIEVED: Final = (1970, 9000)  # years with which every calculation here stays a date
_UNITS: Final = (("hora", 3600), ("minuto", 60), ("segundo", 1))


def captured_at(payload: Mapping[str, Any]) -> datetime | None:
    """Return when the client began to capture an input, None where it did not say or its clock is far off."""
    said = payload.get("captured_at")
    try:
        moment = datetime.fromisoformat(said) if said else None
    except ValueError:  # a year of less than four digits
        return None
    return moment if moment and _BELIEVED[0] <= moment.year <= _BELIEVED[1] else None


def captured_end(payload: Mapping[str, Any], audio_duration_ms: int | None) -> datetime | None:
    """Return when the capture of an input ended: as long as the client says it took, else as long as its audio is."""
    began = captured_at(payload)
    if began is None:
        return None
    said_ms = payload.get("captured_duration_ms")
    return began + timedelta(milliseconds=(audio_duration_ms or 0) if said_ms is None else said_ms)


def pause_block(sequence_id: int, began: datetime, ended: datetime, time_zone: str) -> dict[str, Any] | None:
    """Return the note of a pause before an input; None for a gap of at most a minute and for a clock that went back.

    Times are those of the session's own time zone; a pause over midnight names the days too.
    """
    if ended - began <= LONGEST_SILENT_GAP:
        return None
    zone = ZoneInfo(time_zone)
    first, last = began.astimezone(zone), ended.astimezone(zone)
    if first.date() == last.date():
        when = f"de {first:%H:%M:%S} a {last:%H:%M:%S}"
    else:
        when = f"del {first:%d/%m/%Y} a las {first:%H:%M:%S} al {last:%d/%m/%Y} a las {last:%H:%M:%S}"
    data = {
        "pause_ms": (ended - began) // timedelta(milliseconds=1),
        "from": iso_utc(began),
        "to": iso_utc(ended),
    }
    return note_block(sequence_id, f"Pausa de {spoken_length(ended - began)}, {when}.", data)


def spoken_length(length: timedelta) -> str:
    """Return a length in Spanish words and figures, to the second: `2 minutos y 5 segundos`."""
    rest_s = int(length.total_seconds())
    parts = []
    for name, size_s in _UNITS:
        count, rest_s = divmod(rest_s, size_s)
        if count:
            parts.append(f"{count} {name}" if count == 1 else f"{count} {name}s")
    return " y ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
