"""Headings of a document, and the location names derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from tenants.skeleton.model import OutlineEntry
from tenants.skeleton.styles import StyleSheet
from tenants.skeleton.wordml import attribute, text_of, w


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The headings in order, and for every paragraph, control and table of the body the section it lies in."""

    entries: tuple[OutlineEntry, ...]
    section_of: Mapping[etree._Element, int]

    def location_of(self, element: etree._Element) -> str:
        """Return `Body:Section_N` of an element of the body."""
        node: etree._Element | None = element
        while node is not None:
            if node in self.section_of:
                return location_name(self.section_of[node])
            node = node.getparent()
        return location_name(0)


def location_name(section: int) -> str:
    """Return the location name of the N-th top-level section; 0 is what stands before the first heading."""
    return f"Body:Section_{section}"


def read_outline(body: etree._Element, styles: StyleSheet) -> Outline:
    """Walk the body once. The highest heading level in use makes the sections."""
    levels = {
        p: level for p in body.iter(w("p")) if (level := heading_level(p, styles)) is not None and text_of(p).strip()
    }
    top = min(levels.values(), default=0)
    section = 0
    entries: list[OutlineEntry] = []
    section_of: dict[etree._Element, int] = {}
    for element in body.iter(w("p"), w("sdt"), w("tbl")):
        level = levels.get(element)
        if level is not None:
            section += level == top
            entries.append(OutlineEntry(level - top + 1, " ".join(text_of(element).split()), location_name(section)))
        section_of[element] = section
    return Outline(tuple(entries), section_of)


def heading_level(paragraph: etree._Element, styles: StyleSheet) -> int | None:
    """Return the outline level of a paragraph (0 = top) from its own properties or its style; None for body text."""
    properties = paragraph.find(w("pPr"))
    if properties is None:
        return None
    direct = attribute(properties.find(w("outlineLvl")))
    if direct is not None and direct.isdigit():
        return int(direct) if int(direct) < 9 else None
    return styles.outline_level(attribute(properties.find(w("pStyle"))))
