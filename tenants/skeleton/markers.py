"""`{{NAME}}` markers in text, also when Word has split one over several runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from tenants.skeleton.wordml import ASIDE_TAGS, XML_SPACE, is_aside, visible, w

_MARKER: Final = re.compile(r"\{\{\s*([^\W\d]\w{0,62})\s*\}\}")


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker in a paragraph: its name and its place in the paragraph's joined text, in characters."""

    name: str
    start: int
    end: int


def paragraph_text(paragraph: etree._Element) -> str:
    """Return the joined text of the paragraph's own text nodes (a text box inside it has its own paragraphs).

    What is marked as deleted or moved away isn't part of it; what is marked as inserted is.
    """
    return "".join(node.text or "" for node in _text_nodes(paragraph))


def paragraph_texts(root: etree._Element) -> dict[etree._Element, str]:
    """Return the text of every paragraph below an element that people read, in one walk over it."""
    texts: dict[etree._Element, list[str]] = {}
    open_paragraphs: list[list[str]] = []
    walk = etree.iterwalk(root, events=("start", "end"), tag=(w("p"), w("t"), *ASIDE_TAGS))
    for event, node in walk:
        if node.tag == w("p"):
            if event == "start":
                open_paragraphs.append(texts.setdefault(node, []))
            else:
                open_paragraphs.pop()
        elif event == "end":
            continue
        elif node.tag == w("t"):
            if open_paragraphs:
                open_paragraphs[-1].append(node.text or "")
        elif is_aside(node):
            walk.skip_subtree()
    return {paragraph: "".join(pieces) for paragraph, pieces in texts.items()}


def find_markers(paragraph: etree._Element) -> list[Marker]:
    """Find the markers of one `w:p`, left to right."""
    return markers_in(paragraph_text(paragraph))


def markers_in(text: str) -> list[Marker]:
    """Find the markers in a paragraph's joined text, left to right."""
    return [Marker(match.group(1), match.start(), match.end()) for match in _MARKER.finditer(text)]


def replace_markers(paragraph: etree._Element, value_of: Callable[[str], str | None]) -> None:
    """Replace each marker for which there is a value, keeping the format of the run in which the marker begins.

    One pass, right to left over the text as it was: what is put in is never looked at again, so a value that
    looks like a marker stays text.
    """
    for marker in reversed(find_markers(paragraph)):
        value = value_of(marker.name)
        if value is not None:
            _replace_range(list(_text_nodes(paragraph)), marker.start, marker.end, value)


def _text_nodes(paragraph: etree._Element) -> Iterator[etree._Element]:
    return visible(paragraph, w("t"), without=w("p"))


def _replace_range(nodes: list[etree._Element], start: int, end: int, value: str) -> None:
    position = 0
    pending: str | None = value
    for node in nodes:
        text = node.text or ""
        node_start, node_end = position, position + len(text)
        position = node_end
        if node_end <= start or node_start >= end:
            continue
        before = text[: max(0, start - node_start)]
        after = text[max(0, end - node_start) :] if node_end > end else ""
        node.text = before + (pending or "") + after
        node.set(XML_SPACE, "preserve")
        pending = None
