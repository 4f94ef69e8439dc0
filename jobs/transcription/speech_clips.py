"""The speech of a recording as clips with their samples, found while the recording is being decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from jobs.transcription.clips import ClipPacker, cut_time_ms, split_span
from jobs.transcription.engine import SAMPLES_PER_MS, Samples
from jobs.transcription.speech_spans import Span, SpanFinder, SpanRules
from jobs.transcription.vad import SileroStream

_LOUDNESS_STEP_MS: Final = 10
_LOUDNESS_WINDOW_STEPS: Final = 10


@dataclass(frozen=True, slots=True)
class Clip:
    """Speech from `span` of the recording; `samples` is exactly that stretch."""

    span: Span
    samples: Samples


class SpeechClips:
    """Iterates over the clips of one recording, in order, holding only what is still undecided (about two clips).

    `duration_ms` is what has been decoded so far, and the length of the recording once the iteration has ended.
    """

    def __init__(self, pieces: Iterable[Samples], max_clip_ms: int, rules: SpanRules | None = None) -> None:
        self._pieces = pieces
        self._max_clip_ms = max_clip_ms
        self._finder = SpanFinder(rules)
        self._packer = ClipPacker(max_clip_ms)
        self._window = SampleWindow()
        self.duration_ms = 0

    def __iter__(self) -> Iterator[Clip]:
        vad = SileroStream()
        for piece in self._pieces:
            self._window.append(piece)
            self.duration_ms = self._window.end_ms
            spans = self._finder.feed(vad.feed(piece).tolist())
            yield from self._clips(spans)
            yield from self._clips(self._cut_endless_span())
            self._forget()
        spans = self._finder.feed(vad.finish().tolist())
        yield from self._clips(spans + self._finder.finish(self.duration_ms))
        yield from map(self._clip, self._packer.flush())

    def _clips(self, spans: Iterable[Span]) -> Iterator[Clip]:
        for span in spans:
            for part in split_span(span, self._max_clip_ms, self._window.quietest_ms):
                yield from map(self._clip, self._packer.add(part))

    def _clip(self, span: Span) -> Clip:
        return Clip(span, self._window.samples(span))

    def _cut_endless_span(self) -> Iterator[Span]:
        """Speech without a pause must not pile up: cut it while it goes on."""
        while (start_ms := self._finder.open_since_ms) is not None:
            if self.duration_ms - start_ms < 2 * self._max_clip_ms:
                return
            at_ms = cut_time_ms(start_ms, self.duration_ms, self._max_clip_ms, self._window.quietest_ms)
            yield self._finder.cut_open(at_ms)

    def _forget(self) -> None:
        pending_ms = self._packer.pending_since_ms
        self._window.forget_before(self._finder.safe_ms if pending_ms is None else pending_ms)


class SampleWindow:
    """The last part of a stream of samples, addressed by ms from the start of the stream."""

    def __init__(self) -> None:
        self._samples: Samples = np.zeros(0, dtype=np.float32)
        self._dropped_ms = 0

    @property
    def end_ms(self) -> int:
        """Length of the stream so far, whole ms."""
        return self._dropped_ms + len(self._samples) // SAMPLES_PER_MS

    def append(self, piece: Samples) -> None:
        """Add the next samples."""
        self._samples = np.concatenate((self._samples, piece))

    def forget_before(self, time_ms: int) -> None:
        """Free what lies before `time_ms`."""
        if time_ms > self._dropped_ms:
            self._samples = self._samples[(time_ms - self._dropped_ms) * SAMPLES_PER_MS :].copy()
            self._dropped_ms = time_ms

    def samples(self, span: Span) -> Samples:
        """The samples of a span that has not been forgotten."""
        start_ms, end_ms = span.start_ms - self._dropped_ms, span.end_ms - self._dropped_ms
        if start_ms < 0:
            raise ValueError("the span has been forgotten")
        return self._samples[start_ms * SAMPLES_PER_MS : end_ms * SAMPLES_PER_MS].copy()

    def quietest_ms(self, from_ms: int, to_ms: int) -> int:
        """Middle of the quietest tenth of a second between two times."""
        samples = self.samples(Span(from_ms, to_ms))
        step = _LOUDNESS_STEP_MS * SAMPLES_PER_MS
        steps = len(samples) // step
        if steps <= _LOUDNESS_WINDOW_STEPS:
            return (from_ms + to_ms) // 2
        energy = np.square(samples[: steps * step]).reshape(steps, step).sum(axis=1)
        smooth = np.convolve(energy, np.ones(_LOUDNESS_WINDOW_STEPS), mode="valid")
        first_step = int(smooth.argmin())
        return from_ms + (2 * first_step + _LOUDNESS_WINDOW_STEPS) * _LOUDNESS_STEP_MS // 2
