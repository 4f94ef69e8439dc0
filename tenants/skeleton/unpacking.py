"""From the bytes of a ZIP archive that somebody else made to its parts, within limits."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tenants.skeleton.errors import SkeletonRefused, SkeletonTooLarge

_DAMAGED: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, ValueError, LookupError, EOFError, OSError
)  # fmt: skip
"""What the standard library raises for archives that are damaged, encrypted or compressed in unknown ways."""
_NOWHERE: Final = frozenset({"", ".", ".."})
"""Segments that no part's name may have; a name that begins with a slash has an empty one."""
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_OLD_WORD: Final = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """What an uploaded skeleton may cost to open. The ratio is only asked of entries over `ratio_free_bytes`.

    `max_markup` counts the `<` and `=` of all XML, which is what a tree in memory grows with; 300 full
    pages have 160,000.
    """

    max_file_bytes: int = 20 * 1024 * 1024
    max_unpacked_bytes: int = 120 * 1024 * 1024
    max_parts: int = 2_000
    max_ratio: int = 120
    ratio_free_bytes: int = 1024 * 1024
    max_markup: int = 1_000_000
    max_placeholders: int = 1_000


def not_docx(why: str) -> SkeletonRefused:
    """Return the refusal of a file that isn't a Word document at all."""
    return SkeletonRefused("skeleton_not_docx", f"This isn't a Word document (.docx): {why}.")


def unpack(docx: bytes, limits: PackageLimits) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the parts by name, in the file's order, and the names of those that are damaged.

    Raises `SkeletonRefused` for what is no archive or has unsafe names, `SkeletonTooLarge` over a limit. Nothing is
    unpacked beyond the size that the archive announces, and that is checked first.
    """
    if len(docx) > limits.max_file_bytes:
        raise file_too_large(len(docx), limits)
    if docx.startswith(_OLD_WORD):
        raise not_docx("it is an old .doc file or protected by a password; save it as .docx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(docx)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_entries(entries, limits)
            read = {entry.filename: _read(archive, entry) for entry in entries}
    except _DAMAGED as error:
        raise not_docx("it isn't a readable ZIP archive") from error
    parts = {name: data for name, data in read.items() if data is not None}
    return parts, tuple(name for name in read if name not in parts)


def file_too_large(size_bytes: int, limits: PackageLimits) -> SkeletonTooLarge:
    """Return the refusal of a file for its size alone."""
    return SkeletonTooLarge(
        "skeleton_too_large",
        f"The Word file has {size_bytes} bytes; {limits.max_file_bytes} are allowed.",
        details={"size_bytes": size_bytes, "max_bytes": limits.max_file_bytes},
    )


def check_markup(xml: Mapping[str, bytes], limits: PackageLimits) -> None:
    """Raise `SkeletonTooLarge` for XML that is small on the disk and huge as trees."""
    markup = sum(data.count(b"<") + data.count(b"=") for data in xml.values())
    if markup > limits.max_markup:
        raise SkeletonTooLarge(
            "skeleton_too_large",
            f"The Word file has {markup} elements and attributes; {limits.max_markup} are allowed.",
            details={"markup": markup, "max_markup": limits.max_markup},
        )


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes | None:
    try:
        return archive.read(entry)
    except _DAMAGED:
        return None


def _check_entries(entries: list[zipfile.ZipInfo], limits: PackageLimits) -> None:
    unpacked_bytes = sum(entry.file_size for entry in entries)
    if len(entries) > limits.max_parts or unpacked_bytes > limits.max_unpacked_bytes:
        raise SkeletonTooLarge(
            "skeleton_too_large",
            f"The Word file unpacks to {len(entries)} parts and {unpacked_bytes} bytes, which is over the limit.",
            details={"parts": len(entries), "unpacked_bytes": unpacked_bytes},
        )
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        if entry.flag_bits & 0x1:
            raise not_docx("its archive is encrypted")
        if "\\" in name or _DRIVE.match(name) or _NOWHERE & set(name.split("/")) or name.lower() in seen:
            raise not_docx("its archive has unsafe or repeated names")
        seen.add(name.lower())
        oversized = entry.file_size > limits.ratio_free_bytes
        if oversized and entry.file_size > limits.max_ratio * max(1, entry.compress_size):
            raise SkeletonTooLarge(
                "skeleton_zip_bomb",
                f"The part {name[:200]} unpacks to more than {limits.max_ratio} times its size.",
                details={"part": name[:200]},
            )
