"""How well and how fast the embedded engine understands: `make bench B=understanding`.

The baseline is what the formulas alone would decide, without hedges, context or examples. Both see the same held-out
sentences in the same run, alternating.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

from sessions_app.understanding.engine import EmbeddedCore
from sessions_app.understanding.pack import SPANISH
from sessions_app.understanding.types import DialogueContext, Intent, TenantLanguage, Utterance
from sessions_app.understanding.words import Words
from tests.understanding.corpus import HELD_OUT

_ROUNDS = 10
_CORE = EmbeddedCore()
_TENANT = TenantLanguage({"Jhon": "John"}, tuple(f"{name} Mosquera" for name in ("Ana", "Luis", "Marta", "Jorge")))


def engine(text: str) -> Intent:
    """Return the engine's intent of the longest part of an utterance."""
    understood, _ = _CORE.understand([Utterance(text, 0, 1_000)], DialogueContext(), _TENANT)
    return max(understood, key=lambda part: len(part.text)).intent


def formulas_alone(text: str) -> Intent:
    """Return the intent of the strongest formula that matches."""
    joined = Words.of(text).joined
    matching = [rule for rule in SPANISH.rules if rule.pattern.search(joined)]
    return max(matching, key=lambda rule: rule.weight).intent if matching else Intent.DEBATE


def macro_f1(decide: Callable[[str], Intent]) -> float:
    """Return the mean over all intents of the F1 score on the held-out sentences."""
    pairs = [(wanted, decide(text)) for wanted, text in HELD_OUT]
    scores = []
    for intent in Intent:
        right = sum(wanted is intent and given is intent for wanted, given in pairs)
        touched = sum(wanted is intent for wanted, _ in pairs) + sum(given is intent for _, given in pairs)
        scores.append(2 * right / touched if touched else 1.0)
    return statistics.fmean(scores)


def debate_kept(decide: Callable[[str], Intent]) -> float:
    """Return the share of debate about votes, openings and propositions that stays debate."""
    debate = [text for wanted, text in HELD_OUT if wanted is Intent.DEBATE]
    return sum(decide(text) is Intent.DEBATE for text in debate) / len(debate)


def _timed(decide: Callable[[str], Intent]) -> list[float]:
    durations_ms = []
    for _, text in HELD_OUT:
        started = time.perf_counter()
        decide(text)
        durations_ms.append((time.perf_counter() - started) * 1_000)
    return durations_ms


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def main() -> None:
    """Print one line per figure."""
    times: dict[str, list[float]] = {"engine": [], "formulas": []}
    for _ in range(_ROUNDS):
        times["engine"] += _timed(engine)
        times["formulas"] += _timed(formulas_alone)
    print(f"RESULT macro_f1 {macro_f1(engine):.3f} ratio aim >= 0.93")
    print(f"RESULT macro_f1_formulas_alone {macro_f1(formulas_alone):.3f} ratio aim >= 0")
    print(f"RESULT debate_kept {debate_kept(engine):.3f} ratio aim >= 0.95")
    print(f"RESULT debate_kept_formulas_alone {debate_kept(formulas_alone):.3f} ratio aim >= 0")
    print(f"RESULT utterance_p50 {_percentile(times['engine'], 50):.2f} ms aim <= 3")
    print(f"RESULT utterance_p99 {_percentile(times['engine'], 99):.2f} ms aim <= 20")
    print(f"RESULT utterance_p50_formulas_alone {_percentile(times['formulas'], 50):.2f} ms aim >= 0")


if __name__ == "__main__":
    main()
