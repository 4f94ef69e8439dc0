"""B4: the Open XML SDK finds nothing wrong with a built document, and LibreOffice lays it out."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sessions_app.builder import ImageFile, build_minutes
from tests.builder.dumps import METADATA, block, config_content, council_session, image_block, session_dump
from tests.builder.reading import IMAGE, SKELETON
from tests.programs import convert, need
from tests.skeleton.packages import control, make_docx, paragraph

_ROOT = Path(__file__).parents[2]
_VALIDATOR = _ROOT / "tools" / "node" / "node_modules" / ".bin" / "ooxml-validator"
_IMAGES = {"a": ImageFile(IMAGE, "image/png", 1200, 750)}
_CELL = '<w:tcPr><w:tcW w:w="4000" w:type="dxa"/></w:tcPr>'
_GRID = '<w:tblPr><w:tblW w:w="0" w:type="auto"/></w:tblPr><w:tblGrid><w:gridCol w:w="4000"/></w:tblGrid>'
_FOREIGN = (
    paragraph("En {{CIUDAD}}: {{ZONA_VARIOS}}")
    + "<w:p>" + control("FECHA", "<w:r><w:t>x</w:t></w:r>", "<w:showingPlcHdr/><w:text/>", 5) + "</w:p>"
    + "<w:p>" + control("IMG_ANEXO", "<w:r><w:t>x</w:t></w:r>", "<w:showingPlcHdr/><w:picture/>", 5) + "</w:p>"
    + control("ZONA_DEBATE", paragraph("x"), number=5)
    + control("TBL_ASISTENCIA", f"<w:tbl>{_GRID}<w:tr><w:tc>{_CELL}{paragraph('{{NOMBRE}}')}</w:tc></w:tr></w:tbl>", "")
    + f"<w:tbl>{_GRID}<w:tr>"
    + control("ZONA_CIERRE", f"<w:tc>{_CELL}{paragraph('x')}</w:tc>", number=5) + "</w:tr></w:tbl>"
    + paragraph("")
)  # fmt: skip


_W15 = 'xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml"'
_ITEM = (
    f"<w:sdt><w:sdtPr><w15:repeatingSectionItem {_W15}/></w:sdtPr><w:sdtContent>"
    f"<w:tr><w:tc>{_CELL}{paragraph('{{NOMBRE}}')}</w:tc></w:tr></w:sdtContent></w:sdt>"
)
_REPEATING = (
    f"<w:tbl>{_GRID}" + control("TBL_ASISTENCIA", _ITEM, f"<w15:repeatingSection {_W15}/>") + "</w:tbl>"
    + control("ZONA_DEBATE", paragraph("x"), number=5) + paragraph("")
)  # fmt: skip


def _documents() -> list[tuple[str, bytes, dict[str, Any]]]:
    images = [
        image_block(90, "a", "Vereda", IMAGE),
        image_block(91, "a", None, IMAGE, target_placeholder="ZONA_DEBATE"),
    ]
    full = [*council_session(), *images, block(92, "Aparte.", speaker="Ana", topic="Vías")]
    lost = config_content(default_zone="ZONA_NO", zone_map={}, image_zone=None)
    strange = block(1, "<&>\"' {{X}} \u202e ñ", speaker="<b>")
    return [
        ("full", SKELETON, session_dump(full)),
        ("empty", SKELETON, session_dump(metadata={})),
        ("unplaced", SKELETON, session_dump([block(1, "Perdido.", target_placeholder="NO")], content=lost)),
        ("strange", SKELETON, session_dump([strange], metadata=dict.fromkeys(METADATA, "<&\">'"))),
        ("foreign", make_docx(_FOREIGN), session_dump(full)),
        (
            "without what is lost",
            make_docx(_FOREIGN, header="x", replaced={"word/header1.xml": "<"}),
            session_dump(full),
        ),
        ("rows that repeat", make_docx(_REPEATING), session_dump(full)),
    ]


@pytest.mark.parametrize(
    ("name", "skeleton", "dump"), _documents(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_open_xml_sdk_finds_no_error(name: str, skeleton: bytes, dump: dict[str, Any], tmp_path: Path) -> None:
    validator = need(_VALIDATOR, "The Open XML validator (npm)")
    target = tmp_path / f"{name}.docx"
    target.write_bytes(build_minutes(skeleton, dump, _IMAGES).docx)
    made = subprocess.run([validator, str(target)], capture_output=True, text=True, check=False, timeout=60)
    assert json.loads(made.stdout)["errors"] == []


def test_libreoffice_lays_out_the_pages(tmp_path: Path) -> None:
    reader = need(shutil.which("pdftotext"), "pdftotext (poppler-utils)")
    target = tmp_path / "acta.docx"
    target.write_bytes(build_minutes(SKELETON, _documents()[0][2], _IMAGES).docx)
    pages = convert(target, "pdf", tmp_path)
    made = subprocess.run([reader, "-layout", str(pages), "-"], capture_output=True, text=True, check=True)
    text = " ".join(made.stdout.split())

    assert "Acta N.º 047" in text
    assert "CONCEJALA MARÍA OSPINA: El alumbrado público" in text
    assert "Página 1 de" in text
    assert "1. Llamado a lista y verificación del quórum" in text
