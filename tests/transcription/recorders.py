"""Recordings as they leave recorders: written to a pipe, and the way browsers' MediaRecorder lays them out."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import av
from av.audio.stream import AudioStream

from tests.transcription.encodings import tone

_EBML, _SEGMENT, _CLUSTER, _INFO, _TRACKS, _DURATION = (
    bytes.fromhex(name) for name in ("1a45dfa3", "18538067", "1f43b675", "1549a966", "1654ae6b", "4489")
)
_UNKNOWN = b"\x01" + b"\xff" * 7
_BROWSERS_PARTS = (_INFO, _TRACKS, _CLUSTER)


@dataclass(frozen=True)
class Recorder:
    """What FFmpeg is asked for, and what the result is."""

    muxer: str
    encoder: str
    rate_hz: int
    media_type: str
    codec: str
    options: tuple[tuple[str, str], ...] = ()


_FRAGMENTS = (("movflags", "frag_keyframe+empty_moov+default_base_moof"), ("frag_duration", "500000"))
RECORDERS = {
    "webm": Recorder("webm", "libopus", 48_000, "audio/webm", "opus"),
    "ogg": Recorder("ogg", "libopus", 48_000, "audio/ogg", "opus"),
    "mp4 fragments": Recorder("mp4", "aac", 44_100, "audio/mp4", "aac", _FRAGMENTS),
    "wav": Recorder("wav", "pcm_s16le", 16_000, "audio/wav", "pcm_s16le"),
    "flac": Recorder("flac", "flac", 16_000, "audio/flac", "flac"),
    "mp3": Recorder("mp3", "libmp3lame", 44_100, "audio/mpeg", "mp3"),
}


def recorded(name: str, length_ms: int = 3000) -> bytes:
    """A recording that was written to a real pipe: nothing in it could be corrected afterwards."""
    recorder = RECORDERS[name]
    reading, writing = os.pipe()
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.extend(_all_of(reading)))
    reader.start()
    try:
        _write(recorder, writing, length_ms)
    finally:
        os.close(writing)
        reader.join()
        os.close(reading)
    return b"".join(received)


def chromes_webm(length_ms: int = 3000) -> bytes:
    """WebM as Chrome's MediaRecorder makes it: segment and clusters of unknown size, no duration, no cues."""
    plain = recorded("webm", length_ms)
    head_bytes = _element(plain, 0)[2]
    segment_body = _element(plain, head_bytes)[1]
    parts = [plain[:head_bytes], _SEGMENT, _UNKNOWN]
    for name, body, end in _elements(plain, segment_body):
        if name == _CLUSTER:
            parts += [_CLUSTER, _UNKNOWN, plain[body:end]]
        elif name in _BROWSERS_PARTS:
            content = _without(plain, body, end, _DURATION)
            parts += [name, (len(content) | 1 << 28).to_bytes(4, "big"), content]
    return b"".join(parts)


def _write(recorder: Recorder, descriptor: int, length_ms: int) -> None:
    with av.open(f"pipe:{descriptor}", "w", format=recorder.muxer, options=dict(recorder.options)) as container:
        stream = container.add_stream(recorder.encoder, rate=recorder.rate_hz, layout="mono")
        assert isinstance(stream, AudioStream)
        samples = tone(length_ms, recorder.rate_hz)[None, :]
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = recorder.rate_hz
        resampler = av.AudioResampler(stream.codec_context.format, "mono", recorder.rate_hz, stream.frame_size or None)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def _all_of(descriptor: int) -> Iterator[bytes]:
    while piece := os.read(descriptor, 1 << 16):
        yield piece


def _elements(data: bytes, position: int, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    while position < (len(data) if end is None else end):
        name, body, position = _element(data, position)
        yield name, body, position


def _element(data: bytes, position: int) -> tuple[bytes, int, int]:
    """Id, start of the body and end of the EBML element at a position; one of unknown length ends with the data."""
    id_bytes = 9 - data[position].bit_length()
    width = 9 - data[position + id_bytes].bit_length()
    body = position + id_bytes + width
    length = int.from_bytes(data[position + id_bytes : body], "big") & ((1 << 7 * width) - 1)
    is_unknown = length == (1 << 7 * width) - 1
    return data[position : position + id_bytes], body, len(data) if is_unknown else body + length


def _without(data: bytes, start: int, end: int, name: bytes) -> bytes:
    starts = [start, *(stop for _, _, stop in _elements(data, start, end))]
    pieces = [data[one:two] for one, two in itertools.pairwise(starts)]
    return b"".join(piece for piece in pieces if not piece.startswith(name))
