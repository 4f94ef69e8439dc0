"""Opening a Word file that somebody else made: size limits first, then structure, then what it may not contain."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from tenants.skeleton.content_types import WORD_MAIN, ContentTypes
from tenants.skeleton.errors import PartMalformed, SkeletonRefused
from tenants.skeleton.fields import refuse_unsafe_fields
from tenants.skeleton.outward import refuse_outward_elements
from tenants.skeleton.safety import (
    is_external,
    refuse_unknown_parts,
    refuse_unsafe_content_types,
    refuse_unsafe_relationships,
)
from tenants.skeleton.unpacking import PackageLimits, check_markup, not_docx, unpack
from tenants.skeleton.wordml import PACKAGE_RELATIONSHIPS_NS, RELATIONSHIP_BASE, parse_xml

CONTENT_TYPES_PART: Final = "[Content_Types].xml"
_STRICT_BASE: Final = "http://purl.oclc.org/ooxml/officeDocument/relationships/"


@dataclass(frozen=True, slots=True)
class Relationship:
    """One relationship of a part; `target` is a part name unless `external`."""

    id: str
    type: str
    target: str
    external: bool


@dataclass(frozen=True, slots=True)
class Package:
    """A Word package that passed the checks: part names without leading slash, in the file's order.

    `unreadable` names the parts that are damaged or not well-formed; they are not among `parts`.
    """

    parts: Mapping[str, bytes]
    document_part: str
    unreadable: tuple[str, ...] = ()

    def relationships(self, part: str) -> tuple[Relationship, ...]:
        """Return the relationships of a part (`""` = of the package) in file order."""
        return _read_relationships(self.parts, part)

    def related(self, kind: str) -> tuple[str, ...]:
        """Return the parts, as far as they are there, that the main document refers to by a kind such as `header`."""
        wanted = RELATIONSHIP_BASE + kind
        found = (r.target for r in self.relationships(self.document_part) if r.type == wanted and not r.external)
        return tuple(dict.fromkeys(part for part in found if part in self.parts))

    def xml(self, part: str) -> etree._Element:
        """Parse a part afresh; the caller owns the tree."""
        return parse_xml(self.parts[part], part)


def open_package(docx: bytes, limits: PackageLimits | None = None) -> Package:
    """Open a DOCX safely.

    Guarantees: a real ZIP within the limits, one main Word document, parts of known kinds only, well-formed XML
    without document types, no macros, no embedded objects, nothing loaded from outside (hyperlinks excepted), no
    fields but those that are known to be harmless. A part beside the main document that can't be read is left out and
    named in `unreadable`.
    Raises `SkeletonRefused` or `SkeletonTooLarge`, each with its own code.
    """
    limits = limits or PackageLimits()
    parts, damaged = unpack(docx, limits)
    check_markup({name: parts[name] for name in (CONTENT_TYPES_PART, relationships_part("")) if name in parts}, limits)
    if CONTENT_TYPES_PART not in parts:
        raise not_docx("it has no list of content types")
    content_types = ContentTypes(parse_xml(parts[CONTENT_TYPES_PART], CONTENT_TYPES_PART))
    names = (*parts, *damaged)
    refuse_unsafe_content_types(content_types.declared, names)
    document_part = _main_document(parts)
    if content_types.of(document_part) != WORD_MAIN:
        raise not_docx("its main part isn't one of Word")
    refuse_unknown_parts(names)
    xml = {name: data for name, data in parts.items() if _is_relationships(name) or content_types.is_xml(name, data)}
    check_markup(xml, limits)
    unreadable = {*damaged, *_check_xml(xml)}
    _check_relationship_names(names)
    for needed in (document_part, relationships_part(document_part)):
        if needed in unreadable:
            raise PartMalformed(needed)
    kept = {name: data for name, data in parts.items() if name not in unreadable}
    return Package(kept, document_part, tuple(name for name in names if name in unreadable))


def _check_xml(xml: Mapping[str, bytes]) -> Iterator[str]:
    """Refuse what may not be in any XML part; yield the names of those that can't be read."""
    for name, data in xml.items():
        try:
            root = parse_xml(data, name)
        except PartMalformed:
            yield name
            continue
        if _is_relationships(name):
            refuse_unsafe_relationships(name, root)
        else:
            refuse_unsafe_fields(name, root)
            refuse_outward_elements(name, root)


def _is_relationships(name: str) -> bool:
    return name.lower().endswith(".rels")


def relationships_part(part: str) -> str:
    """Return the name of the part that holds the relationships of `part` (`""` = of the package)."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _check_relationship_names(names: Iterable[str]) -> None:
    """Refuse relationships that only readers who ignore upper and lower case would find."""
    for name in names:
        folder = posixpath.dirname(name)
        if _is_relationships(name) and not (name.endswith(".rels") and posixpath.basename(folder) == "_rels"):
            raise not_docx(f"its part {name} has an unusual name")


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
    raise not_docx("it has no main document")
