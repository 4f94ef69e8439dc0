"""The Word constructions of the demonstration skeleton: content controls, fields, ruled tables."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from docx.document import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Cm, Length
from docx.table import Table, _Cell, _Row
from docx.text.paragraph import Paragraph

_RULE: Final = "9AA5AE"
_SHADE: Final = "E8EFEB"


class ControlMaker:
    """Makes content controls with numbered ids, so that the file is the same each time."""

    def __init__(self) -> None:
        """Start numbering."""
        self._ids = itertools.count(700_001)

    def text(self, paragraph: Paragraph, tag: str, label: str) -> None:
        """Append a plain-text control to a paragraph."""
        content = f"<w:r><w:t>[{escape(label)}]</w:t></w:r>"
        paragraph._p.append(self._control(tag, label, "<w:showingPlcHdr/><w:text/>", content))

    def zone(self, document: Document, tag: str, label: str, *, style: str = "Intervención") -> None:
        """Append a block zone: a rich-text control around one paragraph in the zone's style."""
        style_id = document.styles[style].style_id
        content = (
            f"<w:p><w:pPr><w:pStyle w:val={quoteattr(style_id)}/></w:pPr><w:r><w:t>[{escape(label)}]</w:t></w:r></w:p>"
        )
        self._append(document, self._control(tag, label, "<w:showingPlcHdr/>", content))

    def around_table(self, document: Document, table: Table, tag: str, label: str) -> None:
        """Wrap a table that is already in the document in a control: the tag is the table's id."""
        control = self._control(tag, label, "", "")
        table._tbl.addprevious(control)
        control[-1].append(table._tbl)

    def _control(self, tag: str, label: str, kind: str, content: str) -> BaseOxmlElement:
        return parse_xml(
            f"<w:sdt {nsdecls('w')}><w:sdtPr><w:alias w:val={quoteattr(label)}/>"
            f'<w:tag w:val={quoteattr(tag)}/><w:id w:val="{next(self._ids)}"/>{kind}</w:sdtPr>'
            f"<w:sdtContent>{content}</w:sdtContent></w:sdt>"
        )

    @staticmethod
    def _append(document: Document, element: BaseOxmlElement) -> None:
        document.element.body[-1].addprevious(element)


def add_field(paragraph: Paragraph, instruction: str) -> None:
    """Append a real Word field such as `PAGE`, which Word and LibreOffice compute while they lay out the page."""
    for xml in (
        '<w:fldChar w:fldCharType="begin"/>',
        f'<w:instrText xml:space="preserve"> {instruction} </w:instrText>',
        '<w:fldChar w:fldCharType="separate"/>',
        "<w:t>1</w:t>",
        '<w:fldChar w:fldCharType="end"/>',
    ):
        paragraph._p.append(parse_xml(f"<w:r {nsdecls('w')}>{xml}</w:r>"))


def rule_table(table: Table, widths: Sequence[Length], *, sides: Sequence[str] | None = None) -> None:
    """Fix the column widths and draw hair lines on the named sides (all by default)."""
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    drawn = ("top", "left", "bottom", "right", "insideH", "insideV") if sides is None else sides
    lines = "".join(f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="{_RULE}"/>' for side in drawn)
    properties = table._tbl.tblPr
    borders = parse_xml(f"<w:tblBorders {nsdecls('w')}>{lines}</w:tblBorders>")
    margins = "".join(f'<w:{side} w:w="100" w:type="dxa"/>' for side in ("left", "right"))
    for layout in properties.findall(qn("w:tblLayout")):
        layout.addprevious(borders)
        layout.addnext(parse_xml(f"<w:tblCellMar {nsdecls('w')}>{margins}</w:tblCellMar>"))
    for index, width in enumerate(widths):
        table.columns[index].width = width
        for cell in table.columns[index].cells:
            cell.width = width


def head_row(row: _Row, titles: Sequence[str]) -> None:
    """Fill the row that is repeated at the top of each page."""
    properties = row._tr.get_or_add_trPr()
    properties.append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))
    properties.append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    for cell, title in zip(row.cells, titles, strict=True):
        shade(cell)
        write(cell, title, bold=True)


def keep_row_whole(row: _Row) -> None:
    """Forbid a page break inside the row."""
    row._tr.get_or_add_trPr().append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))


def line_above(cell: _Cell) -> None:
    """Draw the line that somebody signs on."""
    line = '<w:top w:val="single" w:sz="6" w:space="0" w:color="1F2A37"/>'
    cell._tc.get_or_add_tcPr().append(parse_xml(f"<w:tcBorders {nsdecls('w')}>{line}</w:tcBorders>"))


def unnumber(paragraph: Paragraph) -> None:
    """Take a heading out of the automatic numbering of its style."""
    numbering = parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="0"/><w:numId w:val="0"/></w:numPr>')
    paragraph._p.get_or_add_pPr().append(numbering)


def shade(cell: _Cell) -> None:
    """Give a cell the quiet tint of labels and table heads."""
    cell._tc.get_or_add_tcPr().append(
        parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="{_SHADE}"/>')
    )


def write(cell: _Cell, text: str, *, bold: bool = False) -> Paragraph:
    """Put text into a cell's first paragraph and return that paragraph.

    Bold is a paragraph style, not a run's format: LibreOffice drops the format of runs inside content controls.
    """
    paragraph: Paragraph = cell.paragraphs[0]
    paragraph.style = "Celda destacada" if bold else "Celda"
    if text:
        paragraph.add_run(text)
    return paragraph


def text_width(document: Document) -> Length:
    """Return the width between the margins."""
    section = document.sections[0]
    width, left, right = section.page_width, section.left_margin, section.right_margin
    return Cm(16) if width is None or left is None or right is None else Length(width - left - right)
