"""Whether a ZIP means the same to every reader: entries fill the file from its first byte, and headers agree.

Some readers go by the directory at the end, others by the headers before each file. Bytes that only one kind of reader
sees could hold a second document; here nothing may lie between, before or after what the directory lists.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from astra_verify.findings import UnreadableInput

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL_SIZE: Final = 46
_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_SIZES_64: Final = struct.Struct("<2Q")
_BIG_16, _BIG_32 = 0xFFFF, 0xFFFFFFFF
_ZIP64 = 0x0001
# Sizes of large files, and the times and owners that common packers note down. Others may rename the file.
_HARMLESS_EXTRAS = {_ZIP64, 0x5455, 0x7875}
# How hard was deflated (1, 2), and "the name is UTF-8". No encryption, no sizes after the data.
_HARMLESS_FLAGS = 0x0806
_PIECE_BYTES = 1024 * 1024


def check_layout(place: Path, archive: zipfile.ZipFile) -> None:
    """Raise `UnreadableInput` unless entries, directory and end fill the file without gaps and tell the same."""
    try:
        with place.open("rb") as stream:
            _check(stream, archive)
    except (OSError, struct.error) as error:
        raise UnreadableInput(f"The ZIP can't be read: {error}.") from error


def _check(stream: IO[bytes], archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    directory_bytes = sum(_directory_size(entry) for entry in entries)
    _check_end(stream, len(entries), archive.start_dir, directory_bytes)
    expected = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset != expected:
            raise UnreadableInput(f"The ZIP hides {entry.header_offset - expected} bytes before {_name(entry)}.")
        expected = _check_entry(stream, entry)
    if expected != archive.start_dir:
        raise UnreadableInput(f"The ZIP hides {archive.start_dir - expected} bytes before its directory.")


def _directory_size(entry: zipfile.ZipInfo) -> int:
    if entry.comment or entry.volume:
        raise UnreadableInput(f"The ZIP has a comment or another volume for {_name(entry)}.")
    return _CENTRAL_SIZE + len(entry.orig_filename.encode("utf-8", "replace")) + len(entry.extra)


def _check_end(stream: IO[bytes], count: int, start: int, size_bytes: int) -> None:
    """The directory lies right before the end records, these are the last bytes, and their figures are right."""
    file_size = stream.seek(0, 2)
    after = start + size_bytes
    long_end = _END_64.size + _LOCATOR.size
    tail = file_size - after
    if tail not in (_END.size, _END.size + long_end):
        raise UnreadableInput("The ZIP has other bytes between or after its directory and its end.")
    stream.seek(after)
    if tail != _END.size:
        head = _END_64.unpack(_exactly(stream, _END_64.size))
        locator = _LOCATOR.unpack(_exactly(stream, _LOCATOR.size))
        figures = (b"PK\x06\x06", _END_64.size - 12, *head[2:4], 0, 0, count, count, size_bytes, start)
        if head != figures or locator != (b"PK\x06\x07", 0, after, 1):
            raise UnreadableInput("The ZIP's long end record is not the one of its directory.")
    end = _END.unpack(_exactly(stream, _END.size))
    short = (min(count, _BIG_16), min(count, _BIG_16), min(size_bytes, _BIG_32), min(start, _BIG_32))
    if end != (b"PK\x05\x06", 0, 0, *short, 0):
        raise UnreadableInput("The ZIP's end record is not the one of its directory, or has a comment.")


def _check_entry(stream: IO[bytes], entry: zipfile.ZipInfo) -> int:
    """The header before a file says what the directory says; return where the next one has to begin."""
    stream.seek(entry.header_offset)
    header = _LOCAL.unpack(_exactly(stream, _LOCAL.size))
    signature, _, flags, method, _, _, crc, packed, unpacked, name_bytes, extra_bytes = header
    name = _exactly(stream, name_bytes)
    extras = _extras(_exactly(stream, extra_bytes), entry)
    _extras(entry.extra, entry)
    if _ZIP64 in extras:
        if len(extras[_ZIP64]) != _SIZES_64.size or unpacked not in (_BIG_32, entry.file_size):
            raise UnreadableInput(f"The ZIP's sizes of {_name(entry)} contradict each other.")
        unpacked, packed = _SIZES_64.unpack(extras[_ZIP64])
    told = (signature, flags, method, crc, packed, unpacked, name)
    listed = (
        b"PK\x03\x04",
        entry.flag_bits,
        entry.compress_type,
        entry.CRC,
        entry.compress_size,
        entry.file_size,
        entry.orig_filename.encode("utf-8", "replace"),
    )
    if told != listed or flags & ~_HARMLESS_FLAGS:
        raise UnreadableInput(f"The ZIP's header of {_name(entry)} is not what its directory says.")
    _check_data(stream, entry)
    header_bytes: int = _LOCAL.size + name_bytes + extra_bytes
    return entry.header_offset + header_bytes + entry.compress_size


def _extras(data: bytes, entry: zipfile.ZipInfo) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while data:
        if len(data) < 4:
            raise UnreadableInput(f"The ZIP has stray bytes in a header of {_name(entry)}.")
        kind, size = struct.unpack_from("<2H", data)
        if kind not in _HARMLESS_EXTRAS or kind in found or len(data) < 4 + size:
            raise UnreadableInput(f"The ZIP has an unusual header field for {_name(entry)}.")
        found[kind], data = data[4 : 4 + size], data[4 + size :]
    return found


def _check_data(stream: IO[bytes], entry: zipfile.ZipInfo) -> None:
    """The file's data fill the space that the directory gives them; whether they are right is checked on reading."""
    if entry.compress_type == zipfile.ZIP_STORED:
        filled = entry.compress_size == entry.file_size
    else:
        filled = _deflated_fills(stream, entry)
    if not filled:
        raise UnreadableInput(f"The ZIP hides bytes behind the data of {_name(entry)}.")


def _deflated_fills(stream: IO[bytes], entry: zipfile.ZipInfo) -> bool:
    unpacker, left, found = zlib.decompressobj(-zlib.MAX_WBITS), entry.compress_size, 0
    for piece in _pieces(stream, left):
        left -= len(piece)
        more = True
        while more and not unpacker.eof:
            try:
                unpacked_bytes = len(unpacker.decompress(piece, _PIECE_BYTES))
            except zlib.error:
                return True  # damaged: whoever reads it is told
            found += unpacked_bytes
            if found > entry.file_size:
                return False
            piece = unpacker.unconsumed_tail
            more = bool(piece) or unpacked_bytes == _PIECE_BYTES
        if unpacker.eof:
            return left == 0 and not unpacker.unused_data and found == entry.file_size
    return True  # cut off: whoever reads it is told


def _pieces(stream: IO[bytes], size_bytes: int) -> Iterator[bytes]:
    while size_bytes and (piece := stream.read(min(size_bytes, _PIECE_BYTES))):
        size_bytes -= len(piece)
        yield piece


def _exactly(stream: IO[bytes], size_bytes: int) -> bytes:
    data = stream.read(size_bytes)
    if len(data) != size_bytes:
        raise UnreadableInput("The ZIP is cut off.")
    return data


def _name(entry: zipfile.ZipInfo) -> str:
    return ascii(entry.orig_filename)
