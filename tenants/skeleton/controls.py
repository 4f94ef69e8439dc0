"""Content controls (`w:sdt`): which ones are placeholders, of which kind, at which level of the document.

Word, LibreOffice and python-docx wrap a control around runs, paragraphs, table rows or table cells; the level decides
what its content may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lxml import etree

from tenants.skeleton.markers import find_markers
from tenants.skeleton.model import PlaceholderKind, kind_from_name
from tenants.skeleton.wordml import W15_NS, attribute, is_deleted, w

_NAME_LIKE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,62}\Z")
REPEATING_SECTION: Final = f"{{{W15_NS}}}repeatingSection"
REPEATING_ITEM: Final = f"{{{W15_NS}}}repeatingSectionItem"
_UNTYPED: Final = (
    *map(w, ("docPartObj", "docPartList", "group", "equation", "bibliography", "citation")),
    REPEATING_ITEM,
)


class ControlLevel(StrEnum):
    """What a control wraps."""

    RUN = "run"
    BLOCK = "block"
    ROW = "row"
    CELL = "cell"


_LEVELS: Final = {
    w("tr"): ControlLevel.CELL,
    w("tbl"): ControlLevel.ROW,
    w("p"): ControlLevel.RUN,
    **dict.fromkeys(map(w, ("tc", "body", "hdr", "ftr", "footnote", "endnote", "txbxContent")), ControlLevel.BLOCK),
}


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """A named content control in a parsed tree."""

    element: etree._Element
    properties: etree._Element
    content: etree._Element
    tag: str
    label: str
    level: ControlLevel

    @property
    def shows_prompt(self) -> bool:
        """Whether what is inside is only the prompt ("Haga clic aquí…"), not text of the author."""
        return self.properties.find(w("showingPlcHdr")) is not None

    @property
    def table(self) -> etree._Element | None:
        """The table that the control is for: the one directly inside, or the rows that a repeating section holds.

        A control named as a table that holds none means the table it stands in: LibreOffice moves a control from
        around a table into its first cell. None where there is no table at all.
        """
        if self.repeats_rows:
            return self.content
        inside = self.content.find(w("tbl"))
        if inside is not None or kind_from_name(self.tag) is not PlaceholderKind.TABLE:
            return inside
        return next(self.element.iterancestors(w("tbl")), None)

    @property
    def repeats_rows(self) -> bool:
        """Whether this is one of Word's repeating sections, around rows of a table."""
        return self.level is ControlLevel.ROW and self.properties.find(REPEATING_SECTION) is not None


@dataclass(frozen=True, slots=True, eq=False)
class ControlScan:
    """The controls of one part: `placeholders` to fill, `containers` that only wrap other placeholders."""

    placeholders: tuple[Control, ...]
    containers: tuple[Control, ...]


def scan_controls(root: etree._Element) -> ControlScan:
    """Find the placeholder controls below an element, in document order.

    The controls inside a table control are its columns and aren't listed. A control that wraps other named controls is
    a container, not a placeholder: filling it would destroy them. Controls that were deleted or moved away, with the
    deletion tracked, are neither.
    """
    placeholders: list[Control] = []
    containers: list[Control] = []
    inside: set[etree._Element] = set()
    for element in root.iter(w("sdt")):
        control = None if element in inside else read_control(element)
        if control is None or is_deleted(element):
            continue
        nested = list(control.content.iter(w("sdt")))
        if kind_of(control) is PlaceholderKind.TABLE:
            inside.update(nested if control.table is None else control.table.iter(w("sdt")))
        elif any(read_control(child) is not None for child in nested):
            containers.append(control)
            continue
        placeholders.append(control)
    return ControlScan(tuple(placeholders), tuple(containers))


def read_control(element: etree._Element) -> Control | None:
    """Read one `w:sdt`; None when it has no name or is one of Word's own galleries and groups."""
    properties, content = element.find(w("sdtPr")), element.find(w("sdtContent"))
    if properties is None or content is None or any(properties.find(name) is not None for name in _UNTYPED):
        return None
    alias = (attribute(properties.find(w("alias"))) or "").strip()
    tag = (attribute(properties.find(w("tag"))) or "").strip()
    if not tag and _NAME_LIKE.match(alias):
        tag = alias
    if not tag:
        return None
    return Control(element, properties, content, tag, alias or tag, _level_of(element))


def forgotten_title(element: etree._Element) -> str | None:
    """Return the title of a `w:sdt` whose author forgot the tag, or whose program lost it (LibreOffice 7 does)."""
    properties = element.find(w("sdtPr"))
    if properties is None or any(properties.find(name) is not None for name in _UNTYPED):
        return None
    return None if read_control(element) is not None else attribute(properties.find(w("alias")))


def kind_of(control: Control) -> PlaceholderKind:
    """Return what the control is for: what Word says it is, then its name's prefix, then what it wraps."""
    if control.properties.find(w("picture")) is not None:
        return PlaceholderKind.IMAGE
    if control.repeats_rows:
        return PlaceholderKind.TABLE
    announced = kind_from_name(control.tag)
    if announced is not None:
        return announced
    plain = any(control.properties.find(w(name)) is not None for name in ("text", "date", "dropDownList", "comboBox"))
    if control.level is ControlLevel.BLOCK and not plain and control.table is None:
        return PlaceholderKind.BLOCK_ZONE
    return PlaceholderKind.TEXT


def table_columns(control: Control) -> Iterator[str]:
    """Yield the names in the template row of a table control: markers first, then controls. They may be unusable."""
    row = None if control.table is None else template_row(control.table)
    if row is None:
        return
    for paragraph in row.iter(w("p")):
        yield from (marker.name for marker in find_markers(paragraph))
    for element in row.iter(w("sdt")):
        column = None if element is control.element else read_control(element)
        if column is not None:
            yield column.tag


def template_row(rows_in: etree._Element) -> etree._Element | None:
    """Return the row that is cloned for each record: the last one with a marker or a named control, else the last.

    Rows of tables in cells, and rows that are marked as deleted, don't count. `rows_in` is a table, or what a
    repeating section holds.
    """
    table = rows_in if rows_in.tag == w("tbl") else next(rows_in.iterancestors(w("tbl")), None)
    rows = [
        row for row in rows_in.iter(w("tr")) if next(row.iterancestors(w("tbl")), None) is table and not is_deleted(row)
    ]
    for row in reversed(rows):
        if any(find_markers(p) for p in row.iter(w("p"))) or scan_controls(row).placeholders:
            return row
    return rows[-1] if rows else None


def _level_of(element: etree._Element) -> ControlLevel:
    """Return the level of the nearest element around that has one; links, insertions and the like have none."""
    for parent in element.iterancestors(*_LEVELS):
        return _LEVELS[str(parent.tag)]
    return ControlLevel.BLOCK
