"""Whisper through faster-whisper (CTranslate2)."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from jobs.transcription.engine import SAMPLE_RATE_HZ, Samples, Segment, TranscribeOptions, TranscriptResult, Word
from jobs.transcription.errors import EngineFailed, UnsupportedOption
from jobs.transcription.whisper_model import WHISPER_WINDOW_S, ModelCard, ModelSource, load_model, read_card

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

ENGINE: Final = "whisper"

_SILENCE_PEAK: Final = 1e-4
"""Below this peak (-80 dBFS) there is nothing to hear; asking the model would only invite an invention."""


class WhisperTranscriber:
    """One Whisper model, loaded at first use, once, and shared by all threads.

    Greedy in its settings so that the same clip gives the same text: fixed language, temperature 0, no conditioning
    on earlier text. Hotwords and prompt are passed on unless the model's card says that they harm it.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._loading = threading.Lock()
        self._loaded: WhisperModel | None = None
        self._known_card: ModelCard | None = None

    @property
    def engine(self) -> str:
        """Always `whisper`."""
        return ENGINE

    @property
    def model(self) -> str:
        """Name of the model, from its card or its reference."""
        return self._card.name

    @property
    def max_clip_s(self) -> float:
        """At most 30 s; less where the model's card says so."""
        return self._card.max_clip_s

    def load(self) -> None:
        """Load the model now instead of at the first clip. Raises EngineUnavailable."""
        self._whisper()

    def transcribe(self, samples: Samples, options: TranscribeOptions) -> TranscriptResult:
        """See `Transcriber.transcribe`."""
        duration_ms = len(samples) * 1000 // SAMPLE_RATE_HZ
        self._check(options, duration_ms)
        if not len(samples) or float(np.abs(samples).max()) < _SILENCE_PEAK:
            return TranscriptResult((), options.language, duration_ms, ENGINE, self.model)
        segments = tuple(self._segments(samples, options, duration_ms))
        return TranscriptResult(segments, options.language, duration_ms, ENGINE, self.model)

    @property
    def _card(self) -> ModelCard:
        if self._known_card is None:
            self._known_card = read_card(self._source)
        return self._known_card

    def _whisper(self) -> WhisperModel:
        with self._loading:
            if self._loaded is None:
                self._loaded = load_model(self._source)
            return self._loaded

    def _check(self, options: TranscribeOptions, duration_ms: int) -> None:
        if not 0 < options.max_clip_s <= WHISPER_WINDOW_S:
            raise UnsupportedOption(f"Whisper hears at most {WHISPER_WINDOW_S:g} s at once.", option="max_clip_s")
        if options.beam_size < 1:
            raise UnsupportedOption("The beam needs at least one path.", option="beam_size")
        if duration_ms > self.max_clip_s * 1000:
            message = f"The clip lasts {duration_ms / 1000:g} s, the model {self.model} hears {self.max_clip_s:g} s."
            raise UnsupportedOption(message, option="max_clip_s", duration_ms=duration_ms)
        languages = self._card.languages or self._whisper().supported_languages
        if options.language not in languages:
            message = f"The model {self.model} does not know the language '{options.language}'."
            raise UnsupportedOption(message, option="language")

    def _segments(self, samples: Samples, options: TranscribeOptions, duration_ms: int) -> Iterable[Segment]:
        hints = options if self._card.accepts_prompt else None
        try:
            found, _ = self._whisper().transcribe(
                np.ascontiguousarray(samples, dtype=np.float32),
                language=options.language,
                beam_size=options.beam_size,
                temperature=0.0,
                condition_on_previous_text=False,
                word_timestamps=options.word_timestamps,
                initial_prompt=hints.initial_prompt if hints else None,
                hotwords=", ".join(hints.hotwords) or None if hints else None,
            )
            raw_segments = list(found)
        except (RuntimeError, ValueError) as error:
            raise EngineFailed("Whisper failed on a clip.", model=self.model) from error
        return _ordered(raw_segments, duration_ms)


def _ordered(raw_segments: Iterable[Any], duration_ms: int) -> Iterable[Segment]:
    """Our segments from Whisper's, times in order and inside the clip, empty ones dropped."""
    earliest_ms = 0
    for raw in raw_segments:
        text = " ".join(raw.text.split())
        if not text:
            continue
        words = tuple(_ordered_words(raw.words or (), earliest_ms, duration_ms))
        if words:
            start_ms, end_ms = words[0].start_ms, words[-1].end_ms
            confidence = sum(word.confidence for word in words) / len(words)
        else:
            start_ms, end_ms = _clamped(raw.start, raw.end, earliest_ms, duration_ms)
            confidence = math.exp(raw.avg_logprob)
        earliest_ms = end_ms
        yield Segment(text, start_ms, end_ms, _probability(confidence), words)


def _ordered_words(raw_words: Iterable[Any], earliest_ms: int, duration_ms: int) -> Iterable[Word]:
    for raw in raw_words:
        text = raw.word.strip()
        if not text:
            continue
        start_ms, earliest_ms = _clamped(raw.start, raw.end, earliest_ms, duration_ms)
        yield Word(text, start_ms, earliest_ms, _probability(raw.probability))


def _clamped(start_s: float, end_s: float, earliest_ms: int, latest_ms: int) -> tuple[int, int]:
    start_ms = min(max(round(float(start_s) * 1000), earliest_ms), latest_ms)
    return start_ms, min(max(round(float(end_s) * 1000), start_ms), latest_ms)


def _probability(value: float) -> float:
    """Rounded to four digits: stable in JSON and precise enough for a person's judgement."""
    return round(min(max(float(value), 0.0), 1.0), 4)
