"""Session dumps for tests: small ones made to order, and one whole council session."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from astra_site.lib.hashing import Sha256

ZONES = {
    "TPL_APERTURA": "ZONA_APERTURA",
    "TPL_LLAMADO_LISTA": "ZONA_LLAMADO_LISTA",
    "TPL_ORDEN_DIA": "ZONA_ORDEN_DIA",
    "TPL_PROPOSICIONES": "ZONA_PROPOSICIONES",
    "TPL_VOTACION": "ZONA_VOTACION",
    "TPL_DEBATE": "ZONA_DEBATE",
    "TPL_VARIOS": "ZONA_VARIOS",
    "TPL_CIERRE": "ZONA_CIERRE",
}
_TEMPLATES = {
    "OPEN_SESSION": "TPL_APERTURA",
    "ROLL_CALL": "TPL_LLAMADO_LISTA",
    "AGENDA": "TPL_ORDEN_DIA",
    "PROPOSITION": "TPL_PROPOSICIONES",
    "VOTE": "TPL_VOTACION",
    "FLOOR_GRANTED": "TPL_DEBATE",
    "DEBATE": "TPL_DEBATE",
    "OTHER_BUSINESS": "TPL_VARIOS",
    "CLOSE_SESSION": "TPL_CIERRE",
}
METADATA: dict[str, Any] = {
    "corporation": "Concejo Municipal de Quibdó",
    "number": "047",
    "city": "Quibdó, Chocó",
    "kind": "Ordinaria",
    "president": "Carlos Alberto Restrepo",
    "secretary": "Luz Dary Cárdenas",
}


def config_content(**changes: Any) -> dict[str, Any]:
    """Return the demonstration council's configuration content, with some keys replaced."""
    content: dict[str, Any] = {
        "schema": "astra.config/1",
        "templates": {name: {"label": name} for name in ZONES},
        "zone_map": dict(ZONES),
        "default_zone": "ZONA_VARIOS",
        "table_map": {
            "ROLL_CALL": {
                "table_id": "TBL_ASISTENCIA",
                "rows": "attendance",
                "columns": {"NOMBRE": "name", "ASISTENCIA": "presence"},
            },
            "VOTE": {
                "table_id": "TBL_VOTACION",
                "rows": "self",
                "columns": {
                    "ASUNTO": "subject",
                    "A_FAVOR": "in_favour",
                    "EN_CONTRA": "against",
                    "ABSTENCIONES": "abstentions",
                    "RESULTADO": "result",
                },
            },
        },
        "field_map": {
            "CORPORACION": "metadata.corporation",
            "NUMERO_ACTA": "metadata.number",
            "CIUDAD": "metadata.city",
            "TIPO_SESION": "metadata.kind",
            "FECHA": "session.date",
            "HORA_APERTURA": "OPEN_SESSION.time",
            "HORA_CIERRE": "CLOSE_SESSION.time",
            "PRESIDENTE": "metadata.president",
            "SECRETARIO": "metadata.secretary",
        },
        "style_map": {"SPEECH": "Intervención", "HEADING": "Título de punto", "NOTE": "Nota del sistema"},
        "image_zone": "IMG_ANEXO",
        "entity_dictionary": {"Jhon": "John"},
        "members": [],
        "hotwords": [],
    }
    return {**content, **changes}


def block(sequence_id: int, text: str, intent: str = "DEBATE", **changes: Any) -> dict[str, Any]:
    """Return one READY block with four seconds of audio; any key can be replaced."""
    template = _TEMPLATES[intent]
    part = changes.get("part", 0)
    made: dict[str, Any] = {
        "block_id": f"{sequence_id}.{part}",
        "sequence_id": sequence_id,
        "part": part,
        "type": "TABLE" if intent in ("VOTE", "ROLL_CALL") else "TEMPLATE",
        "status": "READY",
        "intent": intent,
        "template_id": template,
        "label": intent.title(),
        "target_placeholder": ZONES[template],
        "table_id": {"VOTE": "TBL_VOTACION", "ROLL_CALL": "TBL_ASISTENCIA"}.get(intent),
        "text": text,
        "data": {},
        "speaker": None,
        "topic": None,
        "restricted": False,
        "confidence": 0.93,
        "needs_review": False,
        "audio": {
            "sequence_id": sequence_id,
            "start_ms": 200,
            "end_ms": 4200,
            "session_start_ms": sequence_id * 6000 + 200,
            "sha256": str(Sha256.of(f"chunk {sequence_id}".encode())),
        },
    }
    return {**made, **changes}


def image_block(sequence_id: int, asset_id: str, caption: str | None, data: bytes, **changes: Any) -> dict[str, Any]:
    """Return an IMAGE block for an asset."""
    facts = {"asset_id": asset_id, "caption": caption, "sha256": str(Sha256.of(data))}
    made = block(sequence_id, "", type="IMAGE", intent="DEBATE", data=facts, audio=None)
    return {**made, "intent": None, "template_id": None, "target_placeholder": "IMG_ANEXO", **changes}


def session_dump(
    blocks: Iterable[dict[str, Any]] = (),
    *,
    content: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    **session: Any,
) -> dict[str, Any]:
    """Return a dump around these blocks."""
    content = config_content() if content is None else content
    facts = {
        "id": "019a9f00-0000-7000-8000-000000000001",
        "tenant_id": "019a9f00-0000-7000-8000-0000000000aa",
        "tenant_name": "Concejo Municipal de Quibdó",
        "mode": "batch",
        "client_timezone": "America/Bogota",
        "started_at": "2026-11-20T14:12:00Z",
        "metadata": METADATA if metadata is None else metadata,
        **session,
    }
    return {
        "schema": "astra.session-dump/1",
        "session": facts,
        "config": {
            "id": "019a9f00-0000-7000-8000-0000000000bb",
            "number": 1,
            "sha256": str(Sha256.of_json(content)),
            "content": content,
        },
        "skeleton": {
            "id": "019a9f00-0000-7000-8000-0000000000cc",
            "s3_version_id": None,
            "sha256": str(Sha256.of(b"skeleton")),
        },
        "blocks": list(blocks),
        "assets": {},
    }


def council_session() -> list[dict[str, Any]]:
    """Return the blocks of a short but complete sitting: opening, roll call, agenda, debate, vote, closing."""
    number = itertools.count(1)
    president, secretary = "Presidente Carlos Alberto Restrepo", "Secretaria Luz Dary Cárdenas"
    ospina, mosquera = "Concejala María Ospina", "Concejal John Mosquera"
    calls = (
        ("Carlos Alberto Restrepo", "present"),
        ("John Mosquera", "present"),
        ("María Ospina", "present"),
        ("Andrés Valencia", "present"),
        ("Gloria Murillo", "present"),
        ("Héctor Zapata", "absent"),
        ("Patricia Hurtado", "excused"),
    )
    spoken = {"present": "Presente", "absent": "Ausente", "excused": "Excusada"}
    opening = [
        _said(number, president, "Buenos días, honorables concejales.", "OPEN_SESSION", time=None),
        _said(
            number,
            president,
            "Siendo las nueve y quince de la mañana, se abre la sesión ordinaria de hoy.",
            "OPEN_SESSION",
            time="09:15",
        ),
        _said(number, president, "Señora secretaria, sírvase llamar a lista.", "ROLL_CALL", attendance=[]),
    ]
    roll_call = [
        _said(
            number,
            secretary,
            f"Concejal {name}. {spoken[presence]}.",
            "ROLL_CALL",
            attendance=[{"name": name, "presence": presence}],
        )
        for name, presence in calls
    ]
    debate = [
        _said(number, secretary, "Primero, llamado a lista. Segundo, debate. Tercero, proposiciones.", "AGENDA"),
        _said(number, president, "Tiene la palabra la concejala María Ospina.", "FLOOR_GRANTED", speaker=ospina),
        _said(number, ospina, "El alumbrado público de la zona rural está en mal estado.", "DEBATE"),
        _said(number, ospina, "En la vereda La Esperanza las familias llevan tres meses sin luz.", "DEBATE"),
        block(
            next(number),
            "Pausa de 2 min 10 s en la grabación.",
            type="SYSTEM_NOTE",
            intent="DEBATE",
            target_placeholder=None,
            template_id=None,
            audio=None,
        ),
        _said(number, mosquera, "No podemos aprobar una obra sin conocer su costo.", "DEBATE"),
        block(next(number), "", type="AUDIO_PENDING", status="PENDING", target_placeholder=None, template_id=None),
    ]
    vote = [
        _said(
            number,
            secretary,
            "Proposición número doce, presentada por la concejala Sandra Quintero.",
            "PROPOSITION",
            number="12",
            author="Sandra Quintero",
        ),
        _said(
            number,
            president,
            "Se somete a votación la proposición número doce.",
            "VOTE",
            subject="Proposición número 12",
            in_favour=None,
            against=None,
            abstentions=None,
            result=None,
        ),
        _said(
            number,
            secretary,
            "Cinco votos a favor, uno en contra y una abstención, queda aprobada la proposición número doce.",
            "VOTE",
            subject=None,
            in_favour=5,
            against=1,
            abstentions=1,
            result="approved",
        ),
    ]
    closing = [
        _said(number, mosquera, "Quiero felicitar a los profesores del colegio.", "OTHER_BUSINESS"),
        _said(
            number,
            president,
            "Agotado el orden del día, siendo las once y treinta de la mañana, se levanta la sesión.",
            "CLOSE_SESSION",
            time="11:30",
        ),
    ]
    return [*opening, *roll_call, *debate, *vote, *closing]


def _said(number: itertools.count[int], who: str, text: str, intent: str, /, **data: Any) -> dict[str, Any]:
    return block(next(number), text, intent, speaker=who, data=data)
