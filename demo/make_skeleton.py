"""Make the demonstration council's Word skeleton: `python -m demo.make_skeleton`.

The file is checked in; this script is its source. It is laid out like the minutes that Colombian councils publish: a
quality form in the page header, a block of fields, an attendance table, numbered points, a table of votes, signatures.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Final

import docx
from docx.document import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Cm, Length, Pt
from docx.table import _Cell

from demo.skeleton_pieces import (
    ControlMaker,
    add_field,
    head_row,
    keep_row_whole,
    line_above,
    rule_table,
    shade,
    text_width,
    unnumber,
    write,
)
from demo.skeleton_styles import MUTED, number_headings, set_page, set_styles
from tenants.skeleton.archive import pack

TARGET: Final = Path(__file__).with_name("skeleton.docx")

_FIELDS: Final = (
    ("Corporación", "CORPORACION"),
    ("Ciudad", "CIUDAD"),
    ("Fecha", "FECHA"),
    ("Tipo de sesión", "TIPO_SESION"),
    ("Hora de apertura", "HORA_APERTURA"),
    ("Hora de cierre", "HORA_CIERRE"),
)
_POINTS: Final = (
    ("Llamado a lista y verificación del quórum", "ZONA_LLAMADO_LISTA", "Llamado a lista"),
    ("Orden del día", "ZONA_ORDEN_DIA", "Orden del día"),
    ("Proposiciones", "ZONA_PROPOSICIONES", "Proposiciones"),
    ("Debate", "ZONA_DEBATE", "Debate"),
    ("Votaciones", "ZONA_VOTACION", "Votaciones"),
    ("Proposiciones y varios", "ZONA_VARIOS", "Proposiciones y varios"),
    ("Cierre", "ZONA_CIERRE", "Cierre de la sesión"),
)
_ATTENDANCE: Final = (("Nombre", "NOMBRE"), ("Asistencia", "ASISTENCIA"))
_VOTES: Final = (
    ("Asunto", "ASUNTO"),
    ("A favor", "A_FAVOR"),
    ("En contra", "EN_CONTRA"),
    ("Abstenciones", "ABSTENCIONES"),
    ("Resultado", "RESULTADO"),
)


def make_skeleton() -> bytes:
    """Return the skeleton's bytes, the same each time."""
    document = docx.Document()
    controls = ControlMaker()
    set_page(document)
    set_styles(document)
    number_headings(document)
    _header(document, controls)
    _footer(document)
    _title(document, controls)
    _field_block(document, controls)
    _heading(document, "Apertura", numbered=False)
    controls.zone(document, "ZONA_APERTURA", "Apertura de la sesión")
    for heading, tag, label in _POINTS:
        _heading(document, heading)
        controls.zone(document, tag, label)
        if tag == "ZONA_LLAMADO_LISTA":
            _attendance(document, controls)
        elif tag == "ZONA_VOTACION":
            _votes(document, controls)
    _heading(document, "Anexos", numbered=False)
    controls.zone(document, "IMG_ANEXO", "Imágenes anexas", style="Normal")
    _signatures(document, controls)
    _properties(document)
    return _repacked(document)


def _header(document: Document, controls: ControlMaker) -> None:
    header = document.sections[0].header
    width = text_width(document)
    table = header.add_table(rows=1, cols=3, width=width)
    rule_table(table, [Length(int(width * share)) for share in (0.34, 0.34, 0.32)])
    left, middle, right = table.rows[0].cells
    for cell in (left, middle, right):
        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    name = write(left, "", bold=True)
    name.alignment = WD_ALIGN_PARAGRAPH.CENTER
    controls.text(name, "CORPORACION", "Corporación")
    title = write(middle, "ACTA DE SESIÓN PLENARIA", bold=True)
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    process = middle.add_paragraph("Proceso: Gestión de la secretaría general", style="Celda")
    process.alignment = WD_ALIGN_PARAGRAPH.CENTER
    process.runs[0].font.size = Pt(8)
    _form_lines(right)
    header._element.remove(header.paragraphs[0]._p)
    tail = header.add_paragraph()
    tail.paragraph_format.space_after = Pt(0)
    tail.paragraph_format.line_spacing = 1.0


def _form_lines(cell: _Cell) -> None:
    lines = ("Código: CM-SG-F-012", "Versión: 03", "Fecha de aprobación: 15/01/2026", "Página ")
    for index, line in enumerate(lines):
        paragraph = write(cell, line) if index == 0 else cell.add_paragraph(line, style="Celda")
        paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(1)
        if index == len(lines) - 1:
            add_field(paragraph, "PAGE")
            paragraph.add_run(" de ")
            add_field(paragraph, "NUMPAGES")
        for run in paragraph.runs:
            run.font.size = Pt(8)


def _footer(document: Document) -> None:
    paragraph = document.sections[0].footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = paragraph.add_run("{{CORPORACION}} · Acta N.º {{NUMERO_ACTA}}")
    run.font.size, run.font.color.rgb = Pt(8), MUTED


def _title(document: Document, controls: ControlMaker) -> None:
    title = document.add_paragraph("Acta N.º ", style="Title")
    controls.text(title, "NUMERO_ACTA", "Número del acta")
    document.add_paragraph("Sesión plenaria del {{FECHA}}", style="Subtitle")


def _field_block(document: Document, controls: ControlMaker) -> None:
    width = text_width(document)
    table = document.add_table(rows=len(_FIELDS), cols=2)
    rule_table(table, [Length(int(width * 0.3)), Length(int(width * 0.7))])
    for row, (label, tag) in zip(table.rows, _FIELDS, strict=True):
        keep_row_whole(row)
        shade(row.cells[0])
        write(row.cells[0], label, bold=True)
        controls.text(write(row.cells[1], ""), tag, label)


def _heading(document: Document, text: str, *, numbered: bool = True) -> None:
    paragraph = document.add_paragraph(text, style="Heading 1")
    if not numbered:
        unnumber(paragraph)
        paragraph.paragraph_format.left_indent = paragraph.paragraph_format.first_line_indent = Cm(0)


def _attendance(document: Document, controls: ControlMaker) -> None:
    _record_table(document, controls, _ATTENDANCE, (0.68, 0.32), ("TBL_ASISTENCIA", "Asistencia"))


def _votes(document: Document, controls: ControlMaker) -> None:
    _record_table(
        document, controls, _VOTES, (0.38, 0.13, 0.14, 0.17, 0.18), ("TBL_VOTACION", "Votaciones"), centered=1
    )


def _record_table(
    document: Document,
    controls: ControlMaker,
    columns: tuple[tuple[str, str], ...],
    shares: tuple[float, ...],
    control: tuple[str, str],
    centered: int = 99,
) -> None:
    width = text_width(document)
    table = document.add_table(rows=2, cols=len(columns))
    rule_table(table, [Length(int(width * share)) for share in shares])
    head_row(table.rows[0], [title for title, _ in columns])
    keep_row_whole(table.rows[1])
    for index, (_, marker) in enumerate(columns):
        write(table.rows[1].cells[index], f"{{{{{marker}}}}}")
        if index >= centered:
            for row in table.rows:
                row.cells[index].paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
    controls.around_table(document, table, *control)


def _signatures(document: Document, controls: ControlMaker) -> None:
    closing = document.add_paragraph("En constancia de lo anterior, se firma la presente acta.")
    closing.paragraph_format.space_before, closing.paragraph_format.space_after = Pt(18), Pt(54)
    closing.paragraph_format.keep_with_next = True
    width = text_width(document)
    table = document.add_table(rows=1, cols=3)
    rule_table(table, [Length(int(width * share)) for share in (0.44, 0.12, 0.44)], sides=())
    keep_row_whole(table.rows[0])
    for index, tag, post in ((0, "PRESIDENTE", "Presidente"), (2, "SECRETARIO", "Secretaria general")):
        cell = table.rows[0].cells[index]
        line_above(cell)
        controls.text(write(cell, "", bold=True), tag, post)
        cell.add_paragraph(post, style="Celda")
    document.add_paragraph().paragraph_format.space_after = Pt(0)


def _properties(document: Document) -> None:
    properties = document.core_properties
    properties.title, properties.author, properties.language = "Acta de sesión plenaria", "Secretaría general", "es-CO"
    properties.comments = properties.last_modified_by = properties.keywords = ""
    properties.created = properties.modified = dt.datetime(2026, 1, 15, tzinfo=dt.UTC)
    package = document.part.package
    for key, relationship in list(package.rels.items()):
        if relationship.reltype.endswith("/thumbnail"):
            del package.rels[key]


def _repacked(document: Document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        return pack({name: archive.read(name) for name in archive.namelist()})


if __name__ == "__main__":
    TARGET.write_bytes(make_skeleton())
