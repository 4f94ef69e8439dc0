"""Names: the tenant's dictionary of corrections, and members' names that a recogniser misspelled.

A correction must never turn one person into another. Two different frequent names are never taken for one
another, nor two names that differ only in a final `o` or `a`; a near miss needs a high score and a clear distance
from every other member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz

from sessions_app.understanding.names_es import COMMON_NAMES
from sessions_app.understanding.words import Words, fold, sound_key

_TITLE_TEXT: Final = """
    concejal concejala conceja consejal consejala concejales honorable doctor doctora dr dra diputado diputada edil
    edila senor senora
"""
_ROLE_TEXT: Final = """
    presidente presidenta secretario secretaria vicepresidente vicepresidenta alcalde alcaldesa personero personera
    contralor contralora gerente director directora ciudadano ciudadana
"""
_NOT_NAME_TEXT: Final = """
    a al ante aqui ausente con cuando de del desde el ella en es esta este excusa excusada excusado favor ha hasta
    hay la las le les lo los mas me muy no nos o para pero por porque presente presentes puede que queda quien se
    si sin sobre su sus tiene tome un una usted ustedes y ya gracias adelante cinco diez tres minutos
"""
TITLES: Final = frozenset(_TITLE_TEXT.split())
MEMBER_TITLES: Final = TITLES - {"senor", "senora", "concejales"}
ROLES: Final = frozenset(_ROLE_TEXT.split())
_NOT_NAMES: Final = frozenset(_NOT_NAME_TEXT.split())
_ARTICLES: Final = frozenset({"el", "la", "los", "las", "al", "a"})
_CONNECTORS: Final = frozenset({"de", "del", "la", "los", "las", "san"})
_ALIKE = 0.95
_TOKEN_FLOOR = 0.72
_SCORE_FLOOR = 0.86
_MARGIN = 0.08
_LONGEST_NAME = 5
_MOST_TITLES = 5


@dataclass(frozen=True, slots=True)
class PersonFound:
    """A person named in a text: the member's own spelling if it is a member, and the words it takes."""

    name: str
    is_member: bool
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Match:
    member: str
    score: float
    spelling: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    parts: tuple[str, ...]
    folded: tuple[str, ...]

    @classmethod
    def of(cls, name: str) -> _Member:
        parts = tuple(name.split())
        return cls(name, parts, tuple(fold(part) for part in parts))


class Names:
    """The names of one tenant, ready for matching.

    Args:
        entity_dictionary: what is heard, mapped to what must be written; whole words, any capitals.
        members: the council's members, spelled as the minutes must spell them.
    """

    def __init__(self, entity_dictionary: Mapping[str, str], members: Sequence[str]) -> None:
        self._members = tuple(_Member.of(member) for member in members)
        entries: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for heard, written in entity_dictionary.items():
            entries.setdefault(Words.of(heard).folded, []).append((heard, written))
        entries.pop((), None)
        self._entries = entries
        self._longest_entry = max((len(key) for key in entries), default=0)

    @property
    def member_words(self) -> frozenset[str]:
        """Every folded word of a member's name."""
        return frozenset(part for member in self._members for part in member.folded)

    def correct(self, text: str) -> str:
        """Return the text with the dictionary applied, then members' misspelled names corrected."""
        return self._correct_members(self._apply_dictionary(text))

    def resolve(self, spoken: str) -> str | None:
        """Return the only member that a spoken name, full or partial, can mean, or `None`."""
        match = self._best(Words.of(spoken).folded)
        return match.member if match is not None else None

    def _apply_dictionary(self, text: str) -> str:
        words = Words.of(text)
        pieces: list[str] = []
        copied, index = 0, 0
        while index < len(words):
            for length in range(min(self._longest_entry, len(words) - index), 0, -1):
                written = self._entry(words, index, index + length)
                if written is not None:
                    pieces += [text[copied : words.items[index].start], written]
                    copied = words.items[index + length - 1].end
                    index += length - 1
                    break
            index += 1
        return "".join([*pieces, text[copied:]])

    def _entry(self, words: Words, first: int, stop: int) -> str | None:
        """Return the correction of these words. A text may lack an entry's accents, but not have others."""
        heard_text = words.original(first, stop)
        for heard, written in self._entries.get(words.folded[first:stop], ()):
            if heard_text.casefold() == heard.casefold() or heard_text.casefold() == fold(heard):
                return written.upper() if heard_text.isupper() and len(heard_text) > 1 else written
        return None

    def _correct_members(self, text: str) -> str:
        words = Words.of(text)
        changes: list[tuple[int, int, str]] = []
        index = 0
        while index < len(words):
            length, spelling = self._misspelled_at(words, index)
            for offset, part in enumerate(spelling):
                item = words.items[index + offset]
                changes.append((item.start, item.end, part))
            index += max(1, length)
        for start, end, part in reversed(changes):
            spelled = part.upper() if text[start:end].isupper() and end - start > 1 else part
            text = text[:start] + spelled + text[end:]
        return text

    def _misspelled_at(self, words: Words, index: int) -> tuple[int, tuple[str, ...]]:
        after_title = index > 0 and words.folded[index - 1] in MEMBER_TITLES
        for length in range(min(_LONGEST_NAME, len(words) - index), 0, -1):
            if length == 1 and not after_title:
                break
            if any(words.pause_after(place) for place in range(index, index + length - 1)):
                continue
            if length == 1 and self._name_goes_on(words, index + 1):
                continue
            match = self._best(words.folded[index : index + length])
            if match is not None:
                return length, match.spelling
        return 0, ()

    def _best(self, spoken: Sequence[str]) -> _Match | None:
        """Return the member that fits best, if it fits well and no other comes near."""
        if not spoken or all(word in _NOT_NAMES for word in spoken):
            return None
        matches = sorted(
            (match for member in self._members if (match := _align(spoken, member)) is not None),
            key=lambda match: match.score,
            reverse=True,
        )
        if not matches or matches[0].score < _SCORE_FLOOR:
            return None
        if len(matches) > 1 and matches[0].score - matches[1].score < _MARGIN:
            exact = [match for match in matches if match.score == 1.0]
            return exact[0] if len(exact) == 1 else None
        return matches[0]

    def person_at(self, words: Words, index: int) -> PersonFound | None:
        """Return the person named from word `index` on, after articles and titles, or `None`.

        Who isn't a member keeps the spelling of the text. In a text without capitals at most three words are taken.
        """
        first, last_title = index, min(index + _MOST_TITLES, len(words))
        while first < last_title and (words.folded[first] in TITLES or words.folded[first] in _ARTICLES):
            if words.pause_after(first) and words.folded[first] not in TITLES:
                return None
            first += 1
        return self.member_at(words, first) or self._stranger_at(words, first)

    def member_at(self, words: Words, first: int, shortest: int = 1) -> PersonFound | None:
        """Return the member whose name, of at least `shortest` words, begins right at word `first`."""
        for length in range(min(_LONGEST_NAME, len(words) - first), shortest - 1, -1):
            stop = first + length
            if any(words.pause_after(place) for place in range(first, stop - 1)):
                continue
            match = self._best(words.folded[first:stop])
            if match is not None and not self._name_goes_on(words, stop):
                return PersonFound(match.member, True, first, stop)
        return None

    def _name_goes_on(self, words: Words, index: int) -> bool:
        if index >= len(words) or words.pause_after(index - 1):
            return False
        folded = words.folded[index]
        return folded not in _NOT_NAMES and (words.is_capitalised(index) or folded in COMMON_NAMES)

    def _stranger_at(self, words: Words, first: int) -> PersonFound | None:
        has_capitals = words.has_capitals
        stop = first
        while stop < len(words) and stop - first < (_LONGEST_NAME if has_capitals else 3):
            folded = words.folded[stop]
            is_connector = stop > first and folded in _CONNECTORS and has_capitals and not words.pause_after(stop)
            is_name = words.is_capitalised(stop) if has_capitals else folded not in _NOT_NAMES
            if folded in ROLES or folded.isdigit() or not (is_connector or (is_name and folded not in _NOT_NAMES)):
                break
            stop += 1
            if words.pause_after(stop - 1):
                break
        while stop > first and words.folded[stop - 1] in _CONNECTORS:
            stop -= 1
        if stop == first:
            return None
        name = words.original(first, stop)
        return PersonFound(name if has_capitals else name.title(), False, first, stop)


def _align(spoken: Sequence[str], member: _Member) -> _Match | None:
    """Lay spoken words on a member's name in order, each on a different part."""
    position, scores, spelling = 0, [], []
    for word in spoken:
        while position < len(member.folded):
            likeness = name_likeness(word, member.folded[position])
            position += 1
            if likeness >= _TOKEN_FLOOR:
                scores.append(likeness)
                spelling.append(member.parts[position - 1])
                break
        else:
            return None
    return _Match(member.name, sum(scores) / len(scores), tuple(spelling))


@lru_cache(maxsize=8192)
def name_likeness(spoken: str, known: str) -> float:
    """Return from 0 to 1 how likely a heard word is this part of a name (both folded); 1 only for equal words."""
    if spoken == known:
        return 1.0
    if spoken in _NOT_NAMES or spoken in _CONNECTORS:
        return 0.0
    spoken_key, known_key = sound_key(spoken), sound_key(known)
    if spoken_key == known_key:
        return _ALIKE
    if spoken in COMMON_NAMES or min(len(spoken), len(known)) < 4:
        return 0.0
    if spoken_key[:-1] == known_key[:-1] and {spoken_key[-1], known_key[-1]} == {"a", "o"}:
        return 0.0
    return min(_ALIKE, fuzz.ratio(spoken_key, known_key) / 100)
