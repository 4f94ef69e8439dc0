"""The roll call: names that are called and the answers to them, also when they come in different utterances."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sessions_app.understanding.entities import MEMBER_TITLES, ROLES, Names
from sessions_app.understanding.types import AttendanceEntry, Presence
from sessions_app.understanding.words import Words

_ANSWERS: Final[tuple[tuple[Presence, re.Pattern[str]], ...]] = tuple(
    (presence, re.compile(pattern))
    for presence, pattern in (
        (
            Presence.EXCUSED,
            r"(?:(?:esta |se encuentra )?(?:ausente|no asiste|no asistio|no asistira|no esta|no se encuentra) )?"
            r"(?:(?:con|presento|presenta|presentada|tiene|envio|paso|por|mediante|y|su|una|esta|ha|presentado|dejo|"
            r"fue|es) )*"
            r"(?:excusas?|excusad[oa]|excuso|se excus[ao]|licencia|incapacidad|incapacitad[oa]|permiso)\b(?: medica)?",
        ),
        (
            Presence.ABSENT,
            r"(?:ausentes?|no asiste|no asistio|no contesta|no contesto|no responde|no respondio|no se encuentra|"
            r"no esta|sin respuesta|falta|no ha llegado)\b",
        ),
        (Presence.PRESENT, r"(?:presentes?|aqui|asiste|se encuentra|si senor\w*|a la orden)\b"),
    )
)
_LISTS: Final = re.compile(r"\b(?:lista|quorum|llamado)\b")
_NOT_AN_ANSWER_AFTER: Final = frozenset({"la", "el", "los", "las", "estan", "concejales", "miembros", "mas"})
_NOT_AN_ANSWER_BEFORE: Final = frozenset(
    {"sesion", "acta", "proposicion", "acuerdo", "en", "la", "el", "los", "nueve", "votos", "y"}
)


@dataclass(frozen=True, slots=True)
class AttendanceRead:
    """What a text of the roll call says.

    `called_name` was called and has no answer yet. `is_incomplete`: a name went without an answer, or an answer
    without a name. `coverage` is the share of the words, from 0 to 1, that are names, titles and answers.
    """

    entries: tuple[AttendanceEntry, ...]
    called_name: str | None
    answered_name: str | None
    is_incomplete: bool
    coverage: float


@dataclass
class _Reader:
    called: str | None
    answered: str | None
    is_incomplete: bool = False

    def __post_init__(self) -> None:
        self.entries: dict[str, AttendanceEntry] = {}

    def call(self, name: str) -> None:
        if self.called is not None and self.called != name:
            self.is_incomplete = True
        self.called = name

    def answer(self, presence: Presence) -> None:
        name = self.called
        if name is None and presence is Presence.EXCUSED:
            name = self.answered
        if name is None:
            self.is_incomplete = True
            return
        self.entries[name] = AttendanceEntry(name=name, presence=presence.value)
        self.called, self.answered = None, name


def read_attendance(words: Words, names: Names, called: str | None, answered: str | None) -> AttendanceRead:
    """Read names and answers from left to right.

    Args:
        words: the text, repaired for matching.
        names: the tenant's names.
        called: the name that was called before this text and waits for its answer.
        answered: the last name that was answered; a later "con excusa" belongs to it.
    """
    reader = _Reader(called, answered)
    index, covered = 0, 0
    while index < len(words):
        stop = _read_answer(words, index, reader) or _read_name(words, index, names, reader)
        if stop is None and words.folded[index] in MEMBER_TITLES | ROLES | {"senor", "senora", "el", "la", "y"}:
            stop = index + 1
        covered += (stop - index) if stop else 0
        index = stop or index + 1
    return AttendanceRead(
        entries=tuple(reader.entries.values()),
        called_name=reader.called,
        answered_name=reader.answered,
        is_incomplete=reader.is_incomplete,
        coverage=covered / len(words) if len(words) else 0.0,
    )


def _read_answer(words: Words, index: int, reader: _Reader) -> int | None:
    if index and words.folded[index - 1] in _NOT_AN_ANSWER_AFTER and not words.pause_after(index - 1):
        return None
    rest = " ".join(words.folded[index : index + 8])
    for presence, pattern in _ANSWERS:
        found = pattern.match(rest)
        if found is None:
            continue
        stop = index + found[0].count(" ") + 1
        if stop < len(words) and words.folded[stop] in _NOT_AN_ANSWER_BEFORE and not words.pause_after(stop - 1):
            return None
        reader.answer(presence)
        return stop
    return None


def _read_name(words: Words, index: int, names: Names, reader: _Reader) -> int | None:
    has_title = words.folded[index] in MEMBER_TITLES
    person = names.person_at(words, index) if has_title else names.member_at(words, index, shortest=_shortest(words))
    if person is None or _LISTS.search(" ".join(words.folded[person.first : person.stop])):
        return None
    reader.call(person.name)
    return person.stop


def _shortest(words: Words) -> int:
    """A lone surname is a call only when little else is said."""
    return 1 if len(words) <= 3 else 2
