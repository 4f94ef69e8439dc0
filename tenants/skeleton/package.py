"""Opening a Word file that somebody else made: size limits first, then structure, then what it may not contain."""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from tenants.skeleton.content_types import WORD_MAIN, ContentTypes
from tenants.skeleton.errors import SkeletonRefused, SkeletonTooLarge
from tenants.skeleton.fields import refuse_unsafe_fields
from tenants.skeleton.safety import (
    is_external,
    refuse_unknown_parts,
    refuse_unsafe_content_types,
    refuse_unsafe_relationships,
)
from tenants.skeleton.wordml import PACKAGE_RELATIONSHIPS_NS, RELATIONSHIP_BASE, parse_xml

CONTENT_TYPES_PART: Final = "[Content_Types].xml"
_DAMAGED: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, ValueError, LookupError, EOFError, OSError
)  # fmt: skip
"""What the standard library raises for archives that are damaged, encrypted or compressed in unknown ways."""
_STRICT_BASE: Final = "http://purl.oclc.org/ooxml/officeDocument/relationships/"


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """What an uploaded skeleton may cost to open. The ratio is only asked of entries over `ratio_free_bytes`."""

    max_file_bytes: int = 20 * 1024 * 1024
    max_unpacked_bytes: int = 120 * 1024 * 1024
    max_parts: int = 2_000
    max_ratio: int = 120
    ratio_free_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Relationship:
    """One relationship of a part; `target` is a part name unless `external`."""

    id: str
    type: str
    target: str
    external: bool


@dataclass(frozen=True, slots=True)
class Package:
    """A Word package that passed the checks: part names without leading slash, in the file's order."""

    parts: Mapping[str, bytes]
    document_part: str

    def relationships(self, part: str) -> tuple[Relationship, ...]:
        """Return the relationships of a part (`""` = of the package) in file order."""
        return _read_relationships(self.parts, part)

    def related(self, kind: str) -> tuple[str, ...]:
        """Return the parts, as far as they are there, that the main document refers to by a kind such as `header`."""
        wanted = RELATIONSHIP_BASE + kind
        found = (r.target for r in self.relationships(self.document_part) if r.type == wanted and not r.external)
        return tuple(part for part in found if part in self.parts)

    def xml(self, part: str) -> etree._Element:
        """Parse a part afresh; the caller owns the tree."""
        return parse_xml(self.parts[part], part)


def open_package(docx: bytes, limits: PackageLimits | None = None) -> Package:
    """Open a DOCX safely.

    Guarantees: a real ZIP within the limits, one main Word document, parts of known kinds only, well-formed XML
    without document types, no macros, no embedded objects, nothing loaded from outside (hyperlinks excepted), no
    fields but those that are known to be harmless.
    Raises `SkeletonRefused` or `SkeletonTooLarge`, each with its own code.
    """
    parts = _unpack(docx, limits or PackageLimits())
    if CONTENT_TYPES_PART not in parts:
        raise _not_docx("it has no list of content types")
    content_types = ContentTypes(parse_xml(parts[CONTENT_TYPES_PART], CONTENT_TYPES_PART))
    refuse_unsafe_content_types(content_types.declared, parts)
    document_part = _main_document(parts)
    if content_types.of(document_part) != WORD_MAIN:
        raise _not_docx("its main part isn't one of Word")
    refuse_unknown_parts(parts)
    for name, data in parts.items():
        if name.lower().endswith(".rels"):
            refuse_unsafe_relationships(name, parse_xml(data, name))
        elif content_types.is_xml(name, data):
            refuse_unsafe_fields(name, parse_xml(data, name))
    _check_relationship_names(parts)
    return Package(parts=parts, document_part=document_part)


def relationships_part(part: str) -> str:
    """Return the name of the part that holds the relationships of `part` (`""` = of the package)."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _not_docx(why: str) -> SkeletonRefused:
    return SkeletonRefused("skeleton_not_docx", f"This isn't a Word document (.docx): {why}.")


def _unpack(docx: bytes, limits: PackageLimits) -> dict[str, bytes]:
    if len(docx) > limits.max_file_bytes:
        raise SkeletonTooLarge(
            "skeleton_too_large",
            f"The Word file has {len(docx)} bytes; {limits.max_file_bytes} are allowed.",
            details={"size_bytes": len(docx), "max_bytes": limits.max_file_bytes},
        )
    if docx.startswith(b"\xd0\xcf\x11\xe0"):
        raise _not_docx("it is an old .doc file or protected by a password; save it as .docx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(docx)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check_entries(entries, limits)
            return {entry.filename: archive.read(entry) for entry in entries}
    except _DAMAGED as error:
        raise _not_docx("it isn't a readable ZIP archive") from error


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
            raise _not_docx("its archive is encrypted")
        if name.startswith("/") or "\\" in name or ".." in name.split("/") or name.lower() in seen:
            raise _not_docx("its archive has unsafe or repeated names")
        seen.add(name.lower())
        oversized = entry.file_size > limits.ratio_free_bytes
        if oversized and entry.file_size > limits.max_ratio * max(1, entry.compress_size):
            raise SkeletonTooLarge(
                "skeleton_zip_bomb",
                f"The part {name} unpacks to more than {limits.max_ratio} times its size.",
                details={"part": name},
            )


def _check_relationship_names(parts: Mapping[str, bytes]) -> None:
    """Refuse relationships that only readers who ignore upper and lower case would find."""
    for name in parts:
        folder = posixpath.dirname(name)
        if name.lower().endswith(".rels") and not (name.endswith(".rels") and posixpath.basename(folder) == "_rels"):
            raise _not_docx(f"its part {name} has an unusual name")


def _read_relationships(parts: Mapping[str, bytes], part: str) -> tuple[Relationship, ...]:
    rels_part = relationships_part(part)
    if rels_part not in parts:
        return ()
    found = []
    for element in parse_xml(parts[rels_part], rels_part).iter(f"{{{PACKAGE_RELATIONSHIPS_NS}}}Relationship"):
        external = is_external(element)
        target = str(element.get("Target") or "")
        if not external:
            target = posixpath.normpath(posixpath.join("/", posixpath.dirname(part), target)).lstrip("/")
        found.append(Relationship(str(element.get("Id")), str(element.get("Type")), target, external))
    return tuple(found)


def _main_document(parts: Mapping[str, bytes]) -> str:
    for relationship in _read_relationships(parts, ""):
        if relationship.type == _STRICT_BASE + "officeDocument":
            raise SkeletonRefused(
                "skeleton_strict_format",
                "The file is in the Strict Open XML format; save it in Word as an ordinary Word document (.docx).",
            )
        if relationship.type == RELATIONSHIP_BASE + "officeDocument" and relationship.target in parts:
            return relationship.target
    raise _not_docx("it has no main document")
