"""The plainest WAV, told from its header alone: what most live clients send, and nothing that needs a decoder.

16-bit PCM behind a header of 44 bytes, whole to the byte: any content is valid audio of a length that can be counted.
What differs in anything, an AC-3 or DTS stream that poses as PCM included, is for FFmpeg to judge (`open_audio`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE_RATES_HZ: Final = range(4_000, 384_001)
_MAX_CHANNELS: Final = 8
_SPDIF: Final = b"\x72\xf8\x1f\x4e"
"""The sync word of an S/PDIF burst (IEC 61937); FFmpeg looks for it in the first 64 KiB of any PCM."""
_DTS: Final = (b"\xfe\x7f\x01\x80", b"\x7f\xfe\x80\x01", b"\xff\x1f\x00\xe8", b"\x1f\xff\xe8\x00")
"""The sync words of DTS, 16 and 14 bits in both byte orders; FFmpeg looks for them in what it probes."""
_SPDIF_SEARCHED_BYTES: Final = 1 << 16
_DTS_SEARCHED_BYTES: Final = 1 << 13


@dataclass(frozen=True, slots=True)
class PlainWav:
    """16-bit PCM: sample rate, channels, and the number of samples of one channel."""

    sample_rate_hz: int
    channels: int
    samples: int

    @property
    def duration_ms(self) -> int:
        """Length in whole ms, as counted from decoded samples."""
        return self.samples * 1000 // self.sample_rate_hz


def plain_wav(data: bytes) -> PlainWav | None:
    """Return what a plain WAV is; None for everything else, which says nothing about its validity."""
    if len(data) <= _HEADER.size:
        return None
    riff, riff_bytes, wave, fmt, fmt_bytes, tag, channels, rate_hz, bytes_per_s, block, bits, mark, size = (
        _HEADER.unpack_from(data)
    )
    is_canonical = (riff, wave, fmt, fmt_bytes, tag, bits, mark) == (b"RIFF", b"WAVE", b"fmt ", 16, 1, 16, b"data")
    is_whole = size == len(data) - _HEADER.size and riff_bytes == len(data) - 8
    if not is_canonical or not is_whole or rate_hz not in _SAMPLE_RATES_HZ or not 1 <= channels <= _MAX_CHANNELS:
        return None
    if block != 2 * channels or bytes_per_s != block * rate_hz or size % block:
        return None
    if _may_be_disguised(data):
        return None
    return PlainWav(rate_hz, channels, size // block)


def _may_be_disguised(data: bytes) -> bool:
    """Say whether another codec may pose as PCM: a decoder that looks closer would find it. Rarely true by chance."""
    start = data[_HEADER.size : _HEADER.size + 4]
    if start[:1] == b"\xff" or start[:3] == b"ID3" or start[:2] in (b"\x0b\x77", b"\x77\x0b"):
        return True  # MPEG audio, ADTS or AC-3 from the first sample on
    if data.find(_SPDIF, _HEADER.size, _HEADER.size + _SPDIF_SEARCHED_BYTES) >= 0:
        return True
    return any(data.find(sync, _HEADER.size, _HEADER.size + _DTS_SEARCHED_BYTES) >= 0 for sync in _DTS)
