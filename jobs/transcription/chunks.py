"""Audio out: samples as small files that any decoder reads, for who sends a recording on in pieces."""

from __future__ import annotations

import io
import wave

import av
import numpy as np

from jobs.transcription.containers import Container
from jobs.transcription.engine import SAMPLE_RATE_HZ, Samples

ENCODABLE = (Container.WAV, Container.FLAC)


def encode_chunk(samples: Samples, container: Container = Container.WAV) -> bytes:
    """Return mono samples at 16 kHz, in [-1, 1], as a 16-bit WAV or FLAC file: lossless once they are 16-bit.

    The same samples give the same bytes. Raises `ValueError` for another container.
    """
    pcm = np.round(np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)
    if container is Container.WAV:
        return _wav(pcm.tobytes())
    if container is Container.FLAC:
        return _flac(pcm)
    raise ValueError(f"Chunks are encoded as {' or '.join(ENCODABLE)}, not as {container}.")


def _wav(pcm: bytes) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(pcm)
    return target.getvalue()


def _flac(pcm: np.ndarray[tuple[int], np.dtype[np.int16]]) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(pcm[None, :], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ, stream.codec_context.frame_size or None)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return target.getvalue()
