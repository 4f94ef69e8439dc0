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

from tenants.skeleton.model import PlaceholderKind, kind_from_name
from tenants.skeleton.wordml import attribute, w

_NAME_LIKE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,62}\Z")
_UNTYPED: Final = (w("docPartObj"), w("docPartList"), w("group"), w("equation"), w("bibliography"), w("citation"))


class ControlLevel(StrEnum):
    """What a control wraps."""

    RUN = "run"
    BLOCK = "block"
    ROW = "row"
    CELL = "cell"


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
        """The table directly inside, if there is one."""
        return self.content.find(w("tbl"))


@dataclass(frozen=True, slots=True, eq=False)
class ControlScan:
    """The controls of one part: `placeholders` to fill, `containers` that only wrap other placeholders."""

    placeholders: tuple[Control, ...]
    containers: tuple[Control, ...]


def scan_controls(root: etree._Element) -> ControlScan:
    """Find the placeholder controls below an element, in document order.

    The controls inside a table control are its columns and aren't listed. A control that wraps other named controls is
    a container, not a placeholder: filling it would destroy them.
    """
    placeholders: list[Control] = []
    containers: list[Control] = []
    inside: set[etree._Element] = set()
    for element in root.iter(w("sdt")):
        if element in inside:
            continue
        control = read_control(element)
        if control is None:
            continue
        nested = list(control.content.iter(w("sdt")))
        if kind_of(control) is PlaceholderKind.TABLE:
            inside.update(nested)
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
    announced = kind_from_name(control.tag)
    if announced is not None:
        return announced
    plain = any(control.properties.find(w(name)) is not None for name in ("text", "date", "dropDownList", "comboBox"))
    if control.level is ControlLevel.BLOCK and not plain and control.table is None:
        return PlaceholderKind.BLOCK_ZONE
    return PlaceholderKind.TEXT


def table_columns(control: Control) -> Iterator[Control]:
    """Yield the named controls inside a table control."""
    for element in control.content.iter(w("sdt")):
        column = read_control(element)
        if column is not None:
            yield column


def _level_of(element: etree._Element) -> ControlLevel:
    parent = element.getparent()
    while parent is not None and parent.tag in (w("sdtContent"), w("sdt"), w("customXml")):
        parent = parent.getparent()
    if parent is None:
        return ControlLevel.BLOCK
    return {
        w("tr"): ControlLevel.CELL,
        w("tbl"): ControlLevel.ROW,
        w("p"): ControlLevel.RUN,
        w("hyperlink"): ControlLevel.RUN,
        w("ins"): ControlLevel.RUN,
        w("smartTag"): ControlLevel.RUN,
    }.get(str(parent.tag), ControlLevel.BLOCK)
