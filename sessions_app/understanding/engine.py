"""The embedded CORE: utterances in, intents with structured data out. Pure, deterministic, no state of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sessions_app.understanding.attendance import read_attendance
from sessions_app.understanding.classify import REVIEW_BELOW, Classifier, Decision, advance, spanish_classifier
from sessions_app.understanding.clauses import (
    read_agenda_items,
    read_proposition,
    read_recess,
    read_session_time,
    read_speaker,
)
from sessions_app.understanding.entities import Names
from sessions_app.understanding.lexicon import Lexicon
from sessions_app.understanding.names_es import COMMON_NAMES
from sessions_app.understanding.numbers_es import CARDINAL_WORDS
from sessions_app.understanding.pack import SPANISH
from sessions_app.understanding.sentences import Stretch, cut_sentences, join_fragments
from sessions_app.understanding.types import (
    DialogueContext,
    Intent,
    Proposition,
    TenantLanguage,
    Understanding,
    Utterance,
)
from sessions_app.understanding.votes import read_vote
from sessions_app.understanding.words import Words

_UNSURE_RECOGNITION: Final = 0.5
_LEXICON: Final = Lexicon(SPANISH.keywords | CARDINAL_WORDS, SPANISH.known_words | COMMON_NAMES)


@dataclass(frozen=True, slots=True)
class _Part:
    """A sentence with its decision. `words` are repaired for matching and lie on the corrected text."""

    original: str
    text: str
    words: Words
    decision: Decision
    first: int
    after: int


@dataclass(frozen=True, slots=True)
class _Reading:
    """Structured data, the context it leaves, and whether something in it is missing or unclear."""

    data: dict[str, Any]
    context: DialogueContext
    is_unclear: bool = False


class EmbeddedCore:
    """Understands utterances of a Spanish-speaking council.

    The same utterances, context and tenant always give the same answer. Consecutive sentences of an utterance that
    have the same intent stay together; where the intent changes the utterance is split, with times in proportion.
    """

    def __init__(self, classifier: Classifier | None = None) -> None:
        self._classifier = classifier or spanish_classifier()

    def understand(
        self, utterances: Sequence[Utterance], context: DialogueContext, tenant: TenantLanguage
    ) -> tuple[tuple[Understanding, ...], DialogueContext]:
        """Return what the utterances mean, in order, and the context for the next call.

        Args:
            utterances: in the order in which they were spoken. Fragments of one sentence are joined.
            context: what the previous call returned, or `DialogueContext()` at the start of a session.
            tenant: the council's names, corrections and own rules.
        """
        names = Names(tenant.entity_dictionary, tenant.members)
        understood: list[Understanding] = []
        for stretch in join_fragments(utterances):
            parts: list[_Part] = []
            sentences = self._parts(stretch, names)
            if self._is_roll_call(sentences, names):
                context = replace(context, roll_call_is_open=True)
            for part in sentences:
                decision = self._classifier.decide(part.words, context, names, tenant.rules)
                if parts and parts[-1].decision.intent is not decision.intent:
                    result, context = self._conclude(stretch, parts, context, names)
                    understood.append(result)
                    parts = []
                context = advance(context, part.words, decision.intent, self._classifier.pack)
                parts.append(replace(part, decision=decision))
            if parts:
                result, context = self._conclude(stretch, parts, context, names)
                understood.append(result)
        return tuple(understood), context

    def _parts(self, stretch: Stretch, names: Names) -> list[_Part]:
        undecided = Decision(Intent.DEBATE, 0.0)
        parts = []
        for sentence in cut_sentences(stretch.text):
            corrected = names.correct(sentence.text)
            words = _LEXICON.repair(Words.of(corrected), names.member_words)
            parts.append(_Part(sentence.text, corrected, words, undecided, sentence.first, sentence.after))
        return parts

    def _is_roll_call(self, parts: Sequence[_Part], names: Names) -> bool:
        words = _LEXICON.repair(Words.of(" ".join(part.text for part in parts)), names.member_words)
        return self._classifier.is_roll_call(words, names)

    def _conclude(
        self, stretch: Stretch, parts: Sequence[_Part], context: DialogueContext, names: Names
    ) -> tuple[Understanding, DialogueContext]:
        """Turn sentences of one intent into one answer."""
        intent = parts[0].decision.intent
        text = " ".join(part.text for part in parts)
        words = _LEXICON.repair(Words.of(text), names.member_words)
        reading = _read(intent, words, tuple(part.words for part in parts), context, names)
        confidence = min(part.decision.confidence for part in parts)
        unheard = stretch.confidence is not None and stretch.confidence < _UNSURE_RECOGNITION
        in_doubt = any(part.decision.in_doubt for part in parts)
        result = Understanding(
            text=text,
            original_text=" ".join(part.original for part in parts),
            start_ms=stretch.time_at(parts[0].first),
            end_ms=stretch.time_at(parts[-1].after),
            intent=intent,
            label=self._classifier.pack.labels[intent],
            template_id=self._classifier.pack.templates[intent],
            structured_data=reading.data,
            confidence=confidence,
            needs_review=in_doubt or unheard or reading.is_unclear or confidence < REVIEW_BELOW,
        )
        return result, reading.context


def _read(
    intent: Intent, words: Words, sentences: tuple[Words, ...], context: DialogueContext, names: Names
) -> _Reading:
    if intent in {Intent.OPEN_SESSION, Intent.CLOSE_SESSION}:
        return _read_boundary(intent, words, context)
    time = read_session_time(words) if "siendo la" in words.joined else None
    context = replace(context, last_time=None if time is None else str(time))
    if intent is Intent.ROLL_CALL:
        return _read_roll_call(words, context, names)
    if intent is Intent.VOTE:
        return _read_vote(words, context)
    if intent is Intent.FLOOR_GRANTED:
        speaker = read_speaker(words, names)
        return _Reading({"speaker": speaker}, replace(context, floor_holder=speaker), speaker is None)
    if intent is Intent.PROPOSITION:
        data = read_proposition(words, names, context)
        proposition = Proposition(data["number"], data["author"])
        motion = f"Proposición número {proposition.number}" if proposition.number else "Proposición"
        return _Reading(data, replace(context, motion=motion, proposition=proposition))
    if intent is Intent.AGENDA:
        is_read = SPANISH.markers.agenda_read.search(words.joined) is not None
        return _Reading(
            {"items": read_agenda_items(sentences)}, replace(context, motion="Orden del día") if is_read else context
        )
    return _Reading(read_recess(words) if intent is Intent.RECESS else {}, context)


def _read_roll_call(words: Words, context: DialogueContext, names: Names) -> _Reading:
    roll = read_attendance(words, names, context.called_name, context.answered_name)
    still_called = roll.called_name if context.roll_call_is_open else None
    after = replace(context, called_name=still_called, answered_name=roll.answered_name)
    return _Reading({"attendance": [dict(entry) for entry in roll.entries]}, after, roll.is_incomplete)


def _read_vote(words: Words, context: DialogueContext) -> _Reading:
    """Add to the vote in progress. Once a result was announced, only a repetition of it still means that vote."""
    known = context.voting
    if known is not None and known.result is not None:
        said = read_vote(words, None, context.motion)
        repeats = not said.has_counts and said.result == known.result and said.subject in {None, known.subject}
        tally = known if repeats else said
    else:
        tally = read_vote(words, known, context.motion)
    proposition = context.proposition if tally.result is None else None
    return _Reading(tally.to_json(), replace(context, voting=tally, motion=tally.subject, proposition=proposition))


def _read_boundary(intent: Intent, words: Words, context: DialogueContext) -> _Reading:
    """Opening and closing carry a time; one said just before, in an utterance of its own, counts."""
    found = read_session_time(words)
    time = str(found) if found is not None else context.last_time
    if intent is Intent.OPEN_SESSION:
        time = time or context.opened_at
        return _Reading({"time": time}, replace(context, opened_at=time, last_time=None))
    if (
        found is not None
        and not found.half_is_said
        and context.opened_at is not None
        and str(found) < context.opened_at
    ):
        time = f"{(found.hour + 12) % 24:02d}:{found.minute:02d}"
    return _Reading({"time": time}, replace(context, last_time=None))
