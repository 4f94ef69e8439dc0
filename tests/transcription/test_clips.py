"""Packing of speech into clips, for any recording."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.transcription.clips import ClipPacker, split_span
from jobs.transcription.speech_spans import Span


@st.composite
def _spans(draw: st.DrawFn) -> list[Span]:
    """Spans in order, with pauses between them."""
    now_ms, spans = draw(st.integers(0, 5000)), []
    for length_ms, pause_ms in draw(st.lists(st.tuples(st.integers(1, 40_000), st.integers(1, 4000)), max_size=30)):
        spans.append(Span(now_ms, now_ms + length_ms))
        now_ms += length_ms + pause_ms
    return spans


def _pack(spans: list[Span], max_clip_ms: int, cut: float) -> tuple[list[Span], list[Span]]:
    """The parts that were packed, and the clips."""
    packer = ClipPacker(max_clip_ms)
    parts = [part for span in spans for part in split_span(span, max_clip_ms, lambda a, b: a + int((b - a) * cut))]
    return parts, [clip for part in parts for clip in packer.add(part)] + packer.flush()


@given(_spans(), st.integers(200, 30_000), st.floats(-0.5, 1.5))
def test_clips_hold_all_speech_once_in_order_and_within_the_limit(
    spans: list[Span], max_clip_ms: int, cut: float
) -> None:
    parts, clips = _pack(spans, max_clip_ms, cut)
    assert all(0 < clip.length_ms <= max_clip_ms for clip in clips)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(clips))
    for part in parts:
        assert sum(clip.start_ms <= part.start_ms and part.end_ms <= clip.end_ms for clip in clips) == 1
    assert {clip.start_ms for clip in clips} <= {part.start_ms for part in parts}
    assert {clip.end_ms for clip in clips} <= {part.end_ms for part in parts}


@given(_spans(), st.integers(200, 30_000), st.floats(-0.5, 1.5))
def test_splitting_keeps_every_millisecond_and_leaves_no_splinters(
    spans: list[Span], max_clip_ms: int, cut: float
) -> None:
    for span in spans:
        pieces = split_span(span, max_clip_ms, lambda a, b: a + int((b - a) * cut))
        assert pieces[0].start_ms == span.start_ms
        assert pieces[-1].end_ms == span.end_ms
        assert all(before.end_ms == after.start_ms for before, after in pairwise(pieces))
        if len(pieces) > 1:
            assert min(piece.length_ms for piece in pieces) >= min(max_clip_ms // 4, 1000)


def test_the_cut_goes_into_the_longest_pause() -> None:
    spans = [Span(0, 6000), Span(6900, 9000), Span(9300, 20_000), Span(20_400, 31_000)]
    _, clips = _pack(spans, 30_000, 0.5)
    assert clips == [Span(0, 20_000), Span(20_400, 31_000)]
    spans[1] = Span(6000 + 100, 8000)
    _, clips = _pack(spans, 30_000, 0.5)
    assert clips == [Span(0, 8000), Span(9300, 31_000)]


def test_a_long_pause_always_ends_a_clip() -> None:
    _, clips = _pack([Span(0, 1000), Span(1200, 2000), Span(3600, 4000)], 30_000, 0.5)
    assert clips == [Span(0, 2000), Span(3600, 4000)]


def test_a_span_too_long_is_cut_where_it_is_quietest() -> None:
    assert split_span(Span(1000, 9000), 6000, lambda _a, _b: 5100) == [Span(1000, 5100), Span(5100, 9000)]


def test_the_packer_refuses_spans_that_are_too_long_or_overlap() -> None:
    packer = ClipPacker(6000)
    with pytest.raises(ValueError, match="longer than a clip"):
        packer.add(Span(0, 7000))
    packer.add(Span(0, 1000))
    with pytest.raises(ValueError, match="overlap"):
        packer.add(Span(900, 2000))
