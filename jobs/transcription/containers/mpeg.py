"""MPEG audio (MP3): frame lengths from their headers. Source: ISO/IEC 11172-3 and 13818-3, ID3v2.4."""

from __future__ import annotations

from typing import BinaryIO, Final

from jobs.transcription.errors import AudioTruncated, AudioUnreadable

_BITRATE_KBPS: Final = {
    # (MPEG 1, layer)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATE_HZ: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MAX_TAGS: Final = 16


def frame_bytes(header: bytes) -> int | None:
    """Length in bytes of the frame that starts with these four bytes; None when they start no frame."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = (header[1] >> 3) & 3, 4 - ((header[1] >> 1) & 3)
    rate_index, bitrate_index = (header[2] >> 2) & 3, header[2] >> 4
    if version == 1 or layer == 4 or rate_index == 3 or bitrate_index in (0, 15):
        return None
    is_mpeg1 = version == 3
    bits_per_s = _BITRATE_KBPS[is_mpeg1, layer][bitrate_index] * 1000
    rate_hz = _SAMPLE_RATE_HZ[version][rate_index]
    padding = (header[2] >> 1) & 1
    if layer == 1:
        return (12 * bits_per_s // rate_hz + padding) * 4
    samples_per_8_bits = 72 if layer == 3 and not is_mpeg1 else 144
    return samples_per_8_bits * bits_per_s // rate_hz + padding


def check(stream: BinaryIO, size_bytes: int) -> bool:
    """Raise `AudioTruncated` when a tag or the last frame is cut.

    Returns:
        True when a Xing, Info or VBRI header announces the number of frames.
    """
    position = _skip_tags(stream, size_bytes)
    stream.seek(position)
    first = stream.read(256)
    if frame_bytes(first[:4]) is None:
        raise AudioUnreadable("The file starts like MP3 but holds no MPEG audio frame there.")
    header = first[:4]
    while (length_bytes := frame_bytes(header)) is not None:
        if position + length_bytes > size_bytes:
            raise AudioTruncated("The MP3 file ends inside a frame.", position_bytes=position)
        position += length_bytes
        stream.seek(position)
        header = stream.read(4)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))


def _skip_tags(stream: BinaryIO, size_bytes: int) -> int:
    """Position of the first byte after the leading ID3v2 tags."""
    position = 0
    for _ in range(_MAX_TAGS):
        stream.seek(position)
        tag = stream.read(10)
        if len(tag) < 10 or tag[:3] != b"ID3":
            break
        position += 10 + (tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]) + (10 if tag[5] & 0x10 else 0)
    if position >= size_bytes:
        raise AudioTruncated("The MP3 file ends inside its ID3 tag.", size_bytes=size_bytes)
    return position
