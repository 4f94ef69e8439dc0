"""WebM and Matroska: elements of known length must be whole. Source: RFC 8794 (EBML), RFC 9559 (Matroska)."""

from __future__ import annotations

from typing import BinaryIO, Final

from jobs.transcription.errors import AudioTruncated, AudioUnreadable

_SEGMENT: Final = 0x18538067
_CLUSTER: Final = 0x1F43B675
_INFO: Final = 0x1549A966
_DURATION: Final = 0x4489
_ENTERED: Final = frozenset((_SEGMENT, _CLUSTER, _INFO))


def check(stream: BinaryIO, size_bytes: int) -> bool:
    """Raise `AudioTruncated` when the file ends inside an element of known length.

    Browsers write segments and clusters of unknown length; their children are walked instead.

    Returns:
        True when the file announces its duration.
    """
    position, announces = 0, False
    while position < size_bytes:
        stream.seek(position)
        head = stream.read(12)
        element, id_bytes = _vint(head, keep_marker=True)
        length_bytes, length_width = _vint(head[id_bytes:], keep_marker=False)
        if element is None or length_width == 0:
            if len(head) < 12:
                raise AudioTruncated("The WebM file ends inside an element.", position_bytes=position)
            raise AudioUnreadable("The WebM file has bytes that belong to no element.", position_bytes=position)
        body = position + id_bytes + length_width
        announces = announces or element == _DURATION
        if length_bytes is not None and body + length_bytes > size_bytes:
            raise AudioTruncated("The WebM file ends inside an element.", position_bytes=position)
        if element in _ENTERED:
            position = body
        elif length_bytes is None:
            raise AudioUnreadable("A WebM element of unknown length is not one that may be.", position_bytes=position)
        else:
            position = body + length_bytes
    return announces


def _vint(data: bytes, *, keep_marker: bool) -> tuple[int | None, int]:
    """Value and width in bytes of a variable-length integer; (None, width) for "unknown", (None, 0) for none."""
    if not data or data[0] == 0:
        return None, 0
    width = 9 - data[0].bit_length()
    if len(data) < width:
        return None, 0
    value = int.from_bytes(data[:width], "big")
    if keep_marker:
        return value, width
    mask = (1 << (7 * width)) - 1
    value &= mask
    return (None if value == mask else value), width
