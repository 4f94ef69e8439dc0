"""A skeleton that is being filled: its parsed parts, its numbering of ids, its added parts, and its final bytes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from lxml import etree

from astra_site.lib.hashing import Sha256
from sessions_app.builder.errors import BuildRefused
from sessions_app.builder.lost_parts import remove_references
from sessions_app.builder.model import IMAGE_EXTENSIONS, ImageFile
from tenants.skeleton.archive import pack
from tenants.skeleton.package import CONTENT_TYPES_PART, Package, open_package, relationships_part
from tenants.skeleton.parser import read_styles
from tenants.skeleton.wordml import (
    CONTENT_TYPES_NS,
    PACKAGE_RELATIONSHIPS_NS,
    RELATIONSHIP_BASE,
    attribute,
    number_of,
    parse_xml,
    serialise_xml,
    w,
)

_FILLED_KINDS: Final = ("header", "footer", "footnotes", "endnotes")
_DRAWING_PROPERTIES: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
_NO_RELATIONSHIPS: Final = f'<Relationships xmlns="{PACKAGE_RELATIONSHIPS_NS}"/>'.encode()
_MAX_CONTROL_ID: Final = 2_147_483_647


class WordDocument:
    """Owns the trees of one document while it is filled; `save` gives the bytes, equal for equal work."""

    def __init__(self, package: Package) -> None:
        """Parse the parts that can hold placeholders."""
        self._package = package
        self._parts = dict(package.parts)
        self.root = package.xml(package.document_part)
        body = self.root.find(w("body"))
        if body is None:
            raise BuildRefused("build_skeleton_empty", "The skeleton has no body to write into.")
        self.body = body
        names = dict.fromkeys(part for kind in _FILLED_KINDS for part in package.related(kind))
        self._trees = {package.document_part: self.root, **{name: package.xml(name) for name in names}}
        self.styles = read_styles(package)
        self._content_types = package.xml(CONTENT_TYPES_PART)
        self._relationships: dict[str, etree._Element] = {}
        self._images: dict[Sha256, str] = {}
        self._bookmark_ids = itertools.count(self._highest(w("bookmarkStart"), w("id")) + 1)
        self._drawing_ids = itertools.count(self._highest(_DRAWING_PROPERTIES, "id") + 1)
        self._leave_out({name.lower() for name in package.unreadable})

    @classmethod
    def open(cls, skeleton: bytes) -> WordDocument:
        """Open a skeleton with all the checks of `open_package`."""
        return cls(open_package(skeleton))

    @property
    def roots(self) -> tuple[etree._Element, ...]:
        """The body's document first, then headers, footers and notes."""
        return tuple(self._trees.values())

    def next_bookmark_id(self) -> int:
        """Return a bookmark id that the document doesn't use."""
        return next(self._bookmark_ids)

    def next_drawing_id(self) -> int:
        """Return a drawing id that the document doesn't use."""
        return next(self._drawing_ids)

    def add_image(self, image: ImageFile) -> str:
        """Embed an image once and return the relationship id by which the main document refers to it."""
        sha256 = Sha256.of(image.data)
        if sha256 not in self._images:
            extension = IMAGE_EXTENSIONS[image.media_type]
            part = self._free_name(f"word/media/astra_{sha256.hex[:16]}", extension)
            self._parts[part] = image.data
            self._declare_default(extension, image.media_type)
            self._images[sha256] = self.relate(self._package.document_part, part, RELATIONSHIP_BASE + "image")
        return self._images[sha256]

    def add_part(self, stem: str, extension: str, data: bytes, media_type: str) -> str:
        """Add a part under a free name and declare its type; return the name."""
        name = self._free_name(stem, extension)
        self._parts[name] = data
        self._declare_override(name, media_type)
        return name

    def replace_or_add(self, kind: str, name: str, data: bytes, media_type: str) -> None:
        """Set a part that the package as a whole refers to by a relationship type, such as the core properties."""
        known = next((r.target for r in self._package.relationships("") if r.type == kind and not r.external), None)
        target = known or name
        self._parts[target] = data
        self._declare_override(target, media_type)
        if known is None:
            self.relate("", target, kind)

    def relate_from_document(self, target: str, kind: str) -> str:
        """Relate the main document to a part."""
        return self.relate(self._package.document_part, target, kind)

    def relate(self, source: str, target: str, kind: str) -> str:
        """Add a relationship to a part by its absolute name and return its id."""
        root = self._relationships_of(source)
        used = {element.get("Id") for element in root}
        relationship_id = next(name for n in itertools.count(1) if (name := f"rIdA{n}") not in used)
        attributes = {"Id": relationship_id, "Type": kind, "Target": f"/{target}"}
        etree.SubElement(root, f"{{{PACKAGE_RELATIONSHIPS_NS}}}Relationship", attributes)
        return relationship_id

    def save(self) -> bytes:
        """Return the finished package."""
        self._renumber_controls()
        changed = {**self._trees, **self._relationships, CONTENT_TYPES_PART: self._content_types}
        return pack({**self._parts, **{name: serialise_xml(root) for name, root in changed.items()}})

    def _relationships_of(self, source: str) -> etree._Element:
        rels_part = relationships_part(source)
        if rels_part not in self._relationships:
            data = self._parts.get(rels_part)
            self._relationships[rels_part] = parse_xml(data or _NO_RELATIONSHIPS, rels_part)
        return self._relationships[rels_part]

    def _leave_out(self, unreadable: set[str]) -> None:
        """Forget the parts that can't be read, given in lower case, and whatever refers to them."""
        if not unreadable:
            return
        for element in list(self._content_types):
            if str(element.get("PartName") or "").lstrip("/").lower() in unreadable:
                self._content_types.remove(element)
        for name in unreadable:
            self._parts.pop(relationships_part(name), None)
        for source, tree in self._trees.items():
            if relationships_part(source).lower() in unreadable:
                remove_references(tree, (), every=True)
        for source in ("", *self._parts):
            found = self._package.relationships(source)
            lost = [r for r in found if not r.external and r.target.lower() in unreadable]
            if lost:
                ids = {relationship.id for relationship in lost}
                root = self._relationships_of(source)
                for element in [element for element in root if element.get("Id") in ids]:
                    root.remove(element)
                if source in self._trees:
                    remove_references(self._trees[source], lost)

    def _highest(self, tag: str, id_name: str) -> int:
        ids = (number_of(element.get(id_name)) for root in self._trees.values() for element in root.iter(tag))
        return max((value for value in ids if value is not None), default=0)

    def _free_name(self, stem: str, extension: str) -> str:
        candidates = itertools.chain([f"{stem}.{extension}"], (f"{stem}_{n}.{extension}" for n in itertools.count(2)))
        taken = {name.lower() for name in self._parts}
        return next(name for name in candidates if name.lower() not in taken)

    def _declare_default(self, extension: str, media_type: str) -> None:
        tag = f"{{{CONTENT_TYPES_NS}}}Default"
        if all(element.get("Extension", "").lower() != extension for element in self._content_types.iter(tag)):
            self._content_types.insert(0, etree.Element(tag, {"Extension": extension, "ContentType": media_type}))

    def _declare_override(self, name: str, media_type: str) -> None:
        tag = f"{{{CONTENT_TYPES_NS}}}Override"
        for element in self._content_types.iter(tag):
            if element.get("PartName", "").lower() == f"/{name}".lower():
                element.set("ContentType", media_type)
                return
        etree.SubElement(self._content_types, tag, {"PartName": f"/{name}", "ContentType": media_type})

    def _renumber_controls(self) -> None:
        """Give every control an id of its own: cloned rows repeat them, careless authors too, and Word complains."""
        seen: set[int] = set()
        for id_element, known in list(self._control_ids()):
            if known is None or known in seen:
                known = next(n for n in itertools.count(800_000_001 + len(seen)) if n not in seen)
                id_element.set(w("val"), str(known))
            seen.add(known)

    def _control_ids(self) -> Iterator[tuple[etree._Element, int | None]]:
        for root in self._trees.values():
            for properties in root.iter(w("sdtPr")):
                element = properties.find(w("id"))
                if element is not None:
                    text = attribute(element) or ""
                    number = number_of(text.removeprefix("-"))
                    if number is None or number > _MAX_CONTROL_ID:
                        yield element, None
                    else:
                        yield element, -number if text.startswith("-") else number
