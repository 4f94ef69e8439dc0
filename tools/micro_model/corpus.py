"""Draws the sentences of the training and held-out sets: filled templates, word salads and invented words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from tools.micro_model import templates, vocabulary
from tools.micro_model.spoken_numbers import TENS, UNITS, before_noun, clock, in_words

TRAINING_VOICES: Final = vocabulary.word_list("training_voices")
HELD_OUT_VOICES: Final = vocabulary.word_list("held_out_voices")
"""Heard neither in training nor while choosing a checkpoint: they speak the held-out set and the demonstration."""

_CONSONANTS: Final = vocabulary.word_list("consonants")
_ONSETS: Final = vocabulary.word_list("onsets")
_WORD: Final = re.compile(r"[a-záéíóúüñ]+")
_NUMBER_SLOTS: Final = {"n20": (2, 20), "n40": (2, 40), "against": (1, 12)}
_SLOT: Final = re.compile(r"\{(\w+)\}")
_CHOICE: Final = re.compile(r"\[([^\[\]]+)\]")
_OPEN: Final = re.compile(r"[\[{]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence to be spoken: its text, the espeak-ng voice, words per minute and pitch (0 to 99)."""

    text: str
    voice: str
    words_per_min: int
    pitch: int


def normalised_words(text: str) -> list[str]:
    """Return the lower-case words of a text, without punctuation: the unit in which word errors are counted."""
    return _WORD.findall(text.lower())


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


class Writer:
    """Writes random council sentences from one seeded source; equal seeds write equal sentences."""

    def __init__(self, random: Random, surnames: tuple[str, ...] | None = None) -> None:
        """Start a writer that takes surnames from ``surnames`` (the training surnames by default)."""
        self._random = random
        self._surnames = surnames or vocabulary.SURNAMES
        self._slots = self._slot_table()

    def filled(self, template: str) -> str:
        """Return the template with every slot and choice replaced, slots inside slots too."""
        while _OPEN.search(template):
            template = _CHOICE.sub(lambda match: self._random.choice(match.group(1).split("|")), template)
            template = _SLOT.sub(lambda match: self._slots[match.group(1)](), template)
        return template.replace(" de el ", " del ").replace(" a el ", " al ")

    def council_sentence(self) -> str:
        """Return one sentence of a sitting; names, votes, procedure and debate are about equally frequent."""
        groups = (templates.PROCEDURE, templates.NAMES, templates.VOTES, templates.SPEECHES)
        group = self._random.choices(groups, weights=(26, 18, 18, 38))[0]
        return _capitalised(self.filled(self._random.choice(group)))

    def word_salad(self) -> str:
        """Return two to eight unrelated words, so that the model cannot lean on the templates."""
        words = [self._random.choice(LEXICON) for _ in range(self._random.randint(2, 8))]
        if self._random.random() < 0.35:
            words.insert(self._random.randint(0, len(words) - 1), self._random.choice(self._surnames))
        return _capitalised(" ".join(words)) + "."

    def invented_words(self) -> str:
        """Return one to four words that do not exist, so that the model learns to spell what it hears."""
        return _capitalised(" ".join(self._invented_word() for _ in range(self._random.randint(1, 4)))) + "."

    def any_sentence(self) -> str:
        """Return a sentence of the training mix: mostly council speech, the rest word salad and invented words."""
        kind = self._random.random()
        if kind < 0.87:
            return self.council_sentence()
        return self.word_salad() if kind < 0.97 else self.invented_words()

    def _invented_word(self) -> str:
        onsets = [self._random.choice(_CONSONANTS if place else _ONSETS) for place in range(self._random.randint(2, 4))]
        word = "".join(onset + self._random.choice("aeiou") for onset in onsets)
        return word.replace("ge", "ga").replace("gi", "go")

    def _votes_for(self) -> str:
        number = self._random.randint(1, 20)
        return f"{before_noun(number)} {'voto' if number == 1 else 'votos'} a favor"

    def _abstentions(self) -> str:
        number = self._random.choice((0, 1, 1, 2, 3, 4, 5, 6, 7))
        if number == 0:
            return self._random.choice(("ninguna abstención", "cero abstenciones"))
        return f"{before_noun(number, feminine=True)} {'abstención' if number == 1 else 'abstenciones'}"

    def _number(self, least: int, most: int) -> str:
        return in_words(self._random.randint(least, most))

    def _full_name(self) -> str:
        return f"{self._random.choice(vocabulary.GIVEN_NAMES)} {self._random.choice(self._surnames)}"

    def _slot_table(self) -> dict[str, Callable[[], str]]:
        choice = self._random.choice
        table: dict[str, Callable[[], str]] = {
            name: partial(choice, values) for name, values in vocabulary.SLOTS.items()
        }
        table |= {name: partial(self._number, *bounds) for name, bounds in _NUMBER_SLOTS.items()}
        return table | {
            "name": self._full_name,
            "surname": partial(choice, self._surnames),
            "title_up": lambda: _capitalised(choice(vocabulary.SLOTS["title"])),
            "title_bare": lambda: choice(vocabulary.SLOTS["title"]).split(" ", 1)[1],
            "topic_up": lambda: _capitalised(choice(vocabulary.TOPICS)),
            "people_up": lambda: _capitalised(choice(vocabulary.SLOTS["people"])),
            "locality": lambda: choice(("la vereda ", "el barrio ")) + choice(vocabulary.PLACES),
            "time": lambda: clock(self._random, vocabulary.SLOTS["minute"]),
            "votes_for": lambda: _capitalised(self._votes_for()),
            "votes_for_low": self._votes_for,
            "abstentions": self._abstentions,
        }


_GROUPS: Final = (templates.PROCEDURE, templates.NAMES, templates.VOTES, templates.SPEECHES)


def _lexicon() -> tuple[str, ...]:
    texts = [line for group in _GROUPS for line in group] + [
        text for texts in vocabulary.SLOTS.values() for text in texts
    ]
    words = {word for text in texts for word in normalised_words(_SLOT.sub("", text))}
    return tuple(sorted(words | {*UNITS[:21], *TENS[3:5]}))


LEXICON: Final = _lexicon()


class Exclusion:
    """Knows the sentences that must stay unseen, and recognises a training sentence that would give one away."""

    def __init__(self, texts: list[str]) -> None:
        """Keep ``texts`` out: no training sentence may equal one, nor contain one of four words or more."""
        phrases = [" ".join(normalised_words(text)) for text in texts]
        self._whole = frozenset(phrases)
        self._inner = tuple(f" {phrase} " for phrase in phrases if phrase.count(" ") >= 3)

    def gives_away(self, text: str) -> bool:
        """Return whether the sentence repeats one that must stay unseen."""
        phrase = " ".join(normalised_words(text))
        padded = f" {phrase} "
        return phrase in self._whole or any(inner in padded for inner in self._inner)


def _spoken(random: Random, text: str, variants: tuple[str, ...]) -> Sentence:
    variant = random.choice(variants)
    voice = random.choice(("es", "es-419", "es-419")) + (f"+{variant}" if variant else "")
    return Sentence(text, voice, random.randint(118, 200), random.randint(25, 80))


def training_sentences(seed: int, exclusion: Exclusion) -> Iterator[Sentence]:
    """Yield training sentences without end; none repeats an excluded one."""
    random = Random(seed)
    writer = Writer(random)
    while True:
        text = writer.any_sentence()
        if not exclusion.gives_away(text):
            yield _spoken(random, text, TRAINING_VOICES)


def held_out_sentences(seed: int, count: int, *, unseen_surnames: bool = False) -> list[Sentence]:
    """Return ``count`` distinct council sentences in held-out voices, with unseen surnames if asked."""
    random = Random(seed)
    writer = Writer(random, vocabulary.HELD_OUT_SURNAMES if unseen_surnames else None)
    chosen: dict[str, Sentence] = {}
    while len(chosen) < count:
        text = writer.council_sentence()
        named = any(surname in text for surname in vocabulary.HELD_OUT_SURNAMES)
        if named or not unseen_surnames:
            chosen.setdefault(text, _spoken(random, text, HELD_OUT_VOICES))
    return list(chosen.values())


def foreign_sentences(seed: int, count_per_language: int) -> list[tuple[str, Sentence]]:
    """Return (language code, sentence) pairs in four other languages, for language identification."""
    random = Random(seed)
    voices = {"en": "en", "pt": "pt", "ca": "ca", "fr": "fr-fr"}
    found: list[tuple[str, Sentence]] = []
    for language, lines in vocabulary.OTHER_LANGUAGES.items():
        for _ in range(count_per_language):
            variant = random.choice(TRAINING_VOICES)
            text = " ".join(random.sample(lines, random.randint(1, 3)))
            voice = voices[language] + (f"+{variant}" if variant else "")
            found.append((language, Sentence(text, voice, random.randint(120, 200), random.randint(25, 80))))
    return found
