"""The spoken script of the demonstration session: a council sitting of about four minutes.

The script is the ground truth of the demonstration recording. It is pure data: who speaks, with which
synthetic voice, what they say, and how long the room is silent afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PRESIDENT: Final = "Carlos Alberto Restrepo"
SECRETARY: Final = "Luz Dary Cárdenas"

MEMBERS: Final[tuple[str, ...]] = (
    PRESIDENT,
    "John Mosquera",
    "María Ospina",
    "Andrés Valencia",
    "Gloria Murillo",
    "Héctor Zapata",
    "Sandra Quintero",
    "Jorge Caicedo",
    "Patricia Hurtado",
)
"""Every member of the council in the order of the roll call, spelled as the minutes must spell them."""

ATTENDANCE: Final[dict[str, str]] = {
    name: {"Héctor Zapata": "absent", "Patricia Hurtado": "excused"}.get(name, "present") for name in MEMBERS
}
"""What the roll call of the script establishes: member name to ``present``, ``absent`` or ``excused``."""

ENTITY_DICTIONARY: Final[dict[str, str]] = {"Jhon": "John"}
"""Spellings the speech engine produces and the minutes must correct."""

CITY: Final = "Quibdó"
CORPORATION: Final = "Concejo Municipal de Quibdó"


@dataclass(frozen=True, slots=True)
class Voice:
    """One espeak-ng voice: its variant, speed in words per minute, and pitch from 0 to 99."""

    name: str
    words_per_min: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Line:
    """One spoken sentence and the silence that follows it, in milliseconds."""

    speaker: str
    text: str
    gap_ms: int


VOICES: Final[dict[str, Voice]] = {
    PRESIDENT: Voice("es-419+m6", 148, 42),
    SECRETARY: Voice("es-419+f4", 150, 50),
    "John Mosquera": Voice("es+pablo", 146, 48),
    "María Ospina": Voice("es-419+Andrea", 148, 52),
    "Andrés Valencia": Voice("es+m6", 152, 58),
    "Gloria Murillo": Voice("es+f4", 145, 60),
    "Sandra Quintero": Voice("es+Andrea", 150, 46),
    "Jorge Caicedo": Voice("es-419+pablo", 150, 36),
}
"""The voice of every speaker. None of these variants is heard while the speech model is trained."""

_SENTENCE_MS: Final = 450
_PARAGRAPH_MS: Final = 700
_TURN_MS: Final = 1100


def _turn(speaker: str, *sentences: str, pause_ms: int = _SENTENCE_MS) -> tuple[Line, ...]:
    """Return what one speaker says before the floor passes on; the last sentence is followed by a longer pause."""
    last = len(sentences) - 1
    return tuple(
        Line(speaker, text, _TURN_MS if position == last else pause_ms) for position, text in enumerate(sentences)
    )


_OPENING: Final = (
    *_turn(
        PRESIDENT,
        "Buenos días, honorables concejales.",
        "Siendo las nueve y quince de la mañana, se abre la sesión ordinaria de hoy.",
        "Señora secretaria, sírvase llamar a lista.",
        pause_ms=_PARAGRAPH_MS,
    ),
    *_turn(
        SECRETARY,
        "Con gusto, señor presidente.",
        "Concejal Carlos Alberto Restrepo. Presente.",
        "Concejal John Mosquera. Presente.",
        "Concejala María Ospina. Presente.",
        "Concejal Andrés Valencia. Presente.",
        "Concejala Gloria Murillo. Presente.",
        "Concejal Héctor Zapata. Ausente.",
        "Concejala Sandra Quintero. Presente.",
        "Concejal Jorge Caicedo. Presente.",
        "Concejala Patricia Hurtado. Excusada.",
        "Hay siete concejales presentes, hay quórum para deliberar y decidir.",
        pause_ms=_PARAGRAPH_MS,
    ),
    *_turn(PRESIDENT, "Sírvase leer el orden del día."),
    *_turn(
        SECRETARY,
        "El orden del día es el siguiente.",
        "Primero, llamado a lista.",
        "Segundo, debate sobre el alumbrado público.",
        "Tercero, proposiciones.",
        "Cuarto, varios.",
        pause_ms=_PARAGRAPH_MS,
    ),
)

_DEBATE: Final = (
    *_turn(PRESIDENT, "Tiene la palabra la concejala María Ospina."),
    *_turn(
        "María Ospina",
        "Muchas gracias, señor presidente.",
        "El alumbrado público de la zona rural está en mal estado.",
        "En la vereda La Esperanza las familias llevan tres meses sin luz.",
        "Los jóvenes salen del colegio de noche y tienen miedo de caminar.",
        "Pido que la administración presente un plan de trabajo antes de diciembre.",
    ),
    *_turn(PRESIDENT, "Tiene la palabra el concejal John Mosquera."),
    *_turn(
        "John Mosquera",
        "Gracias, presidente, y un saludo a la comunidad.",
        "En la sesión pasada votamos a favor del presupuesto para las vías.",
        "Hoy el hospital necesita médicos y el acueducto necesita tubería nueva.",
        "No podemos aprobar una obra sin conocer su costo.",
        "Propongo revisar el contrato con la empresa de energía.",
    ),
    *_turn(PRESIDENT, "Tiene la palabra el concejal Andrés Valencia."),
    *_turn(
        "Andrés Valencia",
        "Señor presidente, comparto la preocupación de mis compañeros.",
        "Cuando se abrió la sesión de mayo, la secretaría de obras prometió treinta lámparas nuevas.",
        "Hasta hoy solamente llegaron doce lámparas al barrio.",
        "La seguridad de los vecinos también depende de una buena iluminación.",
    ),
    *_turn(PRESIDENT, "Tiene la palabra la concejala Gloria Murillo."),
    *_turn(
        "Gloria Murillo",
        "Muchas gracias.",
        "Los conductores del transporte público se quejan del estado de las vías.",
        "Invito al secretario de gobierno a visitar el mercado municipal.",
    ),
)

_PROPOSITION: Final = (
    *_turn(
        PRESIDENT,
        "Se cierra el debate y pasamos al tercer punto, proposiciones.",
        "Señora secretaria, sírvase leer la proposición.",
    ),
    *_turn(
        SECRETARY,
        "Proposición número doce, presentada por la concejala Sandra Quintero.",
        "Solicítese a la alcaldía un informe sobre el alumbrado público de las veredas.",
    ),
    *_turn(PRESIDENT, "Tiene la palabra la concejala Sandra Quintero."),
    *_turn(
        "Sandra Quintero",
        "Esta proposición busca que el informe llegue en quince días.",
        "La gente del campo merece una respuesta clara.",
    ),
    *_turn(PRESIDENT, "Se somete a votación la proposición número doce."),
    *_turn(
        SECRETARY,
        "Señor presidente, el resultado de la votación es el siguiente.",
        "Cinco votos a favor, uno en contra y una abstención, queda aprobada la proposición número doce.",
        pause_ms=_PARAGRAPH_MS,
    ),
)

_CLOSING: Final = (
    *_turn(
        PRESIDENT,
        "Pasamos al último punto, proposiciones y varios.",
        "Tiene la palabra el concejal Jorge Caicedo.",
    ),
    *_turn(
        "Jorge Caicedo",
        "Gracias, señor presidente.",
        "Quiero felicitar a los profesores del colegio por las fiestas de la educación.",
        "El próximo viernes hay una reunión con los líderes de la vereda El Progreso.",
    ),
    *_turn(PRESIDENT, "¿Alguna otra intervención?"),
    *_turn(SECRETARY, "No hay más intervenciones, señor presidente."),
    *_turn(
        PRESIDENT,
        "Agotado el orden del día, siendo las once y treinta de la mañana, se levanta la sesión.",
        "Muchas gracias a todos.",
        pause_ms=_PARAGRAPH_MS,
    ),
)

SCRIPT: Final[tuple[Line, ...]] = (*_OPENING, *_DEBATE, *_PROPOSITION, *_CLOSING)
"""Every line of the session, in spoken order."""
