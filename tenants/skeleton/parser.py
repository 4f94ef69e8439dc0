"""From the bytes of a DOCX to what a tenant can map templates to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from lxml import etree

from tenants.skeleton.controls import Control, forgotten_title, kind_of, scan_controls, table_columns
from tenants.skeleton.markers import find_markers, paragraph_text
from tenants.skeleton.model import (
    Placeholder,
    PlaceholderKind,
    PlaceholderSource,
    Skeleton,
    SkeletonWarning,
    kind_from_name,
)
from tenants.skeleton.outline import Outline, read_outline
from tenants.skeleton.package import Package, PackageLimits, open_package
from tenants.skeleton.styles import StyleSheet
from tenants.skeleton.wordml import attribute, w

_SINGLE: Final = (PlaceholderKind.BLOCK_ZONE, PlaceholderKind.TABLE, PlaceholderKind.IMAGE)


def parse_skeleton(docx: bytes, limits: PackageLimits | None = None) -> Skeleton:
    """Discover the placeholders and the outline of a skeleton.

    Raises `SkeletonRefused` or `SkeletonTooLarge` (see `open_package`) for a file that must not be used; what is
    merely odd comes back in `warnings`. Pure: the same bytes give the same answer.
    """
    package = open_package(docx, limits)
    body = package.xml(package.document_part).find(w("body"))
    if body is None:
        body = etree.Element(w("body"))
    outline = read_outline(body, read_styles(package))
    found = _Discovery()
    for location, kind in (("Header", "header"), ("Body", ""), ("Footer", "footer"), ("Notes", "footnotes")):
        for root in [body] if not kind else [package.xml(part) for part in package.related(kind)]:
            _discover(root, outline if not kind else location, found)
    return Skeleton(tuple(found.placeholders.values()), outline.entries, (*found.warnings, *_advice(found)))


def read_styles(package: Package) -> StyleSheet:
    """Read the style sheet of a package; a document without one has an empty sheet."""
    parts = package.related("styles")
    return StyleSheet(package.xml(parts[0]) if parts else None)


def template_row(table: etree._Element) -> etree._Element | None:
    """Return the row that is cloned for each record: the last one with a marker or a named control, else the last."""
    rows = list(table.iter(w("tr")))
    rows = [row for row in rows if next(row.iterancestors(w("tbl"))) is table]
    for row in reversed(rows):
        if any(find_markers(p) for p in row.iter(w("p"))) or scan_controls(row).placeholders:
            return row
    return rows[-1] if rows else None


@dataclass(slots=True)
class _Discovery:
    placeholders: dict[str, Placeholder] = field(default_factory=dict)
    warnings: list[SkeletonWarning] = field(default_factory=list)

    def add(self, found: Placeholder) -> None:
        known = self.placeholders.get(found.tag)
        if known is None:
            self.placeholders[found.tag] = found
            return
        self.placeholders[found.tag] = replace(known, occurrences=known.occurrences + 1)
        if known.kind in _SINGLE:
            self.warn(
                "placeholder_repeated", f"{found.tag} occurs more than once; only the first is filled.", found.tag
            )

    def warn(self, code: str, message: str, tag: str | None = None) -> None:
        self.warnings.append(SkeletonWarning(code, message, tag))


def _discover(root: etree._Element, where: Outline | str, found: _Discovery) -> None:
    scan = scan_controls(root)
    for container in scan.containers:
        found.warn("control_is_container", f"{container.tag} wraps other controls and isn't filled.", container.tag)
    for title in filter(None, map(forgotten_title, root.iter(w("sdt")))):
        found.warn("control_without_tag", f"The control titled {title[:80]} has no tag, so nothing can be put there.")
    by_element = {control.element: control for control in scan.placeholders}
    filled = set(by_element)
    for element in root.iter(w("sdt"), w("p"), w("bookmarkStart")):
        location = where if isinstance(where, str) else where.location_of(element)
        if element in by_element:
            found.add(_from_control(by_element[element], location, found))
        elif element.tag == w("p") and not _inside(element, filled):
            for placeholder in _from_markers(element, location, found):
                found.add(placeholder)
        elif element.tag == w("bookmarkStart") and not _inside(element, filled):
            name = attribute(element, "name") or ""
            if name and not name.startswith("_") and name not in found.placeholders:
                kind = kind_from_name(name) or PlaceholderKind.TEXT
                found.add(Placeholder(name, kind, PlaceholderSource.BOOKMARK, location, name))


def _inside(element: etree._Element, controls: set[etree._Element]) -> bool:
    return any(ancestor in controls for ancestor in element.iterancestors(w("sdt")))


def _from_control(control: Control, location: str, found: _Discovery) -> Placeholder:
    kind = kind_of(control)
    columns: tuple[str, ...] = ()
    if kind is PlaceholderKind.TABLE:
        columns = _columns(control)
        if control.table is None:
            found.warn("table_missing", f"{control.tag} announces a table, but there is none inside.", control.tag)
        elif not columns:
            found.warn("table_without_columns", f"No row of {control.tag} names its columns.", control.tag)
    return Placeholder(control.tag, kind, PlaceholderSource.CONTROL, location, control.label, columns)


def _columns(control: Control) -> tuple[str, ...]:
    row = None if control.table is None else template_row(control.table)
    if row is None:
        return ()
    names = [marker.name for paragraph in row.iter(w("p")) for marker in find_markers(paragraph)]
    names += [column.tag for column in table_columns(control)]
    return tuple(dict.fromkeys(names))


def _from_markers(paragraph: etree._Element, location: str, found: _Discovery) -> Iterator[Placeholder]:
    markers = find_markers(paragraph)
    text = paragraph_text(paragraph)
    if text.count("{{") != len(markers):
        found.warn("marker_unreadable", f"A marker can't be read: {text.strip()[:80]}")
    for marker in markers:
        kind = kind_from_name(marker.name) or PlaceholderKind.TEXT
        yield Placeholder(marker.name, kind, PlaceholderSource.MARKER, location, marker.name)


def _advice(found: _Discovery) -> Iterator[SkeletonWarning]:
    kinds = {placeholder.kind for placeholder in found.placeholders.values()}
    if PlaceholderKind.BLOCK_ZONE not in kinds:
        yield SkeletonWarning("no_block_zone", "There is no zone for speeches; they would all go to the end.")
