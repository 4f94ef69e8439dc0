"""Which intent a sentence has: formulas, likeness to examples, and what is going on in the session."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from sessions_app.understanding.attendance import AttendanceRead, read_attendance
from sessions_app.understanding.entities import MEMBER_TITLES, Names
from sessions_app.understanding.pack import SPANISH, Pack
from sessions_app.understanding.similarity import ExampleIndex
from sessions_app.understanding.times_es import find_time
from sessions_app.understanding.types import DialogueContext, Intent, Tally, TenantRule
from sessions_app.understanding.words import Words

REVIEW_BELOW: Final = 0.6
"""A decision less sure than this becomes debate and is marked for review."""

_TENANT_WEIGHT: Final = 0.97
_NEAREST_FLOOR: Final = 0.55
_NEAREST_MARGIN: Final = 0.12
_DOUBT_FLOOR: Final = 0.45
_ANSWER_WORDS: Final = 6
_TITLE_WORDS: Final = 12
_ROLL_COVERAGE: Final = 0.55
_ROLL_COVERAGE_ALONE: Final = 0.8
_SURE: Final = 0.8
_SURE_DESPITE_HEDGE: Final = 0.7
_SPEECH_WORDS: Final = 20
_LONG_SENTENCE_WORDS: Final = 45
_VOTE_TALK: Final = re.compile(
    r"\b(?:votos?|aprobad[oa]s?|negad[oa]s?|unanimidad|abstencion(?:es)?|votacion|a favor)\b"
)
_SIENDO: Final = re.compile(r"^(?:y |hoy )?siendo las? ")


@dataclass(frozen=True, slots=True)
class Decision:
    """An intent and how sure it is, from 0 to 1. `in_doubt`: it could well be something else."""

    intent: Intent
    confidence: float
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Classifier:
    """Decides one sentence at a time. Deterministic and without state of its own."""

    pack: Pack
    examples: ExampleIndex

    def decide(
        self, words: Words, context: DialogueContext, names: Names, tenant_rules: tuple[TenantRule, ...]
    ) -> Decision:
        """Return the intent of a sentence said in this context.

        Args:
            words: the sentence, repaired for matching.
            context: what went before; the flags decide what a short sentence means.
            names: the tenant's names.
            tenant_rules: the tenant's own formulas; they win over everything.
        """
        for rule in tenant_rules:
            if _compiled(rule.pattern).search(words.joined):
                return Decision(rule.intent, _TENANT_WEIGHT)
        by_formula = self._by_formula(words, context)
        by_context = self._by_context(words, context, names, by_formula)
        if by_context is not None:
            return by_context
        nearest = self.examples.nearest(words.joined)
        if by_formula is not None and by_formula.confidence >= REVIEW_BELOW:
            support = nearest.get(by_formula.intent, 0.0)
            return replace(by_formula, confidence=round(min(0.99, by_formula.confidence + 0.05 * support), 3))
        return self._by_likeness(nearest, by_formula, words)

    def _by_formula(self, words: Words, context: DialogueContext) -> Decision | None:
        """Return the strongest formula less what hedges it, or `None` when no formula is there."""
        matches = [(rule, found) for rule in self.pack.rules if (found := rule.pattern.search(words.joined))]
        if not matches:
            return None
        hedges = [(hedge, found) for hedge in self.pack.hedges if (found := hedge.pattern.search(words.joined))]
        length_penalty = 0.1 if len(words) > _LONG_SENTENCE_WORDS else 0.0
        best = Decision(Intent.DEBATE, -1.0)
        for rule, found in matches:
            bonus = 0.12 if rule.intent is Intent.VOTE and context.voting is not None else 0.0
            penalty = max(
                (hedge.penalty if hint.start() <= found.start() else hedge.penalty_after for hedge, hint in hedges),
                default=0.0,
            )
            sureness = min(0.97, rule.weight + bonus) - penalty - length_penalty
            if sureness > best.confidence:
                best = Decision(rule.intent, sureness, in_doubt=penalty > 0 and sureness < _SURE_DESPITE_HEDGE)
        return replace(best, confidence=max(0.0, best.confidence))

    def _by_context(
        self, words: Words, context: DialogueContext, names: Names, formula: Decision | None
    ) -> Decision | None:
        """Return what only the situation can tell: answers in a roll call, points of an agenda, a lone time."""
        is_sure = formula is not None and formula.confidence >= _SURE
        joined, markers = words.joined, self.pack.markers
        if context.agenda_is_open and (markers.agenda_item.search(joined) or markers.agenda_title.search(joined)):
            return Decision(Intent.AGENDA, 0.9)
        if is_sure:
            return None
        if context.voting is not None and context.voting.result is None and markers.single_ballot.search(joined):
            return Decision(Intent.VOTE, 0.75)
        if context.roll_call_is_open and markers.courtesy.search(joined):
            return Decision(Intent.ROLL_CALL, 0.75)
        if formula is None and markers.courtesy.search(joined):
            return Decision(Intent.DEBATE, 0.9)
        roll = read_attendance(words, names, context.called_name, context.answered_name)
        if context.roll_call_is_open and (roll.coverage >= _ROLL_COVERAGE or _is_answer(roll, words)):
            return Decision(Intent.ROLL_CALL, 0.93)
        if context.voting is not None and roll.called_name is not None and roll.coverage >= _ROLL_COVERAGE_ALONE:
            return Decision(Intent.VOTE, 0.75)
        if context.last_intent is Intent.AGENDA and markers.agenda_title.search(joined) and len(words) <= _TITLE_WORDS:
            return Decision(Intent.AGENDA, 0.8)
        if context.last_intent is Intent.PROPOSITION and markers.imperative_clause.search(joined):
            return Decision(Intent.PROPOSITION, 0.85)
        if _SIENDO.search(joined) and find_time(words) is not None:
            if not context.session_is_open:
                return Decision(Intent.OPEN_SESSION, 0.8)
            if context.last_intent in {Intent.OPEN_SESSION, Intent.CLOSE_SESSION}:
                return Decision(context.last_intent, 0.8)
        return None

    @staticmethod
    def is_roll_call(words: Words, names: Names) -> bool:
        """Say whether a whole utterance is names with their answers, whatever went before it."""
        if not any(word in MEMBER_TITLES for word in words.folded):
            return False
        roll = read_attendance(words, names, None, None)
        return bool(roll.entries) and roll.coverage >= _ROLL_COVERAGE_ALONE

    def _by_likeness(self, nearest: dict[Intent, float], formula: Decision | None, words: Words) -> Decision:
        debate = nearest.pop(Intent.DEBATE, 0.0)
        intent, likeness = max(nearest.items(), key=lambda item: item[1], default=(Intent.DEBATE, 0.0))
        hedged = formula is not None or any(hedge.pattern.search(words.joined) for hedge in self.pack.hedges)
        if likeness >= _NEAREST_FLOOR and likeness - debate >= _NEAREST_MARGIN and not hedged:
            return Decision(intent, round(min(0.95, 0.4 + 0.55 * likeness), 3))
        doubt = formula.confidence if formula is not None else 0.0
        if not hedged and likeness - debate >= _NEAREST_MARGIN:
            doubt = max(doubt, likeness)
        if doubt >= _DOUBT_FLOOR:
            return Decision(Intent.DEBATE, round(max(0.3, 1 - doubt), 3), in_doubt=True)
        return Decision(Intent.DEBATE, round(max(REVIEW_BELOW, min(0.95, 0.9 - 0.5 * doubt)), 3))


def _is_answer(roll: AttendanceRead, words: Words) -> bool:
    """Say whether a short sentence has an answer in it: `Presente, muy buenos días`."""
    return len(words) <= _ANSWER_WORDS and (bool(roll.entries) or (roll.is_incomplete and roll.called_name is None))


def advance(context: DialogueContext, words: Words, intent: Intent, pack: Pack) -> DialogueContext:
    """Return the context after a sentence of this intent: which parts of the session are going on now."""
    joined, markers = words.joined, pack.markers
    if intent is Intent.ROLL_CALL:
        settled = markers.quorum_settled.search(joined) is not None
        return replace(context, last_intent=intent, agenda_is_open=False, roll_call_is_open=not settled)
    if intent is Intent.AGENDA:
        return replace(
            context,
            last_intent=intent,
            roll_call_is_open=False,
            agenda_is_open=markers.agenda_read.search(joined) is None
            and (context.agenda_is_open or markers.agenda_ordered.search(joined) is not None),
        )
    is_courtesy = markers.courtesy.search(joined) is not None
    is_settled = context.voting is not None and context.voting.result is not None
    if is_settled and not is_courtesy and intent is not Intent.VOTE:
        context = replace(context, voting=None, motion=None)
    if intent is Intent.DEBATE:
        return replace(
            context,
            last_intent=context.last_intent if is_courtesy else intent,
            agenda_is_open=context.agenda_is_open and is_courtesy,
            roll_call_is_open=context.roll_call_is_open and len(words) < _SPEECH_WORDS,
        )
    changed = replace(context, last_intent=intent, roll_call_is_open=False, agenda_is_open=False)
    if intent is Intent.VOTE:
        return replace(changed, voting=context.voting or Tally())
    if intent is Intent.OPEN_SESSION:
        return replace(changed, session_is_open=True, voting=None)
    if intent is Intent.CLOSE_SESSION:
        return replace(changed, session_is_open=False, voting=None, floor_holder=None)
    if intent in {Intent.PROPOSITION, Intent.OTHER_BUSINESS}:
        return replace(changed, voting=None)
    return changed


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@lru_cache(maxsize=1)
def spanish_classifier() -> Classifier:
    """Return the classifier of the default pack, built once."""
    return Classifier(SPANISH, ExampleIndex(SPANISH.examples))
