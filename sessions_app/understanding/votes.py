"""The figures, the result and the subject of a vote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sessions_app.understanding.numbers_es import number_at
from sessions_app.understanding.types import Tally, VoteResult
from sessions_app.understanding.words import Words, word_index_at

_NONE_WORDS: Final = frozenset({"ningun", "ninguno", "ninguna", "ningunas", "ningunos", "sin", "nadie"})
_KINDS: Final[dict[str, str]] = {
    "in_favour": r"(?:a favor|positivos?|afirmativos?|por el si|favorables?)",
    "against": r"(?:en contra|negativos?|por el no|desfavorables?)",
    "abstentions": r"(?:abstencion(?:es)?|en abstencion|en blanco|se abst\w+|abstenid[oa]s?)",
}
_ANY_KIND: Final = "|".join(_KINDS.values())
_BALLOTS: Final = r"(?:votos? |concejales (?:vot\w+ )?|vot\w+ )?"
_LINK: Final = r"(?:(?:votos?|fueron|son|hubo|se registraron|se registran|tenemos|hay|total|con|de|un) )*"
_DECIDED_NO: Final = re.compile(
    r"\b(?:negad[oa]s?|rechazad[oa]s?|improbad[oa]s?|hundid[oa]s?|se niega|se rechaza|"
    r"no (?:queda|quedo|ha sido|han sido|fue|es|alcanza|obtuvo|obtiene|se aprueba)(?: \w+){0,3} "
    r"(?:aprobad[oa]s?|mayoria\w*|la mayoria)|no se aprueba|no (?:lo|la) aprueban?)\b"
)
_DECIDED_YES: Final = re.compile(
    r"\b(?:aprobad[oa]s?|acogid[oa]s?|adoptad[oa]s?|se aprueba|por unanimidad|unanimemente|"
    r"^si (?:(?:lo|la|los|las|se) )?aprueban?|(?:lo|la|los|las) aprueban)\b"
)
_QUESTION: Final = re.compile(
    r"^(?:(?:lo|la|los|las) )?aprueban?(?: \w+){0,5}$|(?<!se )\baprueban? (?:los|el|la|ustedes)\b|"
    r"(?<!si )\b(?:lo|la|los|las) aprueban?(?: \w+){0,3}$"
)
_DECLARED: Final = re.compile(r"\b(?:queda|quedan|ha sido|han sido|se declara|declaro) aprobad[oa]s?\b")
_SUBJECT: Final = re.compile(
    r"\b(?:proposicion|mocion|acta|orden del dia|proyecto de acuerdo|proyecto|acuerdo|articulado|articulo|ponencia|"
    r"informe|adicion|impedimento|enmienda|solicitud|sesion permanente|iniciativa|plan de desarrollo|titulo)\b"
)
_SUBJECT_END_TEXT: Final = """
    con por queda quedan quedo ha han sido fue fueron es son senor senora honorables honorable y que siendo se en los
    quienes para leida leido presentada presentado aprobada aprobado negada negado rechazada rechazado concejales a
    esta sirvanse sirvase favor obtuvo resulta tiene unanimidad
"""
_SUBJECT_ENDS: Final = frozenset(_SUBJECT_END_TEXT.split())
_LONGEST_SUBJECT: Final = 12
_MOST_VOTES: Final = 10_000
"""No council has more: a larger number near "votos" is a sum of money, an article, a year in a wrong place."""


@dataclass(frozen=True)
class NumberedWords:
    """Words in which every number is one token `#<value>`, with the places of the words that it took."""

    tokens: tuple[str, ...]
    firsts: tuple[int, ...]

    @classmethod
    def of(cls, words: Words) -> NumberedWords:
        """Replace numbers; `ningún` and `sin` (before a kind of vote) count as `#0`."""
        folded = words.folded
        tokens: list[str] = []
        firsts: list[int] = []
        position = 0
        while position < len(folded):
            number = number_at(folded, position)
            firsts.append(position)
            if number is not None:
                tokens.append(f"#{number.value}")
                position = number.stop
                continue
            tokens.append("#0" if folded[position] in _NONE_WORDS else folded[position])
            position += 1
        return cls(tuple(tokens), tuple(firsts))

    @cached_property
    def joined(self) -> str:
        """The tokens with one blank between them."""
        return " ".join(self.tokens)

    def word_at(self, offset: int) -> int:
        """Return the index of the first word of the token at a character of `joined`."""
        return self.firsts[word_index_at(self.joined, offset)]


def _count(counts: dict[str, int], kind: str, digits: str) -> None:
    """Note a number of votes, if it can be one."""
    if int(digits) <= _MOST_VOTES:
        counts[kind] = int(digits)


def read_vote(words: Words, known: Tally | None, motion: str | None) -> Tally:
    """Return what is known of the vote after this text.

    Args:
        words: the text, repaired for matching.
        known: what earlier utterances of the same vote said; the text adds to it or overrides it.
        motion: what was last put forward; a bare "la proposición" means it.
    """
    numbered = NumberedWords.of(words)
    before = known or Tally()
    counts = read_counts(numbered)
    subject = read_subject(words)
    if subject is not None and motion is not None and motion.casefold().startswith(subject.casefold()):
        subject = motion
    result = read_result(words)
    if "in_favour" not in counts and result == VoteResult.APPROVED.value:
        lone = re.search(r"\b(?:con|por|de)(?: los| las)? #(\d+) (?:votos?|concejales)\b", numbered.joined)
        if lone:
            _count(counts, "in_favour", lone[1])
    return Tally(
        subject=subject or before.subject or motion,
        in_favour=counts.get("in_favour", before.in_favour),
        against=counts.get("against", before.against),
        abstentions=counts.get("abstentions", before.abstentions),
        result=result,
    )


def read_counts(numbered: NumberedWords) -> dict[str, int]:
    """Return the votes by kind. Speakers put the number before the kind or after it, one way per sentence."""
    text = numbered.joined
    comes_first = re.search(rf"#\d+ {_BALLOTS}(?:{_ANY_KIND})\b", text)
    first_kind = re.search(rf"\b(?:{_ANY_KIND})\b", text)
    if first_kind is None:
        return {}
    number_leads = comes_first is not None and comes_first.start() < first_kind.start()
    counts: dict[str, int] = {}
    for kind, pattern in _KINDS.items():
        form = rf"#(\d+) {_BALLOTS}{pattern}\b" if number_leads else rf"\b{pattern} {_LINK}#(\d+)"
        found = re.search(form, text)
        if found:
            _count(counts, kind, found[1])
    return counts


def read_result(words: Words) -> str | None:
    """Return the result that a text announces, or `None`; a question ("¿aprueban?") announces nothing."""
    text = words.joined
    if _DECIDED_NO.search(text):
        return VoteResult.REJECTED.value
    if _QUESTION.search(text) or ("?" in words.text and not _DECLARED.search(text)):
        return None
    return VoteResult.APPROVED.value if _DECIDED_YES.search(text) else None


def read_subject(words: Words) -> str | None:
    """Return what is voted on, in the text's own words with a capital first letter, or `None`."""
    found = _SUBJECT.search(words.joined)
    if found is None:
        return None
    first = word_index_at(words.joined, found.start())
    stop = first + found[0].count(" ") + 1
    while stop < len(words) and stop - first < _LONGEST_SUBJECT:
        if words.pause_after(stop - 1) or words.folded[stop] in _SUBJECT_ENDS:
            break
        number = number_at(words.folded, stop)
        stop = number.stop if number is not None else stop + 1
    while stop - 1 > first and words.folded[stop - 1] in {"de", "del", "la", "el", "numero", "no", "si"}:
        stop -= 1
    subject = words.original(first, stop)
    return subject[:1].upper() + subject[1:]
