"""The recording as a client has it: one file, or chunks cut at pauses, and the script that was really spoken."""

from __future__ import annotations

import io
import json
import wave
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

FOLDER: Final = Path(__file__).resolve().parent
RATE_HZ: Final = 16_000
_FRAME_MS: Final = 20
_BUFFER_MS: Final = 32
"""Recorders hand on whole buffers; 512 samples are what many browsers and sound cards use."""
_QUIET: Final = 0.01
_SHORTEST_PAUSE_MS: Final = 240


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the recording as a WAV file, with its number and its place in the recording."""

    sequence_id: int
    wav: bytes
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class RecordedSession:
    """`recording.flac` and `recording.json`."""

    path: Path = FOLDER / "recording.flac"

    @cached_property
    def utterances(self) -> list[dict[str, object]]:
        """What was spoken: speaker, text, start_ms, end_ms."""
        found: list[dict[str, object]] = json.loads(self.path.with_suffix(".json").read_text(encoding="utf-8"))[
            "utterances"
        ]
        return found

    @cached_property
    def script(self) -> str:
        """The whole text, as spoken."""
        return " ".join(str(item["text"]) for item in self.utterances)

    @cached_property
    def samples(self) -> NDArray[np.int16]:
        """All samples, mono, 16 kHz."""
        with av.open(str(self.path)) as container:
            resampler = av.AudioResampler("s16", "mono", RATE_HZ)
            frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.int16)

    @property
    def duration_ms(self) -> int:
        """Length of the recording."""
        return len(self.samples) * 1000 // RATE_HZ

    def chunks(self, longest_ms: int = 12_000) -> list[Chunk]:
        """Cut at the longest pause of the last half of each stretch, as a client with a pause detector does."""
        borders = [0]
        while borders[-1] + longest_ms < self.duration_ms:
            borders.append(self._pause_before(borders[-1] + longest_ms, borders[-1] + longest_ms // 2))
        borders.append(self.duration_ms)
        pairs = pairwise(borders)
        return [Chunk(number, self._wav(start, end), start, end) for number, (start, end) in enumerate(pairs, start=1)]

    def _pause_before(self, latest_ms: int, earliest_ms: int) -> int:
        """Return the middle of the longest pause between two times; the latest time when there is none."""
        window = self.samples[earliest_ms * 16 : latest_ms * 16].astype(np.float32) / 32768
        frame = _FRAME_MS * 16
        loudness = np.abs(window[: len(window) // frame * frame]).reshape(-1, frame).max(axis=1)
        best, begin = (0, 0), None
        for position, quiet in enumerate([*(loudness < _QUIET), False]):
            if quiet and begin is None:
                begin = position
            elif not quiet and begin is not None:
                best, begin = max(best, (position - begin, begin)), None
        length, first = best
        if length * _FRAME_MS < _SHORTEST_PAUSE_MS:
            return latest_ms
        middle_ms = earliest_ms + (first + length // 2) * _FRAME_MS
        return middle_ms // _BUFFER_MS * _BUFFER_MS

    def _wav(self, start_ms: int, end_ms: int) -> bytes:
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE_HZ)
            out.writeframes(self.samples[start_ms * 16 : end_ms * 16].tobytes())
        return file.getvalue()
