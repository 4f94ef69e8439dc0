"""The only place that opens audio with FFmpeg (PyAV), behind an allow-list of containers and codecs.

FFmpeg is given an open file, never a name, and is told which single demuxer to use: playlists, concatenation scripts,
session descriptions and nested references can't make it open anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from jobs.transcription.containers import Container, announced_audio, sniff
from jobs.transcription.errors import AudioEmpty, AudioMalformed, AudioTooLarge, AudioTruncated, AudioUnreadable

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

AudioSource = str | Path | BinaryIO
"""A path, or a seekable binary file object, which is read from its start and not closed."""

_DEMUXER: Final = {
    Container.WAV: "wav",
    Container.FLAC: "flac",
    Container.MP3: "mp3",
    Container.OGG: "ogg",
    Container.WEBM: "matroska",
    Container.M4A: "mov",
}
_CODECS: Final = frozenset(
    {
        *("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw"),
        *("adpcm_ms", "adpcm_ima_wav", "flac", "mp3", "mp3float", "mp2", "mp2float", "opus", "vorbis", "aac", "alac"),
    }
)
_SAMPLE_RATES_HZ: Final = range(4_000, 384_001)
_MAX_CHANNELS: Final = 64
_TOLERANCE_S: Final = Fraction(1, 4)
"""How much less or more than announced a decoder may give: encoder delay, padding and rounding, never a passage."""


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """What is accepted at most. Duration and samples also bound what a small hostile file can decompress to.

    `max_samples` counts the samples of all channels together.
    """

    max_bytes: int = 8 * 1024**3
    max_duration_ms: int = 12 * 3600 * 1000
    max_samples: int = 12 * 3600 * 48_000 * 2


class _Reach:
    """How much audio has been decoded: counted samples, and the furthest time by the container's own stamps.

    Plain numbers, because this runs once per frame, some hundred times per second of decoding.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.rate_hz = 0
        self.end_s = 0.0
        self._first_s: float | None = None

    @property
    def counted_s(self) -> Fraction:
        """Length of all samples together."""
        return Fraction(self.samples, self.rate_hz) if self.rate_hz else Fraction(0)

    def add(self, frame: AudioFrame) -> None:
        """Count one more frame. Raises AudioUnreadable when it has another sample rate than the first."""
        samples, rate_hz = frame.samples, frame.sample_rate
        if rate_hz != self.rate_hz:
            if self.rate_hz or rate_hz <= 0:
                raise AudioUnreadable("The audio changes its sample rate on the way.")
            self.rate_hz = rate_hz
        self.samples += samples
        begin_s = frame.time
        if begin_s is not None:
            if self._first_s is None:
                self._first_s = begin_s
            self.end_s = max(self.end_s, begin_s - self._first_s)
        self.end_s += samples / rate_hz


@dataclass(frozen=True, slots=True)
class OpenAudio:
    """An opened recording: its first audio stream and what its container says about itself."""

    container: Container
    input: InputContainer
    stream: AudioStream
    announced_s: Fraction | None
    limits: AudioLimits

    @property
    def announced_ms(self) -> int | None:
        """The announced duration in whole ms; None where the container announces none."""
        return None if self.announced_s is None else int(self.announced_s * 1000)

    def measured_ms(self) -> int:
        """Decode everything and return the length of what there is, in whole ms. Raises as `frames` does."""
        samples = rate_hz = 0
        for frame in self.frames():
            samples, rate_hz = samples + frame.samples, frame.sample_rate
        return samples * 1000 // rate_hz

    def frames(self) -> Iterator[AudioFrame]:
        """Decode every frame, in order, and make sure that nothing is missing at the end.

        Raises:
            AudioUnreadable: not even the first frame can be decoded.
            AudioTruncated: decoding fails, or stops before the announced end.
            AudioMalformed: there is more audio than announced.
            AudioTooLarge: the limit of duration or samples is passed.
            AudioEmpty: there is no sample.
        """
        reach, max_s = _Reach(), self.limits.max_duration_ms / 1000
        max_announced_s = None if self.announced_s is None else float(self.announced_s + _TOLERANCE_S)
        max_samples = self.limits.max_samples // self.stream.codec_context.channels
        for frame in self._decoded(self.stream):
            reach.add(frame)
            if reach.end_s > max_s:
                raise AudioTooLarge("The audio is longer than allowed.", max_duration_ms=self.limits.max_duration_ms)
            if reach.samples > max_samples:
                raise _too_many_samples(self.limits)
            if max_announced_s is not None and reach.samples / reach.rate_hz > max_announced_s:
                raise AudioMalformed("The audio holds more than it announces.", announced_ms=self.announced_ms)
            yield frame
        if reach.samples == 0:
            raise AudioEmpty("The audio has no samples.")
        self._check_end(reach)

    def _check_end(self, reach: _Reach) -> None:
        if self.announced_s is None:
            return
        # FLAC announces its exact number of samples: damage in the middle shows as well.
        is_exact = self.container is Container.FLAC
        present_s = reach.counted_s if is_exact else Fraction(reach.end_s) + _TOLERANCE_S
        if present_s < self.announced_s:
            raise AudioTruncated(
                "The audio holds less than the duration that it announces.",
                announced_ms=self.announced_ms,
                present_ms=int(reach.end_s * 1000),
            )

    def _decoded(self, stream: AudioStream) -> Iterator[AudioFrame]:
        any_frame = False
        try:
            for frame in self.input.decode(stream):
                if frame.samples:
                    any_frame = True
                    yield frame
        except FFmpegError as error:
            if any_frame:
                raise AudioTruncated("The audio is cut off or damaged: it can't be decoded to its end.") from error
            raise AudioUnreadable("The audio can't be decoded.") from error


@contextmanager
def open_audio(source: AudioSource, limits: AudioLimits) -> Iterator[OpenAudio]:
    """Open a recording for decoding, container and codec checked.

    Raises:
        AudioEmpty, AudioMalformed, AudioUnreadable, AudioTruncated, AudioTooLarge: see `jobs.transcription.errors`.
        OSError: a path that can't be opened.
    """
    with _binary(source) as stream:
        size_bytes = stream.seek(0, 2)
        if size_bytes == 0:
            raise AudioEmpty("The audio has no bytes.")
        if size_bytes > limits.max_bytes:
            raise AudioTooLarge("The audio has more bytes than allowed.", max_bytes=limits.max_bytes)
        container = sniff(stream)
        announces = announced_audio(stream, container)
        with _demuxed(stream, container) as opened:
            audio = _first_audio_stream(opened)
            announced_s = _announced_s(opened, audio) if announces else None
            _check_announced(announced_s, audio, limits)
            yield OpenAudio(container, opened, audio, announced_s, limits)


def _check_announced(announced_s: Fraction | None, audio: AudioStream, limits: AudioLimits) -> None:
    """Refuse what already announces more than the limits, before anything is decoded."""
    if announced_s is None:
        return
    if announced_s * 1000 > limits.max_duration_ms:
        raise AudioTooLarge("The audio is longer than allowed.", max_duration_ms=limits.max_duration_ms)
    if announced_s * audio.codec_context.sample_rate * audio.codec_context.channels > limits.max_samples:
        raise _too_many_samples(limits)


def _too_many_samples(limits: AudioLimits) -> AudioTooLarge:
    return AudioTooLarge(
        "The audio has more samples than allowed: use a lower sample rate or fewer channels.",
        max_samples=limits.max_samples,
    )


@contextmanager
def _binary(source: AudioSource) -> Iterator[BinaryIO]:
    if isinstance(source, str | Path):
        with Path(source).open("rb") as stream:
            yield stream
    else:
        yield source


def _demuxed(stream: BinaryIO, container: Container) -> InputContainer:
    demuxer = _DEMUXER[container]
    options = {
        "format_whitelist": demuxer,
        "protocol_whitelist": "none",
        "codec_whitelist": ",".join(sorted(_CODECS)),
    }
    if container is Container.WAV:
        # By default FFmpeg searches megabytes of PCM for other codecs in disguise: most of the time of a short check.
        options["probesize"] = "8192"
    try:
        return av.open(stream, mode="r", format=demuxer, options=options, metadata_errors="ignore")
    except FFmpegError as error:
        raise AudioUnreadable(f"The content starts like {container} but can't be opened as such.") from error


def _first_audio_stream(opened: InputContainer) -> AudioStream:
    if not opened.streams.audio:
        raise AudioUnreadable("The file has no audio track.")
    stream = opened.streams.audio[0]
    # PyAV gives no context, against its own types, where FFmpeg does not know the codec.
    context = cast("AudioCodecContext | None", stream.codec_context)
    if context is None or context.name not in _CODECS:
        raise AudioUnreadable("The audio track uses a codec that is not accepted here.")
    if context.sample_rate not in _SAMPLE_RATES_HZ or not 1 <= context.channels <= _MAX_CHANNELS:
        raise AudioUnreadable(
            "The sample rate or the number of channels is out of range.",
            sample_rate_hz=context.sample_rate,
            channels=context.channels,
        )
    return stream


def _announced_s(opened: InputContainer, stream: AudioStream) -> Fraction | None:
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    if opened.duration is not None and len(opened.streams) == 1:
        return Fraction(opened.duration, av.time_base)
    return None
