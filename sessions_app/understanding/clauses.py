"""The structured data of the other intents: times, floor, proposition, agenda, recess."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final

from sessions_app.understanding.entities import ROLES, Names
from sessions_app.understanding.pack import SPANISH
from sessions_app.understanding.times_es import TimeFound, find_time
from sessions_app.understanding.types import DialogueContext, Proposition
from sessions_app.understanding.votes import NumberedWords
from sessions_app.understanding.words import Words, word_index_at

_FLOOR: Final = re.compile(
    r"\b(?:palabra(?: (?:la|lo) tiene)?|adelante|"
    r"siga|prosiga|continue|continua|interviene|intervendra|escuchamos|escuchemos|oigamos|invito|"
    r"invitamos|interpelacion|replica|mocion(?: de orden)?)"
    r"(?: (?:con la palabra|hasta|por|para|una|cerrar|intervenir|responder|iniciar|empezar|#?\d+|(?:\w+ )?minutos))*\b"
)
_BEFORE_PALABRA: Final = re.compile(r"\b(?:tiene|en uso de|puede|continue|adelante|lo escuchamos|la escuchamos)\b")
_AUTHOR: Final = re.compile(
    r"\b(?:presentada|suscrita|firmada|radicada|propuesta|autoria|iniciativa)(?: por| de| del)+\b|"
    r"\bproposicion(?: #\d+)? (?:del|de la)\b"
)
_OWN: Final = re.compile(r"\b(?:me permito|presento|radico|propongo|quiero|deseo|solicito|leo|dejo)\b")
_NAMED: Final = re.compile(r"\b(?:proposicion|mocion)(?:es)?\b")
_ANOTHER: Final = re.compile(r"\b(?:una|otra|nueva|siguiente|dos|tres|varias) (?:proposicion|mocion)(?:es)?\b")
_PROPOSITION_NUMBER: Final = re.compile(r"\b(?:proposicion|mocion)(?: numero| no| nro)? #(\d+)")
_TEXT_STARTS: Final = re.compile(
    r"\b(?:siguiente (?:proposicion|mocion)|dice asi|dice lo siguiente|que dice|dice|reza|consistente en|"
    r"en el sentido de|mediante la cual|por la cual|por medio de la cual|cuyo texto es)\b|"
    r"\b(?=(?:citese|invitese|solicitese|exhortese|requierase|otorguese|creese|convoquese|conformese|oficiese|"
    r"declarese|citar|invitar|solicitar|exhortar|requerir|para que|el concejo (?:municipal|distrital)|"
    r"que se (?:cite|invite|solicite)))"
)
_RECESS_MINUTES: Final = re.compile(r"#(\d+) (minutos?|horas?)")
_ANNOUNCED: Final = re.compile(r"\bsiendo las? ")
_CALLED: Final = re.compile(r"\b(?:cita|citamos|citan|citado|citados|convoca|convocamos|convocan|convocados|proxima)\b")
_PUNCTUATION: Final = ' \t\n,;:.-"«»“”'


def read_speaker(words: Words, names: Names) -> str | None:
    """Return who gets the floor: a member's full name if it is one, else what was said, or `None`."""
    candidates: list[int] = []
    for found in _FLOOR.finditer(words.joined):
        candidates.append(word_index_at(words.joined, found.end() - 1) + 1)
    for start in candidates:
        for index in range(start, min(start + 6, len(words))):
            if words.folded[index] in ROLES:
                return _role_at(words, index)
            person = names.person_at(words, index)
            if person is not None and (person.is_member or index <= start + 1):
                return person.name
    before = _BEFORE_PALABRA.search(words.joined)
    if before is None:
        return None
    for index in range(word_index_at(words.joined, before.start())):
        person = names.person_at(words, index)
        if person is not None and (person.is_member or words.folded[index] in {"concejal", "concejala"}):
            return person.name
    return None


def _role_at(words: Words, index: int) -> str:
    """A post with what it is of: `secretario de gobierno`."""
    stop = index + 1
    while stop < len(words) and stop - index < 6 and not words.pause_after(stop - 1):
        if words.folded[stop] in {"por", "para", "hasta", "quien", "que"}:
            break
        stop += 1
    return words.original(index, stop)


def read_proposition(words: Words, names: Names, context: DialogueContext) -> dict[str, Any]:
    """Return number, text and author.

    Who says "me permito presentar" is the author, if the floor is known. What goes on with a proposition that was
    announced before, and not yet voted on, has the number and the author that were said there.
    """
    numbered = NumberedWords.of(words)
    number = _PROPOSITION_NUMBER.search(numbered.joined)
    author = _AUTHOR.search(numbered.joined)
    is_own = _OWN.search(words.joined) is not None
    is_clause = not is_own and _NAMED.search(words.joined) is None
    is_new = is_own or number is not None or _ANOTHER.search(words.joined) is not None
    before = context.proposition if context.proposition is not None and not is_new else Proposition()
    name = before.author
    if author is not None:
        name = _authors(words, _after(numbered, author.end()), names) or name
    elif is_own:
        name = context.floor_holder
    text = words.text.strip(_PUNCTUATION) if is_clause and author is None else _proposition_text(words)
    return {"number": number[1] if number else before.number, "text": text, "author": name}


def _authors(words: Words, first: int, names: Names) -> str | None:
    """Return the persons named from word `first` on: `Ana Ríos, Luis Paz y Marta Agudelo`."""
    found: list[str] = []
    person = names.person_at(words, first)
    while person is not None:
        found.append(person.name)
        stop = person.stop
        joins = stop < len(words) and (words.folded[stop] == "y" or words.pause_after(stop - 1))
        following = names.person_at(words, stop + (words.folded[stop] == "y")) if joins else None
        person = following if following is not None and following.is_member else None
    return " y ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else found[0] if found else None


def read_session_time(words: Words) -> TimeFound | None:
    """Return the time at which the session opens or closes, or `None`.

    `Siendo las …` comes first; a time to which the next session is called is none.
    """
    announced = _ANNOUNCED.search(words.joined)
    if announced is not None:
        return find_time(words.after(word_index_at(words.joined, announced.start())))
    found = find_time(words)
    called = _CALLED.search(words.joined)
    if found is None or (called is not None and word_index_at(words.joined, called.start()) < found.first):
        return None
    return found


def _after(numbered: NumberedWords, end: int) -> int:
    token = word_index_at(numbered.joined, end - 1) + 1
    return numbered.firsts[token] if token < len(numbered.firsts) else len(numbered.firsts)


def _proposition_text(words: Words) -> str | None:
    start = _TEXT_STARTS.search(words.joined)
    if start is None:
        return None
    index = word_index_at(words.joined, start.end()) + (1 if start[0] else 0)
    text = words.text[words.items[index].start :].strip(_PUNCTUATION) if index < len(words) else ""
    return text[:1].upper() + text[1:] if text else None


def read_agenda_items(sentences: tuple[Words, ...]) -> list[str]:
    """Return the points of an agenda, one per ordinal or number that begins a clause."""
    items: list[str] = []
    for words in sentences:
        cuts = [index for index in range(len(words)) if _begins_item(words, index)]
        if not cuts and SPANISH.markers.agenda_title.search(words.joined):
            items.append(words.original(0, len(words)))
        for cut, stop in pairwise([*cuts, len(words)]):
            item = _item_text(words, cut, stop)
            if item:
                items.append(item)
    return items


def _begins_item(words: Words, index: int) -> bool:
    if index > 0 and not words.pause_after(index - 1) and words.folded[index - 1] != "dia":
        return False
    found = SPANISH.markers.agenda_item.match(" ".join(words.folded[index : index + 4]))
    if found is None:
        return False
    stop = index + found[0].count(" ") + 1
    if stop >= len(words):
        return False
    return words.pause_after(stop - 1) or words.folded[stop] not in {"votos", "de", "debate", "concejales", "minutos"}


def _item_text(words: Words, first: int, stop: int) -> str:
    found = SPANISH.markers.agenda_item.match(" ".join(words.folded[first : first + 4]))
    start = first + (found[0].count(" ") + 1 if found else 0)
    while start < stop and words.folded[start] in {"punto", "lugar", "y"}:
        start += 1
    while stop > start and words.folded[stop - 1] == "y":
        stop -= 1
    text = words.original(start, stop)
    return text[:1].upper() + text[1:]


def read_recess(words: Words) -> dict[str, Any]:
    """Return the length of a recess in minutes, or `None` when it wasn't said."""
    found = _RECESS_MINUTES.search(NumberedWords.of(words).joined)
    if found is None:
        return {"minutes": 30 if "media hora" in words.joined else None}
    return {"minutes": int(found[1]) * (60 if found[2].startswith("hora") else 1)}
