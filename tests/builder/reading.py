"""Reading a built document back, as a user or another program would see it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DEMO = Path(__file__).parents[2] / "demo"
SKELETON = (DEMO / "skeleton.docx").read_bytes()
IMAGE = (DEMO / "image.png").read_bytes()


class Docx:
    """A DOCX unpacked."""

    def __init__(self, data: bytes) -> None:
        """Unpack and parse."""
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            self.parts = {name: archive.read(name) for name in archive.namelist()}
        self.document = etree.fromstring(self.parts["word/document.xml"])

    def xml(self, part: str) -> etree._Element:
        """Parse a part."""
        return etree.fromstring(self.parts[part])

    def paragraphs(self) -> list[str]:
        """Return the text of every paragraph of the body, tables included, in order."""
        return [text_of(p) for p in self.document.iter(f"{W}p")]

    def plain(self, part: str) -> str:
        """Return all text of a part, field instructions included."""
        return "".join(str(piece) for piece in self.xml(part).itertext())

    def section(self, heading: str) -> list[str]:
        """Return the paragraphs between a heading of the first level and the next one, tables left out."""
        found: list[str] = []
        inside = False
        for p in self.document.iter(f"{W}p"):
            if style_of(p) == "Heading1":
                inside = text_of(p) == heading
            elif inside and next(p.iterancestors(f"{W}tbl"), None) is None:
                found.append(text_of(p))
        return found

    def table(self, first_cell: str) -> list[list[str]]:
        """Return the rows of the table whose first cell reads so."""
        for table in self.document.iter(f"{W}tbl"):
            rows = [["\n".join(texts(cell)) for cell in row.iter(f"{W}tc")] for row in table.iter(f"{W}tr")]
            if rows[0][0] == first_cell:
                return rows
        raise LookupError(first_cell)

    def bookmarks(self) -> dict[str, str]:
        """Return the text inside every bookmark of this product, its paragraphs on lines of their own."""
        found: dict[str, list[str]] = {}
        open_marks: dict[str, str] = {}
        for node in self.document.iter(f"{W}bookmarkStart", f"{W}bookmarkEnd", f"{W}t", f"{W}p"):
            if node.tag == f"{W}bookmarkStart":
                open_marks[node.get(f"{W}id", "")] = node.get(f"{W}name", "")
                found[node.get(f"{W}name", "")] = [""]
            elif node.tag == f"{W}bookmarkEnd":
                open_marks.pop(node.get(f"{W}id", ""), None)
            else:
                for name in open_marks.values():
                    if node.tag == f"{W}p":
                        found[name].append("")
                    else:
                        found[name][-1] += node.text or ""
        return {name: "\n".join(lines) for name, lines in found.items()}


def texts(element: etree._Element) -> Iterator[str]:
    """Yield the text of each paragraph below an element."""
    for paragraph in element.iter(f"{W}p"):
        yield text_of(paragraph)


def style_of(paragraph: etree._Element) -> str | None:
    """Return the style id of a paragraph."""
    style = paragraph.find(f"{W}pPr/{W}pStyle")
    return None if style is None else style.get(f"{W}val")


def text_of(paragraph: etree._Element) -> str:
    """Return the text of one paragraph."""
    return "".join(node.text or "" for node in paragraph.iter(f"{W}t"))
