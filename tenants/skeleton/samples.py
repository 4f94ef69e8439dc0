"""What stands in a placeholder now, as one short line: it tells people which place a name means."""

from __future__ import annotations

from itertools import islice
from typing import Final

from lxml import etree

from tenants.skeleton.controls import Control
from tenants.skeleton.markers import Marker
from tenants.skeleton.model import PlaceholderKind
from tenants.skeleton.naming import around, shortened
from tenants.skeleton.pictures import PICTURE_PROPERTIES
from tenants.skeleton.wordml import attribute, is_aside, text_of, visible, w

_NEIGHBOURS: Final = 60
"""A sample is short; a document may have a hundred thousand bookmarks before as many runs."""


def control_sample(control: Control, kind: PlaceholderKind) -> str:
    """Return the control's text; of a table its first row, of a picture its description."""
    if kind is PlaceholderKind.TABLE and control.table is not None:
        row = next(visible(control.table, w("tr")), None)
        return "" if row is None else shortened(" | ".join(text_of(cell) for cell in visible(row, w("tc"))))
    if kind is PlaceholderKind.IMAGE:
        picture = next(visible(control.content, PICTURE_PROPERTIES), None)
        if picture is not None:
            return picture_sample(picture)
    return shortened(_joined(control.content))


def marker_sample(text: str, marker: Marker) -> str:
    """Return the words around a marker in its paragraph, the marker included."""
    return around(text, marker.start, marker.end)


def picture_sample(properties: etree._Element) -> str:
    """Return a picture's description, else its title, else its name."""
    return shortened(properties.get("descr") or properties.get("title") or properties.get("name") or "")


def bookmark_sample(start: etree._Element) -> str:
    """Return the text between a bookmark's start and its end, as far as they are in one paragraph."""
    pieces: list[str] = []
    for node in islice(start.itersiblings(), _NEIGHBOURS):
        if node.tag == w("bookmarkEnd") and attribute(node, "id") == attribute(start, "id"):
            break
        if not is_aside(node):
            pieces += [text.text or "" for text in islice(node.iter(w("t")), _NEIGHBOURS)]
    return shortened("".join(pieces))


def _joined(content: etree._Element) -> str:
    paragraphs = list(visible(content, w("p"), without=w("txbxContent")))
    return " ".join(map(text_of, paragraphs)) if paragraphs else text_of(content)
