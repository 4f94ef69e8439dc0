"""Small recordings in every accepted encoding, made on the spot."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

WHOLE = {
    "wav": ("wav", "pcm_s16le", 16_000, "mono"),
    "wav-24-bit": ("wav", "pcm_s24le", 48_000, "stereo"),
    "wav-float": ("wav", "pcm_f32le", 44_100, "mono"),
    "wav-8-khz-stereo": ("wav", "pcm_s16le", 8_000, "stereo"),
    "wav-telephone": ("wav", "pcm_alaw", 8_000, "mono"),
    "flac": ("flac", "flac", 16_000, "mono"),
    "mp3": ("mp3", "libmp3lame", 44_100, "stereo"),
    "ogg-opus": ("ogg", "libopus", 48_000, "mono"),
    "webm": ("webm", "libopus", 48_000, "mono"),
    "m4a": ("ipod", "aac", 44_100, "stereo"),
}
"""Name: FFmpeg's muxer and encoder, sample rate in Hz, channel layout."""


def tone(length_ms: int, rate_hz: int = 16_000) -> NDArray[np.float32]:
    """A swelling tone with a little noise: compresses badly enough for a cut to hit audio."""
    times_s = np.arange(length_ms * rate_hz // 1000) / rate_hz
    noise = np.random.default_rng(7).normal(0, 0.02, len(times_s))
    return (0.3 * np.sin(2 * np.pi * 440 * times_s) * np.sin(np.pi * times_s) + noise).astype(np.float32)


def encode(name: str, length_ms: int = 3000) -> bytes:
    """A whole, valid recording of about that length."""
    muxer, codec, rate_hz, layout = WHOLE[name]
    target = io.BytesIO()
    with av.open(target, "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        assert isinstance(stream, AudioStream)
        frame = av.AudioFrame.from_ndarray(tone(length_ms, rate_hz)[None, :], format="fltp", layout="mono")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate_hz, stream.frame_size or None)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return target.getvalue()


def wav_header(data_bytes: int, rate_hz: int = 16_000, channels: int = 1) -> bytes:
    """A WAV header that announces `data_bytes` of 16-bit audio."""
    form = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * channels * 2 % 2**32, channels * 2 % 2**16, 16)
    size = min(36 + data_bytes, 0xFFFFFFFF)
    return b"RIFF" + struct.pack("<I", size) + b"WAVEfmt \x10\0\0\0" + form + b"data" + struct.pack("<I", data_bytes)
