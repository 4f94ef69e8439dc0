"""WAV (RIFF and RF64): the data chunk must be as long as its header says. Source: EBU Tech 3306, Microsoft RIFF."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from jobs.transcription.errors import AudioTruncated, AudioUnreadable

_UNKNOWN_LENGTH: Final = 0xFFFFFFFF
_MAX_CHUNKS: Final = 1000


def check(stream: BinaryIO, size_bytes: int) -> bool:
    """Raise `AudioTruncated` when the data chunk is shorter than announced.

    A length of 0xFFFFFFFF means "written to a pipe, length unknown" and reaches to the end of the file.
    """
    position, data_bytes_64 = 12, None
    for _ in range(_MAX_CHUNKS):
        stream.seek(position)
        header = stream.read(8)
        if len(header) < 8:
            break
        name, length_bytes = struct.unpack("<4sI", header)
        if name == b"ds64":
            data_bytes_64 = _ds64_data_bytes(stream)
        if name == b"data":
            if length_bytes == _UNKNOWN_LENGTH:
                length_bytes = data_bytes_64 if data_bytes_64 is not None else size_bytes - position - 8
            _check_data(position + 8, length_bytes, size_bytes)
            return False
        position += 8 + length_bytes + length_bytes % 2
    if position > size_bytes:
        raise AudioTruncated("The WAV file ends inside its header.", size_bytes=size_bytes)
    raise AudioUnreadable("The WAV file has no data chunk.")


def _ds64_data_bytes(stream: BinaryIO) -> int | None:
    sizes = stream.read(16)
    return int(struct.unpack("<QQ", sizes)[1]) if len(sizes) == 16 else None


def _check_data(start: int, length_bytes: int, size_bytes: int) -> None:
    if start + length_bytes > size_bytes:
        raise AudioTruncated(
            "The WAV header announces more audio than the file holds.",
            announced_bytes=length_bytes,
            present_bytes=size_bytes - start,
        )
