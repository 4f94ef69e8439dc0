"""Packing of speech into clips that an engine can hear at once, cut where it is quiet. Pure."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from jobs.transcription.speech_spans import Span

Quietest = Callable[[int, int], int]
"""Given two times in ms, the quietest moment between them."""


def cut_time_ms(start_ms: int, end_ms: int, max_ms: int, quietest: Quietest) -> int:
    """Where to cut speech that is longer than `max_ms`: the quietest moment in the second half of what is allowed.

    Leaves no splinter: what remains is at least a quarter of `max_ms`, and at most 1 s is asked for.
    """
    earliest_ms = start_ms + max_ms // 2
    latest_ms = min(start_ms + max_ms, end_ms - min(max_ms // 4, 1000))
    return min(max(quietest(earliest_ms, latest_ms), earliest_ms), latest_ms)


def split_span(span: Span, max_ms: int, quietest: Quietest) -> list[Span]:
    """Split a span into adjoining pieces of at most `max_ms` (at least 4 ms); a short span comes back whole."""
    if max_ms < 4:
        raise ValueError("max_ms must be at least 4")
    pieces, start_ms = [], span.start_ms
    while span.end_ms - start_ms > max_ms:
        cut_ms = cut_time_ms(start_ms, span.end_ms, max_ms, quietest)
        pieces.append(Span(start_ms, cut_ms))
        start_ms = cut_ms
    pieces.append(Span(start_ms, span.end_ms))
    return pieces


class ClipPacker:
    """Joins spans, given in order, to clips of at most `max_clip_ms`.

    Every span lies in exactly one clip. A pause of a twentieth of a clip or more always ends it: 1.5 s for 30 s clips,
    0.3 s for an engine that hears 6 s and is best served one sentence at a time. When the next span does not fit, the
    cut goes into the longest pause after the first quarter. Pauses are measured between spans, padding taken off.
    """

    def __init__(self, max_clip_ms: int) -> None:
        self._max_clip_ms = max_clip_ms
        self._max_pause_ms = max(1, max_clip_ms // 20)
        self._pending: list[Span] = []

    @property
    def pending_since_ms(self) -> int | None:
        """Start of the oldest span that is in no clip yet."""
        return self._pending[0].start_ms if self._pending else None

    def add(self, span: Span) -> list[Span]:
        """Take the next span (not longer than a clip) and return the clips that are complete now."""
        if span.length_ms > self._max_clip_ms:
            raise ValueError("the span is longer than a clip: split it first")
        if self._pending and span.start_ms < self._pending[-1].end_ms:
            raise ValueError("spans must come in order and must not overlap")
        clips = []
        if self._pending and span.start_ms - self._pending[-1].end_ms >= self._max_pause_ms:
            clips += self.flush()
        self._pending.append(span)
        while span.end_ms - self._pending[0].start_ms > self._max_clip_ms:
            clips.append(self._take(self._best_cut()))
        return clips

    def flush(self) -> list[Span]:
        """Return what is pending as the last clip."""
        return [self._take(len(self._pending))] if self._pending else []

    def _take(self, count: int) -> Span:
        taken, self._pending = self._pending[:count], self._pending[count:]
        return Span(taken[0].start_ms, taken[-1].end_ms)

    def _best_cut(self) -> int:
        """How many pending spans make the next clip; all but the last one fit together."""
        quarter_ms = self._pending[0].start_ms + self._max_clip_ms // 4
        pauses = [after.start_ms - before.end_ms for before, after in pairwise(self._pending)]
        late = [index for index, before in enumerate(self._pending[:-1]) if before.end_ms >= quarter_ms]
        if not late:
            return len(pauses)
        return 1 + max(late, key=lambda index: (pauses[index], index))
