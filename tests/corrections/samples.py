"""Blocks and journal entries for the pure tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from astra_site.lib.hashing import Sha256
from sessions_app.corrections import Pins

PINS = Pins(
    templates={"TPL_DEBATE": "Debate", "TPL_VOTACION": "Votación", "TPL_LLAMADO_LISTA": "Llamado a lista"},
    zone_map={"TPL_DEBATE": "ZONA_DEBATE", "TPL_VOTACION": "ZONA_VOTACION"},
    default_zone="ZONA_VARIOS",
    tables={"VOTE": "TBL_VOTACION", "ROLL_CALL": "TBL_ASISTENCIA"},
    zones=frozenset({"ZONA_DEBATE", "ZONA_VOTACION", "ZONA_VARIOS"}),
    image_zones=frozenset({"ZONA_DEBATE", "IMG_ANEXO"}),
)


@dataclass
class Entry:
    """A journal entry as the projection reads it."""

    number: int
    kind: str
    sequence_id: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


def span(sequence_id: int = 1, start_ms: int = 1_000, end_ms: int = 5_000) -> dict[str, Any]:
    """A stretch of the recording of an input; an input's recording begins at its number times 10 s."""
    return {
        "sequence_id": sequence_id,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "session_start_ms": sequence_id * 10_000 + start_ms,
        "sha256": str(Sha256.of(f"chunk {sequence_id}".encode())),
    }


def block(sequence_id: int = 1, part: int = 0, text: str = "uno dos tres cuatro", **changes: Any) -> dict[str, Any]:
    """A block of debate with its audio."""
    return {
        "block_id": f"{sequence_id}.{part}",
        "sequence_id": sequence_id,
        "part": part,
        "type": "TEMPLATE",
        "status": "READY",
        "intent": "DEBATE",
        "template_id": "TPL_DEBATE",
        "label": "Debate",
        "target_placeholder": "ZONA_DEBATE",
        "table_id": None,
        "text": text,
        "data": {},
        "speaker": None,
        "topic": None,
        "restricted": False,
        "confidence": 0.9,
        "needs_review": True,
        "audio": span(sequence_id),
        "revision": 1,
        **changes,
    }


def pending(sequence_id: int = 1, **changes: Any) -> dict[str, Any]:
    """The block of audio that nobody could transcribe."""
    unheard = {"type": "AUDIO_PENDING", "status": "ERROR_PENDING_REVIEW", "text": "", "intent": None, "label": ""}
    nowhere = {"template_id": None, "target_placeholder": None, "confidence": None, "data": {"error_code": "x"}}
    return block(sequence_id, **{**unheard, **nowhere, **changes})
