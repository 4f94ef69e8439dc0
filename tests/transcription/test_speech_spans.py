"""Spans from probabilities, whatever the portions in which these arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.transcription.speech_spans import WINDOW_MS, Span, SpanFinder, SpanRules


def _find(probabilities: list[float], total_ms: int | None = None) -> list[Span]:
    finder = SpanFinder()
    found = finder.feed(probabilities)
    return found + finder.finish(len(probabilities) * WINDOW_MS if total_ms is None else total_ms)


def test_speech_is_padded_and_short_pauses_do_not_end_it() -> None:
    probabilities = [0.0] * 20 + [0.9] * 30 + [0.1] * 8 + [0.9] * 10 + [0.1] * 40
    assert _find(probabilities) == [Span(20 * 32 - 150, 68 * 32 + 150)]


def test_a_pause_of_300_ms_ends_it() -> None:
    probabilities = [0.9] * 30 + [0.1] * 10 + [0.9] * 30
    assert _find(probabilities) == [Span(0, 30 * 32 + 150), Span(40 * 32 - 150, 70 * 32)]


def test_a_click_is_no_speech_and_neither_is_doubt() -> None:
    assert _find([0.0] * 10 + [0.9] * 2 + [0.0] * 30) == []
    assert _find([0.45] * 100) == []


def test_speech_at_the_end_of_the_recording_is_closed_there() -> None:
    assert _find([0.0] * 10 + [0.9] * 10, total_ms=630) == [Span(320 - 150, 630)]


@given(st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), max_size=300), st.data())
def test_spans_are_ordered_apart_and_independent_of_the_portions(
    probabilities: list[float], data: st.DataObject
) -> None:
    spans = _find(probabilities)
    assert all(0 <= span.start_ms < span.end_ms <= len(probabilities) * WINDOW_MS for span in spans)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(spans))
    finder, found, rest = SpanFinder(), [], probabilities
    while rest:
        count = data.draw(st.integers(1, len(rest)))
        portion, rest = rest[:count], rest[count:]
        safe_ms = finder.safe_ms
        new = finder.feed(portion)
        assert all(span.start_ms >= safe_ms for span in new)
        found += new
    assert found + finder.finish(len(probabilities) * WINDOW_MS) == spans


def test_endless_speech_can_be_cut_while_it_goes_on() -> None:
    finder = SpanFinder()
    assert finder.feed([0.9] * 1000) == []
    assert finder.open_since_ms == 0
    assert finder.cut_open(20_000) == Span(0, 20_000)
    assert finder.finish(32_000) == [Span(20_000, 32_000)]
    with pytest.raises(ValueError, match="inside"):
        finder.cut_open(30_000)


def test_rules_that_would_let_neighbours_touch_are_refused() -> None:
    with pytest.raises(ValueError, match="pad_ms"):
        SpanRules(min_silence_ms=200, pad_ms=150)
    with pytest.raises(ValueError, match="thresholds"):
        SpanRules(begin_above=0.3, end_below=0.5)
