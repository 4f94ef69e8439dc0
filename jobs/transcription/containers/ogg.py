"""Ogg: pages must be whole and the last one must close the stream. Source: RFC 3533."""

from __future__ import annotations

from typing import BinaryIO, Final

from jobs.transcription.errors import AudioTruncated, AudioUnreadable

_HEADER_BYTES: Final = 27
_END_OF_STREAM: Final = 0x04


def check(stream: BinaryIO, size_bytes: int) -> bool:
    """Raise `AudioTruncated` when a page is cut or the end-of-stream page is missing."""
    position, ended = 0, False
    while position < size_bytes:
        stream.seek(position)
        header = stream.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            raise AudioTruncated("The Ogg file ends inside a page.", position_bytes=position)
        if header[:4] != b"OggS":
            raise AudioUnreadable("The Ogg file has bytes that belong to no page.", position_bytes=position)
        lacing = stream.read(header[26])
        end = position + _HEADER_BYTES + header[26] + sum(lacing)
        if len(lacing) < header[26] or end > size_bytes:
            raise AudioTruncated("The Ogg file ends inside a page.", position_bytes=position)
        ended = bool(header[5] & _END_OF_STREAM)
        position = end
    if not ended:
        raise AudioTruncated("The Ogg file lacks its closing page.", size_bytes=size_bytes)
    return False
