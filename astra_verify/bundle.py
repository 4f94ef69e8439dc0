"""Opens evidence, a folder or a ZIP, without trusting it: nothing is extracted, nothing outside is read."""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, TypeVar

from astra_verify import canonical
from astra_verify.findings import Disproved, UnreadableInput
from astra_verify.zip_layout import check_layout

MAX_FILES = 200_000
MAX_IN_MEMORY_BYTES = 512 * 1024 * 1024
MAX_TOTAL_BYTES = 64 * 1024 * 1024 * 1024
MAX_RATIO = 200
_RATIO_FREE_BYTES = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*\Z")

_Opener = Callable[[], AbstractContextManager[IO[bytes]]]
_Result = TypeVar("_Result")


class Bundle:
    """The files of an evidence folder or ZIP by path. Files are read when asked for, recordings in pieces."""

    def __init__(self, sizes: dict[str, int], openers: dict[str, _Opener]) -> None:
        """Use `open_bundle`."""
        self._sizes = sizes
        self._openers = openers

    @property
    def paths(self) -> list[str]:
        """Every path, sorted."""
        return sorted(self._sizes)

    def has(self, path: str) -> bool:
        """Whether the file is there."""
        return path in self._sizes

    def size(self, path: str) -> int:
        """Size in bytes of a file that is there."""
        return self._sizes[path]

    def read(self, path: str) -> bytes:
        """The content of a file; raise `Disproved` if it is missing or too large to be honest."""
        if path not in self._sizes:
            raise Disproved(f"{path} is missing.")
        if self._sizes[path] > MAX_IN_MEMORY_BYTES:
            raise Disproved(f"{path} is larger than {MAX_IN_MEMORY_BYTES} bytes.")
        with self._open(path) as stream:
            return _guarded(path, stream.read)

    def json(self, path: str) -> Any:
        """The content of a JSON file; raise `Disproved` if it is missing or no strict JSON."""
        try:
            return canonical.parse(self.read(path))
        except canonical.NotJson as error:
            raise Disproved(f"{path} is not strict JSON: {error}.") from error

    def sha256(self, path: str) -> str:
        """`sha256:<hex>` of a file, read in pieces."""
        if path not in self._sizes:
            raise Disproved(f"{path} is missing.")
        digest = hashlib.sha256()
        with self._open(path) as stream:
            while piece := _guarded(path, lambda: stream.read(1024 * 1024)):
                digest.update(piece)
        return f"sha256:{digest.hexdigest()}"

    def _open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        return _guarded(path, self._openers[path])


def _guarded(path: str, action: Callable[[], _Result]) -> _Result:
    """Turn what a damaged or locked file throws into an answer."""
    try:
        return action()
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, struct.error) as error:
        raise Disproved(f"{path} can't be read: {error}.") from error
    except zlib.error as error:
        raise Disproved(f"{path} is damaged: {error}.") from error


def open_bundle(place: Path) -> Bundle:
    """Open evidence; raise `UnreadableInput` for what is missing or hostile."""
    if place.is_dir():
        return _open_folder(place)
    if place.is_file():
        return _open_zip(place)
    raise UnreadableInput(f"{place} is neither a folder nor a file.")


def _open_folder(folder: Path) -> Bundle:
    sizes: dict[str, int] = {}
    openers: dict[str, _Opener] = {}
    for found in sorted(folder.rglob("*")):
        path = found.relative_to(folder).as_posix()
        if found.is_symlink():
            raise UnreadableInput(f"{path} is a symbolic link; evidence has none.")
        if found.is_dir():
            continue
        if not found.is_file():
            raise UnreadableInput(f"{path} is neither a folder nor a plain file.")
        sizes[path] = found.stat().st_size
        openers[path] = _folder_opener(found)
        _check_limits(len(sizes), sum_bytes=0)
    return Bundle(sizes, openers)


def file_sha256(place: Path) -> str:
    """`sha256:<hex>` of a file of the verifying person; raise `UnreadableInput`."""
    try:
        with place.open("rb") as stream:
            return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    except OSError as error:
        raise UnreadableInput(f"{place} can't be read: {error}.") from error


def _folder_opener(place: Path) -> _Opener:
    return lambda: place.open("rb")


def _open_zip(place: Path) -> Bundle:
    try:
        archive = zipfile.ZipFile(place)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, OverflowError, struct.error) as error:
        raise UnreadableInput(f"{place.name} is not a readable ZIP: {error}.") from error
    sizes: dict[str, int] = {}
    openers: dict[str, _Opener] = {}
    total_bytes = 0
    for entry in archive.infolist():
        if entry.orig_filename == "audio/" and entry.file_size == entry.compress_size == 0:
            continue
        _check_entry(entry)
        if entry.filename in sizes:
            raise UnreadableInput(f"The ZIP holds {entry.filename} twice.")
        total_bytes += entry.file_size
        _check_limits(len(sizes) + 1, sum_bytes=total_bytes)
        sizes[entry.filename] = entry.file_size
        openers[entry.filename] = _zip_opener(archive, entry)
    check_layout(place, archive)
    return Bundle(sizes, openers)


def _zip_opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> _Opener:
    return lambda: archive.open(entry)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    shown = ascii(entry.orig_filename)
    if entry.orig_filename != entry.filename or not _NAME.match(entry.filename):
        raise UnreadableInput(f"The ZIP holds a path that evidence can't have: {shown}.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UnreadableInput(f"The ZIP holds a symbolic link: {shown}.")
    if entry.flag_bits & 0x1:
        raise UnreadableInput(f"The ZIP holds an encrypted file: {shown}.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableInput(f"The ZIP uses an unusual compression for {shown}.")
    if entry.file_size > _RATIO_FREE_BYTES and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
        raise UnreadableInput(f"{shown} unpacks to more than {MAX_RATIO} times its size: refused as a ZIP bomb.")


def _check_limits(count: int, *, sum_bytes: int) -> None:
    if count > MAX_FILES:
        raise UnreadableInput(f"The evidence holds more than {MAX_FILES} files.")
    if sum_bytes > MAX_TOTAL_BYTES:
        raise UnreadableInput(f"The evidence unpacks to more than {MAX_TOTAL_BYTES} bytes.")
