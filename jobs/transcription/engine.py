"""What every speech engine takes and gives, and the protocol that makes them interchangeable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ: Final = 16_000
"""Every engine hears mono audio at this rate; one millisecond is exactly 16 samples."""

SAMPLES_PER_MS: Final = SAMPLE_RATE_HZ // 1000

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """What the caller wants from an engine.

    `hotwords` and `initial_prompt` are hints: an engine whose model can't use them ignores them. Everything else is
    binding: an engine that can't honour it raises `UnsupportedOption`.
    """

    language: str = "es"
    hotwords: tuple[str, ...] = ()
    initial_prompt: str | None = None
    word_timestamps: bool = True
    max_clip_s: float = 30.0
    beam_size: int = 5


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word, punctuation attached. Times in ms; confidence is a probability in [0, 1]."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float

    def shifted(self, offset_ms: int) -> Word:
        """The same word `offset_ms` later."""
        return replace(self, start_ms=self.start_ms + offset_ms, end_ms=self.end_ms + offset_ms)

    def to_json(self) -> dict[str, Any]:
        """A JSON-serialisable mapping that `from_json` reads back to an equal value."""
        return {
            "text": self.text,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "confidence": self.confidence,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Word:
        """Inverse of `to_json`. Raises KeyError on a missing member."""
        return cls(data["text"], data["start_ms"], data["end_ms"], data["confidence"])


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence-like unit. `words` is empty when word times were not asked for."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float
    words: tuple[Word, ...] = ()

    def shifted(self, offset_ms: int) -> Segment:
        """The same segment, words included, `offset_ms` later."""
        return replace(
            self,
            start_ms=self.start_ms + offset_ms,
            end_ms=self.end_ms + offset_ms,
            words=tuple(word.shifted(offset_ms) for word in self.words),
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON-serialisable mapping that `from_json` reads back to an equal value."""
        return {
            "text": self.text,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "confidence": self.confidence,
            "words": [word.to_json() for word in self.words],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Segment:
        """Inverse of `to_json`. Raises KeyError on a missing member."""
        words = tuple(Word.from_json(word) for word in data["words"])
        return cls(data["text"], data["start_ms"], data["end_ms"], data["confidence"], words)


@dataclass(frozen=True, slots=True)
class TranscriptResult:
    """What was heard, in order, with the engine and the model that heard it.

    Times count from the first sample of the audio that was given. No speech means no segments.
    """

    segments: tuple[Segment, ...]
    language: str
    duration_ms: int
    engine: str
    model: str

    @property
    def text(self) -> str:
        """The whole text, segments joined by one space."""
        return " ".join(segment.text for segment in self.segments)

    def to_json(self) -> dict[str, Any]:
        """A JSON-serialisable mapping that `from_json` reads back to an equal value."""
        return {
            "segments": [segment.to_json() for segment in self.segments],
            "language": self.language,
            "duration_ms": self.duration_ms,
            "engine": self.engine,
            "model": self.model,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TranscriptResult:
        """Inverse of `to_json`. Raises KeyError on a missing member."""
        segments = tuple(Segment.from_json(segment) for segment in data["segments"])
        return cls(segments, data["language"], data["duration_ms"], data["engine"], data["model"])


class Transcriber(Protocol):
    """A speech engine. Safe to call from several threads; the model loads at first use."""

    @property
    def engine(self) -> str:
        """Stable name of the engine, e.g. `whisper`."""
        ...

    @property
    def model(self) -> str:
        """Name of the model in use, e.g. `large-v3-turbo`."""
        ...

    @property
    def max_clip_s(self) -> float:
        """The longest clip that the model hears well, in seconds."""
        ...

    def transcribe(self, samples: Samples, options: TranscribeOptions) -> TranscriptResult:
        """Transcribe one clip of mono 16 kHz float32 samples in [-1, 1].

        Times of the result lie inside the clip, in order. Silence gives no segments.

        Raises:
            UnsupportedOption: an option can't be honoured, or the clip is longer than `max_clip_s`.
            EngineUnavailable: the model can't be loaded.
            EngineFailed: the model failed on this clip.
        """
        ...
