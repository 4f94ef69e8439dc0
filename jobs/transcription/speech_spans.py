"""From speech probabilities to spans of speech, while the audio is still arriving. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

WINDOW_MS: Final = 32
"""Silero gives one probability per 512 samples at 16 kHz."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in ms from the start of the recording; `start_ms < end_ms`."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """Length in ms."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class SpanRules:
    """When speech begins and ends.

    Speech begins at `begin_above` and ends after `min_silence_ms` below `end_below`. Spans are widened by `pad_ms`
    on both sides; `min_silence_ms >= 2 * pad_ms` keeps neighbours from touching.
    """

    begin_above: float = 0.5
    end_below: float = 0.35
    min_speech_ms: int = 96
    min_silence_ms: int = 300
    pad_ms: int = 150

    def __post_init__(self) -> None:
        if not 0 < self.end_below <= self.begin_above < 1:
            raise ValueError("thresholds must satisfy 0 < end_below <= begin_above < 1")
        if self.min_silence_ms < 2 * self.pad_ms:
            raise ValueError("min_silence_ms must be at least twice pad_ms")


class SpanFinder:
    """Turns probabilities, fed in any portions, into spans in order; the portions don't change the outcome."""

    def __init__(self, rules: SpanRules | None = None) -> None:
        self._rules = rules or SpanRules()
        self._now_ms = 0
        self._start_ms: int | None = None
        self._padded_start_ms = 0
        self._silence_ms: int | None = None

    @property
    def open_since_ms(self) -> int | None:
        """Where the span that is still open begins, padding included; None between spans."""
        return None if self._start_ms is None else self._padded_start_ms

    @property
    def safe_ms(self) -> int:
        """No later span will begin before this time: older samples may be forgotten."""
        return self._padded_start_ms if self._start_ms is not None else max(0, self._now_ms - self._rules.pad_ms)

    def feed(self, probabilities: Iterable[float]) -> list[Span]:
        """Take the next windows and return the spans that ended in them."""
        ended = (self._window(probability) for probability in probabilities)
        return [span for span in ended if span is not None]

    def cut_open(self, at_ms: int) -> Span:
        """End the open span at `at_ms`, a moment inside it, and go on with the rest as a new open span."""
        if self._start_ms is None or not self._padded_start_ms < at_ms < self._now_ms:
            raise ValueError("at_ms must lie inside the open span")
        span = Span(self._padded_start_ms, at_ms)
        self._padded_start_ms = at_ms
        self._start_ms = min(self._start_ms, at_ms - self._rules.min_speech_ms)
        return span

    def finish(self, total_ms: int) -> list[Span]:
        """End of the recording: return the span that was still open, if any."""
        if self._start_ms is None:
            return []
        end_ms = total_ms if self._silence_ms is None else self._silence_ms
        span = self._close(end_ms, total_ms)
        return [] if span is None else [span]

    def _window(self, probability: float) -> Span | None:
        begin_ms, self._now_ms = self._now_ms, self._now_ms + WINDOW_MS
        if probability >= self._rules.begin_above:
            self._silence_ms = None
            if self._start_ms is None:
                self._start_ms = begin_ms
                self._padded_start_ms = max(0, begin_ms - self._rules.pad_ms)
            return None
        if self._start_ms is None:
            return None
        if self._silence_ms is None:
            if probability >= self._rules.end_below:
                return None
            self._silence_ms = begin_ms
        if self._now_ms - self._silence_ms < self._rules.min_silence_ms:
            return None
        return self._close(self._silence_ms, self._now_ms)

    def _close(self, end_ms: int, limit_ms: int) -> Span | None:
        start_ms, padded_start_ms = self._start_ms, self._padded_start_ms
        self._start_ms = self._silence_ms = None
        padded_end_ms = min(end_ms + self._rules.pad_ms, limit_ms)
        if start_ms is None or end_ms - start_ms < self._rules.min_speech_ms or padded_end_ms <= padded_start_ms:
            return None
        return Span(padded_start_ms, padded_end_ms)
