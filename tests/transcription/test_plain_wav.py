"""What is told from the header of a plain WAV is what a decoder finds; whatever differs in anything is left to it."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from astra_site.lib.errors import AstraError
from jobs.transcription.audio import CHUNK_LIMITS, AudioInfo, check_audio, decode_stream
from jobs.transcription.frames import AudioLimits
from jobs.transcription.plain_wav import plain_wav
from tests.transcription.encodings import encode, wav_header


def decoded(data: bytes) -> AudioInfo | str:
    """What the decoder says: an open file is never judged by its header alone."""
    return judged(io.BytesIO(data))


def judged(data: bytes | io.BytesIO, limits: AudioLimits = CHUNK_LIMITS) -> AudioInfo | str:
    try:
        return check_audio(data, limits)
    except AstraError as error:
        return error.code


def noise(samples: int, seed: int = 1, loudness: int = 3000) -> bytes:
    return np.random.default_rng(seed).integers(-loudness, loudness + 1, samples, dtype=np.int16).tobytes()


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_plain_wav_is_known_without_a_decoder(rate_hz: int, channels: int) -> None:
    audio = noise(rate_hz * channels)
    data = wav_header(len(audio), rate_hz, channels) + audio
    assert plain_wav(data) is not None
    assert judged(data) == decoded(data)
    assert sum(len(piece) for piece in decode_stream(io.BytesIO(data))) == pytest.approx(16_000, abs=20)


CHANGES = st.lists(st.tuples(st.integers(0, 47), st.integers(0, 255)), max_size=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    changes=CHANGES,
    cut=st.integers(0, 40),
    extra=st.binary(max_size=9),
    channels=st.integers(1, 3),
    samples=st.integers(0, 3000),
    loudness=st.sampled_from([0, 1, 300, 32_000]),
)
@example(changes=[(22, 0)], cut=0, extra=b"", channels=1, samples=3000, loudness=1)
@example(changes=[(20, 3)], cut=0, extra=b"", channels=1, samples=3000, loudness=1)
@example(changes=[(34, 24)], cut=0, extra=b"", channels=1, samples=3000, loudness=1)
@example(changes=[(34, 8)], cut=0, extra=b"", channels=1, samples=3000, loudness=1)
@example(changes=[], cut=0, extra=b"LIST\x04\0\0\0ab", channels=1, samples=3000, loudness=1)
def test_whatever_a_header_says_the_judgement_is_the_decoders(
    changes: list[tuple[int, int]], cut: int, extra: bytes, channels: int, samples: int, loudness: int
) -> None:
    audio = noise(samples * channels, samples, loudness)
    data = bytearray(wav_header(len(audio), 16_000, channels) + audio + extra)
    for place, value in changes:
        if place < len(data):
            data[place] = value
    whole = bytes(data[: len(data) - cut])
    assert judged(whole) == decoded(whole)


@pytest.mark.parametrize(
    "disguised",
    [
        b"\x72\xf8\x1f\x4e\x01\x00\x00\x18" * 800,
        bytes(900) + b"\xfe\x7f\x01\x80" + bytes(900),
        b"\x7f\xfe\x80\x01" + bytes(900),
        b"\x0b\x77" + bytes(900),
        encode("mp3", 600),
    ],
    ids=["S/PDIF", "DTS, little endian", "DTS", "AC-3", "MP3"],
)
def test_what_may_be_another_codec_is_left_to_the_decoder(disguised: bytes) -> None:
    audio = disguised + bytes(len(disguised) % 2)
    data = wav_header(len(audio)) + audio
    assert plain_wav(data) is None
    assert judged(data) == decoded(data)


def test_the_limits_hold_without_a_decoder() -> None:
    second = wav_header(32_000) + noise(16_000)
    for limits in (AudioLimits(max_duration_ms=999), AudioLimits(max_samples=15_999), AudioLimits(max_bytes=32_000)):
        assert judged(second, limits) == judged(io.BytesIO(second), limits) == "audio_too_large"
    exact = AudioLimits(max_bytes=32_044, max_duration_ms=1001, max_samples=16_000)
    assert judged(second, exact) == judged(io.BytesIO(second), exact)
    assert isinstance(judged(second, exact), AudioInfo)


def test_a_header_alone_or_less_is_no_plain_wav() -> None:
    for size in range(45):
        assert plain_wav(wav_header(0)[:size]) is None
    assert plain_wav(struct.pack("<4sI4s", b"RIFF", 36, b"WAVE") + bytes(40)) is None
