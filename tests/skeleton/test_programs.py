"""Skeletons as programs really write them: LibreOffice saves a document anew, python-docx makes one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml

from sessions_app.builder import build_minutes
from tenants.skeleton import Skeleton, parse_skeleton
from tests.builder.dumps import block, config_content, session_dump
from tests.builder.reading import Docx
from tests.programs import convert
from tests.skeleton.packages import control, make_docx, paragraph

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TRACKED = (
    '<w:p><w:del w:id="5" w:author="a"><w:r><w:delText>{{VIEJO}}</w:delText></w:r></w:del>'
    '<w:ins w:id="6" w:author="a"><w:r><w:t>{{NUEVO}}</w:t></w:r></w:ins></w:p>'
)
_GRID = '<w:tblGrid><w:gridCol w:w="4000"/></w:tblGrid>'
_ROWS = "".join(f"<w:tr><w:tc>{paragraph(text)}</w:tc></w:tr>" for text in ("Nombre", "{{NOMBRE}}"))
_BODY = (
    paragraph("Apertura", "Ttulo1")
    + "<w:p>" + "".join(f"<w:r><w:t>{text}</w:t></w:r>" for text in ("En {{CIU", "DAD}} a las {", "{HORA}}")) + "</w:p>"
    + "<w:p>" + control("NUMERO", "<w:r><w:t>n</w:t></w:r>", "<w:text/>", 11) + "</w:p>"
    + paragraph("Debate", "Ttulo1") + control("ZONA_DEBATE", paragraph("Aquí el debate"), "", 12)
    + '<w:p><w:bookmarkStart w:id="1" w:name="LUGAR"/><w:r><w:t>Recinto</w:t></w:r><w:bookmarkEnd w:id="1"/></w:p>'
    + _TRACKED
    + control("TBL_ASISTENCIA", f"<w:tbl><w:tblPr/>{_GRID}{_ROWS}</w:tbl>", "", 13)
    + paragraph("fin")
)  # fmt: skip


@pytest.fixture(scope="module")
def resaved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The same skeleton after LibreOffice opened and saved it."""
    folder = tmp_path_factory.mktemp("office")
    source = folder / "acta.docx"
    source.write_bytes(make_docx(_BODY, header=paragraph("{{CORPORACION}}")))
    return convert(source, "docx", folder).read_bytes()


def _seen(skeleton: Skeleton) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(found.tag, found.kind.value, found.location, found.heading_path) for found in skeleton.placeholders]


def test_libreoffice_keeps_every_placeholder(resaved: bytes) -> None:
    opening, debate = ("Apertura",), ("Debate",)
    skeleton = parse_skeleton(resaved)
    assert _seen(skeleton) == [
        ("CORPORACION", "text", "Header", ()),
        ("CIUDAD", "text", "Body:Section_1", opening),
        ("HORA", "text", "Body:Section_1", opening),
        ("NUMERO", "text", "Body:Section_1", opening),
        ("ZONA_DEBATE", "block_zone", "Body:Section_2", debate),
        ("LUGAR", "text", "Body:Section_2", debate),
        ("NUEVO", "text", "Body:Section_2", debate),
        ("TBL_ASISTENCIA", "table", "Body:Section_2", debate),
    ]
    table = skeleton.placeholder("TBL_ASISTENCIA")
    assert table is not None
    assert (table.columns, table.sample) == (("NOMBRE",), "Nombre")
    assert skeleton.warnings == ()


def test_minutes_are_written_into_what_libreoffice_saved(resaved: bytes) -> None:
    rows = {"attendance": [{"name": name, "presence": "present"} for name in ("Ana", "Luis")]}
    table = {"table_id": "TBL_ASISTENCIA", "rows": "attendance", "columns": {"NOMBRE": "name"}}
    content = config_content(field_map={"CIUDAD": "metadata.city"}, table_map={"ROLL_CALL": table})
    dump = session_dump([block(1, "…", "ROLL_CALL", data=rows), block(2, "Hablo del agua.")], content=content)
    made = Docx(build_minutes(resaved, dump, {}).docx)
    assert made.table("Nombre") == [["Nombre"], ["Ana"], ["Luis"]]
    assert "Hablo del agua." in made.paragraphs()
    assert "En Quibdó, Chocó a las (sin dato)" in made.paragraphs()


def _by_python_docx() -> bytes:
    document: Any = docx.Document()
    section = document.sections[0]
    section.different_first_page_header_footer = True
    document.settings.odd_and_even_pages_header_footer = True
    for name in ("header", "first_page_header", "even_page_header", "footer"):
        getattr(section, name).paragraphs[0].text = f"{{{{{name.upper()}}}}}"
    document.add_heading("Acta", 1)
    document.add_heading("Votación", 2)
    marked = document.add_paragraph("En {{")
    marked.add_run("CIUDAD").bold = True
    marked.add_run("}}")
    table = document.add_table(rows=2, cols=2)
    table.rows[0].cells[0].text = "Nombre"
    table.rows[1].cells[0].text = "{{TBL_VOTOS}}"
    document.element.body.insert(
        len(document.element.body) - 1,
        parse_xml(control("ZONA_DEBATE", paragraph("aquí")).replace("<w:sdt>", f"<w:sdt {_W}>", 1)),
    )
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def test_python_docx_with_its_template_is_read() -> None:
    skeleton = parse_skeleton(_by_python_docx())
    assert _seen(skeleton)[:3] == [
        ("HEADER", "text", "Header", ()), ("FIRST_PAGE_HEADER", "text", "Header", ()),
        ("EVEN_PAGE_HEADER", "text", "Header", ()),
    ]  # fmt: skip
    assert ("CIUDAD", "text", "Body:Section_1", ("Acta", "Votación")) in _seen(skeleton)
    assert ("ZONA_DEBATE", "block_zone", "Body:Section_1", ("Acta", "Votación")) in _seen(skeleton)
    assert _seen(skeleton)[-1] == ("FOOTER", "text", "Footer", ())
    assert [(entry.level, entry.text) for entry in skeleton.outline] == [(1, "Acta"), (2, "Votación")]


def test_every_tag_that_libreoffice_loses_is_pointed_out_by_its_title(tmp_path: Path) -> None:
    demo = Path(__file__).parents[2] / "demo" / "skeleton.docx"
    before = parse_skeleton(demo.read_bytes())
    after = parse_skeleton(convert(demo, "docx", tmp_path).read_bytes())
    lost = {found.label for found in before.placeholders if after.placeholder(found.tag) is None}
    assert lost
    assert lost <= {warning.detail for warning in after.warnings if warning.code == "control_without_tag"}
    assert [entry.text for entry in after.outline] == [entry.text for entry in before.outline]
