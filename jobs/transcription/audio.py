"""Audio in: what a file is, whether it is whole, and its samples as 16 kHz mono pieces in bounded memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame

from jobs.transcription.containers import Container
from jobs.transcription.engine import SAMPLE_RATE_HZ, Samples
from jobs.transcription.errors import AudioUnreadable
from jobs.transcription.frames import AudioLimits, AudioSource, OpenAudio, open_audio
from jobs.transcription.plain_wav import plain_wav

CHUNK_LIMITS: Final = AudioLimits(
    max_bytes=64 * 1024**2, max_duration_ms=2 * 60 * 1000, max_samples=2 * 60 * 96_000 * 2
)
"""Limits of one appended chunk, which is decoded within the request; the web edge usually sets a smaller body limit."""

FILE_LIMITS: Final = AudioLimits()
"""Limits of a whole recording."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a recording is, told from its content and not from its name or media type."""

    codec: str
    container: Container
    sample_rate_hz: int
    channels: int
    duration_ms: int


def probe(source: AudioSource, limits: AudioLimits = FILE_LIMITS) -> AudioInfo:
    """Describe a recording; decodes it only where its container does not announce the duration.

    Raises:
        AudioEmpty, AudioMalformed, AudioUnreadable, AudioTruncated, AudioTooLarge: see `jobs.transcription.errors`.
    """
    with open_audio(source, limits) as opened:
        announced_s = opened.announced_s
        return _info(opened, opened.measured_ms() if announced_s is None else int(announced_s * 1000))


def check_audio(data: bytes | AudioSource, limits: AudioLimits = CHUNK_LIMITS) -> AudioInfo:
    """Decode a whole chunk or recording and describe it: what passes here can be transcribed.

    About 0.1 ms for plain WAV (`plain_wav`), 2 ms for 10 s of other WAV, 3 ms for FLAC, 10 to 20 ms for MP3, AAC and
    Opus on one core. `duration_ms` is what was really decoded.

    Raises:
        AudioEmpty, AudioMalformed, AudioUnreadable, AudioTruncated, AudioTooLarge: see `jobs.transcription.errors`.
    """
    if isinstance(data, bytes):
        plain = _plain(data, limits)
        if plain is not None:
            return plain
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    with open_audio(source, limits) as opened:
        return _info(opened, opened.measured_ms())


def _plain(data: bytes, limits: AudioLimits) -> AudioInfo | None:
    """Describe plain PCM within the limits without a decoder: there is nothing in it that could fail to decode."""
    wav = plain_wav(data)
    if wav is None or len(data) > limits.max_bytes or wav.samples * wav.channels > limits.max_samples:
        return None
    if wav.samples * 1000 > limits.max_duration_ms * wav.sample_rate_hz:
        return None
    return AudioInfo("pcm_s16le", Container.WAV, wav.sample_rate_hz, wav.channels, wav.duration_ms)


def decode_stream(source: AudioSource, chunk_s: float = 10.0, limits: AudioLimits = FILE_LIMITS) -> Iterator[Samples]:
    """Yield mono float32 samples at 16 kHz, in [-1, 1], in pieces of `chunk_s` seconds; the last one may be shorter.

    Reads as it yields: memory does not grow with the length of the recording. Damage is noticed when decoding gets
    there, so the error may come after pieces that are good.

    Raises:
        AudioEmpty, AudioMalformed, AudioUnreadable, AudioTruncated, AudioTooLarge: see `jobs.transcription.errors`.
    """
    piece_samples = int(chunk_s * SAMPLE_RATE_HZ)
    if piece_samples < 1:
        raise ValueError("chunk_s must hold at least one sample")
    waiting: list[Samples] = []
    waiting_samples = 0
    with open_audio(source, limits) as opened:
        for block in _resampled(opened):
            waiting.append(block)
            waiting_samples += len(block)
            if waiting_samples >= piece_samples:
                joined = np.concatenate(waiting)
                whole = len(joined) - len(joined) % piece_samples
                yield from np.split(joined[:whole], whole // piece_samples)
                waiting, waiting_samples = [joined[whole:]], len(joined) - whole
    if waiting_samples:
        yield np.concatenate(waiting)


def _info(opened: OpenAudio, duration_ms: int) -> AudioInfo:
    context = opened.stream.codec_context
    return AudioInfo(
        codec=context.name.removesuffix("float"),
        container=opened.container,
        sample_rate_hz=context.sample_rate,
        channels=context.channels,
        duration_ms=duration_ms,
    )


def _resampled(opened: OpenAudio) -> Iterator[Samples]:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    for frame in opened.frames():
        frame.pts = None
        yield from _samples(resampler, frame)
    yield from _samples(resampler, None)


def _samples(resampler: av.AudioResampler, frame: AudioFrame | None) -> Iterator[Samples]:
    try:
        converted = resampler.resample(frame)
    except ValueError as error:
        raise AudioUnreadable("The audio changes its format on the way.") from error
    for part in converted:
        block = part.to_ndarray().reshape(-1).astype(np.float32)
        yield np.clip(np.nan_to_num(block, copy=False), -1.0, 1.0)
