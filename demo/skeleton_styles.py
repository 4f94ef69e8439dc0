"""Typography of the demonstration skeleton: page, styles, numbered headings."""

from __future__ import annotations

from typing import Final

from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle

FONT: Final = "Arial"
INK: Final = RGBColor(0x1F, 0x2A, 0x37)
ACCENT: Final = RGBColor(0x1B, 0x4D, 0x3E)
MUTED: Final = RGBColor(0x5B, 0x65, 0x70)
_HEADING_LIST_ID: Final = 90


def set_page(document: Document) -> None:
    """Letter paper, as public offices in Colombia print on, with a wider binding margin."""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.59), Cm(27.94)
    section.left_margin, section.right_margin = Cm(3), Cm(2.5)
    section.top_margin, section.bottom_margin = Cm(2.2), Cm(2.2)
    section.header_distance, section.footer_distance = Cm(1.2), Cm(1.1)


def set_styles(document: Document) -> None:
    """Define the styles that the configuration's style map names, and calm down the built-in ones."""
    _set_language(document)
    normal = _style(document, "Normal")
    _letter(normal, size_pt=10.5, color=INK)
    normal.paragraph_format.space_after = Pt(6)
    _leading(normal, 1.15)
    title = _style(document, "Title")
    _letter(title, size_pt=17, bold=True, color=ACCENT)
    _remove_border(title)
    title.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.space_before, title.paragraph_format.space_after = Pt(10), Pt(2)
    subtitle = _style(document, "Subtitle")
    _letter(subtitle, size_pt=11, color=MUTED, italic=False)
    subtitle.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    subtitle.paragraph_format.space_after = Pt(12)
    _heading(document)
    _speech(document)
    _point(document)
    _note(document)
    _caption(document)
    cell = _new(document, "Celda", based_on="Normal")
    cell.paragraph_format.space_before = cell.paragraph_format.space_after = Pt(2.5)
    _leading(cell, 1.0)
    _letter(cell, size_pt=9.5, color=INK)
    _letter(_new(document, "Celda destacada", based_on="Celda"), size_pt=9.5, color=INK, bold=True)


def number_headings(document: Document) -> None:
    """Give the first heading level automatic numbers (`1.`, `2.` …), as Word does it: a list bound to the style."""
    numbering = document.part.numbering_part.element
    numbering.insert(
        0,
        parse_xml(
            f'<w:abstractNum {nsdecls("w")} w:abstractNumId="{_HEADING_LIST_ID}"><w:multiLevelType w:val="multilevel"/>'
            '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:pStyle w:val="Heading1"/>'
            '<w:suff w:val="tab"/><w:lvlText w:val="%1."/><w:lvlJc w:val="left"/>'
            '<w:pPr><w:tabs><w:tab w:val="num" w:pos="454"/></w:tabs><w:ind w:left="454" w:hanging="454"/></w:pPr>'
            "</w:lvl></w:abstractNum>"
        ),
    )
    numbering.append(
        parse_xml(
            f'<w:num {nsdecls("w")} w:numId="{_HEADING_LIST_ID}"><w:abstractNumId w:val="{_HEADING_LIST_ID}"/></w:num>'
        )
    )
    properties = _style(document, "Heading 1").element.get_or_add_pPr()
    properties.get_or_add_numPr().get_or_add_numId().val = _HEADING_LIST_ID


def _style(document: Document, name: str) -> ParagraphStyle:
    style = document.styles[name]
    if not isinstance(style, ParagraphStyle):
        raise TypeError(f"{name} is no paragraph style")
    return style


def _new(document: Document, name: str, *, based_on: str) -> ParagraphStyle:
    style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    if not isinstance(style, ParagraphStyle):
        raise TypeError(f"{name} is no paragraph style")
    style.base_style = _style(document, based_on)
    style.quick_style = True
    return style


def _letter(
    style: ParagraphStyle, *, size_pt: float, color: RGBColor, bold: bool = False, italic: bool | None = None
) -> None:
    font = style.font
    font.name, font.size, font.bold, font.italic = FONT, Pt(size_pt), bold, italic
    font.color.rgb = color
    properties = style.element.get_or_add_rPr()
    fonts = properties.find(qn("w:rFonts"))
    if fonts is not None:
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        for script in ("ascii", "hAnsi", "eastAsia", "cs"):
            fonts.set(qn(f"w:{script}"), FONT)
    for unwanted in ("w:spacing", "w:kern"):
        for node in properties.findall(qn(unwanted)):
            properties.remove(node)


def _leading(style: ParagraphStyle, lines: float) -> None:
    style.paragraph_format.line_spacing_rule = WD_LINE_SPACING.MULTIPLE
    style.paragraph_format.line_spacing = lines


def _heading(document: Document) -> None:
    heading = _style(document, "Heading 1")
    _letter(heading, size_pt=12, bold=True, color=ACCENT)
    heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(16), Pt(6)
    heading.paragraph_format.keep_with_next = True


def _speech(document: Document) -> None:
    speech = _new(document, "Intervención", based_on="Normal")
    speech.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    speech.paragraph_format.widow_control = True
    speech.next_paragraph_style = speech


def _point(document: Document) -> None:
    point = _new(document, "Título de punto", based_on="Normal")
    _letter(point, size_pt=10.5, bold=True, color=INK)
    point.paragraph_format.space_before, point.paragraph_format.space_after = Pt(8), Pt(3)
    point.paragraph_format.keep_with_next = True
    point.element.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="1"/>'))


def _note(document: Document) -> None:
    note = _new(document, "Nota del sistema", based_on="Normal")
    _letter(note, size_pt=9, color=MUTED, italic=True)
    note.paragraph_format.left_indent = Cm(0.6)
    note.paragraph_format.space_before = note.paragraph_format.space_after = Pt(4)


def _caption(document: Document) -> None:
    caption = _style(document, "Caption")
    _letter(caption, size_pt=9, color=MUTED, italic=True)
    caption.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption.paragraph_format.space_after = Pt(10)


def _remove_border(style: ParagraphStyle) -> None:
    properties = style.element.get_or_add_pPr()
    for border in properties.findall(qn("w:pBdr")):
        properties.remove(border)


def _set_language(document: Document) -> None:
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "es-CO")
