"""From the bytes of a DOCX to what a tenant can map templates to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from lxml import etree

from tenants.skeleton.controls import (
    REPEATING_SECTION,
    Control,
    ControlScan,
    forgotten_title,
    kind_of,
    scan_controls,
    table_columns,
)
from tenants.skeleton.errors import SkeletonRefused, SkeletonTooLarge
from tenants.skeleton.markers import markers_in, paragraph_texts
from tenants.skeleton.model import Placeholder, PlaceholderKind, PlaceholderSource, Skeleton, kind_from_name
from tenants.skeleton.naming import is_usable_name, shortened
from tenants.skeleton.outline import Outline, Place, read_outline
from tenants.skeleton.package import Package, open_package
from tenants.skeleton.pictures import PICTURE_PROPERTIES, picture_name, picture_run
from tenants.skeleton.samples import bookmark_sample, control_sample, marker_sample, picture_sample
from tenants.skeleton.styles import StyleSheet
from tenants.skeleton.unpacking import PackageLimits
from tenants.skeleton.warnings import WarningList
from tenants.skeleton.wordml import attribute, is_deleted, is_second_branch, w

MAX_HEADINGS: Final = 2_000
_ONCE: Final = (PlaceholderKind.BLOCK_ZONE, PlaceholderKind.TABLE, PlaceholderKind.IMAGE)
"""Kinds of which only the first place of a name is filled, and only in the body."""
_STORIES: Final = (
    ("Header", "header"), ("Body", ""), ("Footer", "footer"), ("Notes", "footnotes"), ("Notes", "endnotes"),
)  # fmt: skip
"""Where placeholders are looked for, in the order of the answer: location and kind of the part."""


def parse_skeleton(docx: bytes, limits: PackageLimits | None = None) -> Skeleton:
    """Discover the placeholders and the outline of a skeleton.

    Raises `SkeletonRefused` or `SkeletonTooLarge` (see `open_package`) for a file that must not be used, among them
    `skeleton_too_many_placeholders`; what is merely odd, parts that can't be read included, comes back in `warnings`.
    Pure: the same bytes give the same answer.
    """
    limits = limits or PackageLimits()
    package = open_package(docx, limits)
    body = package.xml(package.document_part).find(w("body"))
    if body is None:
        raise SkeletonRefused("skeleton_not_docx", "This isn't a Word document (.docx): it has no text.")
    outline = read_outline(body, read_styles(package))
    found = _Discovery(limits.max_placeholders)
    for part in package.unreadable:
        found.warnings.add("part_unreadable", detail=part)
    for location, kind in _STORIES:
        for root in [body] if not kind else [package.xml(part) for part in package.related(kind)]:
            found.read(root, outline if not kind else Place(location))
    return found.skeleton(outline)


def read_styles(package: Package) -> StyleSheet:
    """Read the style sheet of a package; a document without one has an empty sheet."""
    parts = package.related("styles")
    return StyleSheet(package.xml(parts[0]) if parts else None)


class _Discovery:
    """What was found so far, over all parts of one document."""

    def __init__(self, max_placeholders: int) -> None:
        self.warnings = WarningList()
        self._placeholders: dict[str, Placeholder] = {}
        self._occurrences: Counter[str] = Counter()
        self._max_placeholders = max_placeholders

    def read(self, root: etree._Element, where: Outline | Place) -> None:
        """Add what stands below an element; everything in it has one place, unless there is an outline."""
        scan = scan_controls(root)
        self._point_out(root, scan)
        by_element = {control.element: control for control in scan.placeholders}
        tables = {control.table for control in scan.placeholders if kind_of(control) is PlaceholderKind.TABLE}
        owners = {*by_element, *tables}
        texts = paragraph_texts(root)
        for element in root.iter(w("sdt"), w("p"), w("bookmarkStart"), PICTURE_PROPERTIES):
            place = where if isinstance(where, Place) else where.place_of(element)
            control = by_element.get(element)
            if is_second_branch(element) or (control is None and self._is_owned(element, owners)):
                continue
            if control is not None:
                self._add(self._from_control(control, place))
            elif element.tag == w("p"):
                self._add_markers(texts.get(element, ""), place)
            elif element.tag == w("bookmarkStart"):
                self._add_bookmark(element, place)
            elif element.tag == PICTURE_PROPERTIES and isinstance(where, Outline):
                self._add_picture(element, place)

    def skeleton(self, outline: Outline) -> Skeleton:
        """Return what was found, with advice on the whole."""
        if len(outline.entries) > MAX_HEADINGS:
            self.warnings.add("outline_cut")
        if all(found.kind is not PlaceholderKind.BLOCK_ZONE for found in self._placeholders.values()):
            self.warnings.add("no_block_zone")
        placeholders = (
            replace(found, order=number, occurrences=self._occurrences[tag])
            for number, (tag, found) in enumerate(self._placeholders.items(), start=1)
        )
        return Skeleton(tuple(placeholders), outline.entries[:MAX_HEADINGS], self.warnings.found())

    def _point_out(self, root: etree._Element, scan: ControlScan) -> None:
        for container in scan.containers:
            repeats = container.properties.find(REPEATING_SECTION) is not None
            code = "control_repeats" if repeats else "control_is_container"
            if is_usable_name(container.tag):
                self.warnings.add(code, container.tag)
            else:
                self.warnings.add("name_unusable", detail=container.tag)
        for title in filter(None, map(forgotten_title, root.iter(w("sdt")))):
            self.warnings.add("control_without_tag", detail=title)

    @staticmethod
    def _is_owned(element: etree._Element, owners: Collection[etree._Element | None]) -> bool:
        """Tell whether a paragraph or bookmark belongs to a placeholder control, or its table, around it."""
        return any(ancestor in owners for ancestor in element.iterancestors(w("sdt"), w("sdtContent"), w("tbl")))

    def _add(self, found: Placeholder) -> None:
        if not is_usable_name(found.tag):
            self.warnings.add("name_unusable", detail=found.tag)
        elif found.tag in self._placeholders:
            self._add_again(found.tag, found.kind, found.location)
        else:
            self._must_have_room()
            self._placeholders[found.tag] = found
            self._count(found.tag, found.kind, found.location)

    def _add_again(self, tag: str, kind: PlaceholderKind, location: str) -> None:
        """Count one more place of a known name; a document may have very many."""
        self._count(tag, kind, location)
        known = self._placeholders[tag].kind
        if known is not kind:
            self.warnings.add("placeholder_kinds_differ", tag)
        elif known in _ONCE:
            self.warnings.add("placeholder_repeated", tag)

    def _count(self, tag: str, kind: PlaceholderKind, location: str) -> None:
        self._occurrences[tag] += 1
        if kind in _ONCE and not location.startswith("Body"):
            self.warnings.add("placeholder_outside_body", tag)

    def _must_have_room(self) -> None:
        if len(self._placeholders) >= self._max_placeholders:
            raise SkeletonTooLarge(
                "skeleton_too_many_placeholders",
                f"The Word file has more than {self._max_placeholders} placeholders with names of their own.",
                details={"max_placeholders": self._max_placeholders},
            )

    def _from_control(self, control: Control, place: Place) -> Placeholder:
        kind = kind_of(control)
        columns: tuple[str, ...] = ()
        if kind is PlaceholderKind.TABLE and is_usable_name(control.tag):
            columns = self._columns(control)
            if control.table is None:
                self.warnings.add("table_missing", control.tag)
            elif not columns:
                self.warnings.add("table_without_columns", control.tag)
        return Placeholder(
            tag=control.tag,
            kind=kind,
            source=PlaceholderSource.CONTROL,
            location=place.location,
            label=shortened(control.label),
            columns=columns,
            sample=control_sample(control, kind),
            heading_path=place.heading_path,
        )

    def _columns(self, control: Control) -> tuple[str, ...]:
        names = list(dict.fromkeys(table_columns(control)))
        for name in names:
            if not is_usable_name(name):
                self.warnings.add("name_unusable", detail=name)
        return tuple(filter(is_usable_name, names))

    def _add_markers(self, text: str, place: Place) -> None:
        markers = markers_in(text)
        if text.count("{{") != len(markers):
            self.warnings.add("marker_unreadable", detail=text.strip())
        for marker in markers:
            kind = kind_from_name(marker.name) or PlaceholderKind.TEXT
            if marker.name in self._placeholders:
                self._add_again(marker.name, kind, place.location)
                continue
            self._add(
                Placeholder(
                    tag=marker.name,
                    kind=kind,
                    source=PlaceholderSource.MARKER,
                    location=place.location,
                    label=marker.name,
                    sample=marker_sample(text, marker),
                    heading_path=place.heading_path,
                )
            )

    def _add_bookmark(self, start: etree._Element, place: Place) -> None:
        """Take a bookmark that its author named, unless something else has the name or it was deleted."""
        name = attribute(start, "name") or ""
        if not name or name.startswith("_") or name in self._placeholders or is_deleted(start):
            return
        kind = kind_from_name(name) or PlaceholderKind.TEXT
        self._add(
            Placeholder(
                tag=name,
                kind=kind,
                source=PlaceholderSource.BOOKMARK,
                location=place.location,
                label=name,
                sample=bookmark_sample(start) if is_usable_name(name) else "",
                heading_path=place.heading_path,
            )
        )

    def _add_picture(self, properties: etree._Element, place: Place) -> None:
        """Take a picture that carries a name, where others are put in its stead; a crest in the header stays."""
        name = picture_name(properties)
        if name is None or picture_run(properties) is None or is_deleted(properties):
            return
        self._add(
            Placeholder(
                tag=name,
                kind=PlaceholderKind.IMAGE,
                source=PlaceholderSource.PICTURE,
                location=place.location,
                label=name,
                sample=picture_sample(properties),
                heading_path=place.heading_path,
            )
        )
