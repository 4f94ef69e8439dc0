"""M4A and MP4: top-level boxes must be whole. Source: ISO/IEC 14496-12."""

from __future__ import annotations

import struct
from typing import BinaryIO

from jobs.transcription.errors import AudioTruncated, AudioUnreadable


def check(stream: BinaryIO, size_bytes: int) -> bool:
    """Raise `AudioTruncated` when a box is cut or the index (`moov`) is missing.

    Returns:
        True: the index announces the duration.
    """
    position, seen = 0, set()
    while position < size_bytes:
        stream.seek(position)
        header = stream.read(16)
        if len(header) < 8:
            raise AudioTruncated("The M4A file ends inside a box header.", position_bytes=position)
        length_bytes, name = struct.unpack(">I4s", header[:8])
        if length_bytes == 0:
            length_bytes = size_bytes - position
        elif length_bytes == 1 and len(header) == 16:
            length_bytes = struct.unpack(">Q", header[8:])[0]
        if length_bytes < 8:
            raise AudioUnreadable("The M4A file has a box of impossible length.", position_bytes=position)
        if position + length_bytes > size_bytes:
            raise AudioTruncated("The M4A file ends inside a box.", position_bytes=position)
        seen.add(name)
        position += length_bytes
    if b"moov" not in seen:
        raise AudioTruncated("The M4A file lacks its index.", size_bytes=size_bytes)
    return b"moof" not in seen
