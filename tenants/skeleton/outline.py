"""Headings of a document, and the location names derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from tenants.skeleton.model import OutlineEntry
from tenants.skeleton.naming import shortened
from tenants.skeleton.styles import StyleSheet
from tenants.skeleton.wordml import attribute, is_second_branch, number_of, text_of, w


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the location's name, and the headings above it, highest first."""

    location: str
    heading_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The headings in order, and for every paragraph, control and table of the body the place it has."""

    entries: tuple[OutlineEntry, ...]
    places: Mapping[etree._Element, Place]

    def place_of(self, element: etree._Element) -> Place:
        """Return the place (`Body:Section_N`) of an element of the body."""
        node: etree._Element | None = element
        while node is not None:
            if node in self.places:
                return self.places[node]
            node = node.getparent()
        return Place(location_name(0))


def location_name(section: int) -> str:
    """Return the location name of the N-th top-level section; 0 is what stands before the first heading."""
    return f"Body:Section_{section}"


def read_outline(body: etree._Element, styles: StyleSheet) -> Outline:
    """Walk the body once. The highest heading level in use makes the sections."""
    headings = {
        p: (level, text)
        for p in body.iter(w("p"))
        if (level := heading_level(p, styles)) is not None
        and (text := shortened(text_of(p)))
        and not is_second_branch(p)
    }
    top = min((level for level, _ in headings.values()), default=0)
    section = 0
    entries: list[OutlineEntry] = []
    above: list[tuple[int, str]] = []
    place = Place(location_name(0))
    places: dict[etree._Element, Place] = {}
    for element in body.iter(w("p"), w("sdt"), w("tbl")):
        if element in headings:
            level, text = headings[element]
            section += level == top
            above = [*(known for known in above if known[0] < level), (level, text)]
            place = Place(location_name(section), tuple(text for _, text in above))
            entries.append(OutlineEntry(level - top + 1, text, place.location))
        places[element] = place
    return Outline(tuple(entries), places)


def heading_level(paragraph: etree._Element, styles: StyleSheet) -> int | None:
    """Return the outline level of a paragraph (0 = top) from its own properties or its style; None for body text."""
    properties = paragraph.find(w("pPr"))
    if properties is None:
        return None
    direct = number_of(attribute(properties.find(w("outlineLvl"))))
    if direct is not None:
        return direct if direct < 9 else None
    return styles.outline_level(attribute(properties.find(w("pStyle"))))
