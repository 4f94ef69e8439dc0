"""Finding the placeholders that Word, LibreOffice and hand-made skeletons carry."""

from __future__ import annotations

from pathlib import Path

from tenants.skeleton import PlaceholderKind, PlaceholderSource, parse_skeleton
from tests.skeleton.packages import control, make_docx, paragraph

DEMO = (Path(__file__).parents[2] / "demo" / "skeleton.docx").read_bytes()


def _kinds(docx: bytes) -> dict[str, str]:
    return {found.tag: found.kind.value for found in parse_skeleton(docx).placeholders}


def test_the_demonstration_skeleton_offers_everything_its_configuration_names() -> None:
    skeleton = parse_skeleton(DEMO)
    found = {placeholder.tag: placeholder for placeholder in skeleton.placeholders}
    zones = {tag for tag, placeholder in found.items() if placeholder.kind is PlaceholderKind.BLOCK_ZONE}

    assert zones == {
        "ZONA_APERTURA", "ZONA_LLAMADO_LISTA", "ZONA_ORDEN_DIA", "ZONA_PROPOSICIONES", "ZONA_DEBATE",
        "ZONA_VOTACION", "ZONA_VARIOS", "ZONA_CIERRE",
    }  # fmt: skip
    assert found["TBL_ASISTENCIA"].columns == ("NOMBRE", "ASISTENCIA")
    assert found["TBL_VOTACION"].columns == ("ASUNTO", "A_FAVOR", "EN_CONTRA", "ABSTENCIONES", "RESULTADO")
    assert found["IMG_ANEXO"].kind is PlaceholderKind.IMAGE
    assert found["CORPORACION"].location == "Header"
    assert found["CORPORACION"].occurrences == 3
    assert found["ZONA_DEBATE"].location == "Body:Section_5"
    assert skeleton.warnings == ()
    assert [entry.text for entry in skeleton.outline][:3] == [
        "Apertura", "Llamado a lista y verificación del quórum", "Orden del día",
    ]  # fmt: skip


def test_parsing_twice_gives_the_same() -> None:
    assert parse_skeleton(DEMO) == parse_skeleton(DEMO)
    assert parse_skeleton(DEMO).to_json()["placeholders"][0]["tag"] == "CORPORACION"


def test_word_wraps_runs_paragraphs_cells_and_rows() -> None:
    cell = f"<w:tc>{paragraph('x')}</w:tc>"
    docx = make_docx(
        "<w:p>" + control("CIUDAD", "<w:r><w:t>ciudad</w:t></w:r>", "<w:text/>") + "</w:p>"
        + control("NOTAS", paragraph("texto"))
        + control("RESUMEN", paragraph("texto"), "<w:text w:multiLine='1'/>")
        + f"<w:tbl><w:tr>{control('CELDA', cell)}</w:tr>"
        + control("FILA", f"<w:tr>{cell}</w:tr>") + "</w:tbl>"
        + "<w:p>" + control("FECHA", "<w:r/>", '<w:date w:fullDate="2020-01-01T00:00:00Z"/>') + "</w:p>"
    )  # fmt: skip
    assert _kinds(docx) == {
        "CIUDAD": "text", "NOTAS": "block_zone", "RESUMEN": "text", "CELDA": "text", "FILA": "text", "FECHA": "text",
    }  # fmt: skip


def test_a_picture_control_is_an_image_whatever_its_name() -> None:
    docx = make_docx("<w:p>" + control("ESCUDO", "<w:r/>", "<w:picture/>") + "</w:p>")
    assert _kinds(docx) == {"ESCUDO": "image"}


def test_a_control_of_libreoffice_that_only_has_an_alias_is_found_by_it() -> None:
    sdt = (
        '<w:sdt><w:sdtPr><w:alias w:val="NUMERO_ACTA"/></w:sdtPr><w:sdtContent><w:r/></w:sdtContent></w:sdt>'
        '<w:sdt><w:sdtPr><w:alias w:val="Un comentario"/></w:sdtPr><w:sdtContent><w:r/></w:sdtContent></w:sdt>'
    )
    docx = make_docx(f"<w:p>{sdt}</w:p>")
    assert _kinds(docx) == {"NUMERO_ACTA": "text"}
    warning = parse_skeleton(docx).warnings[0]
    assert warning.code == "control_without_tag"
    assert "Un comentario" in warning.message


def test_word_galleries_such_as_a_table_of_contents_are_no_placeholders() -> None:
    gallery = '<w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj>'
    assert _kinds(make_docx(control("TOC", paragraph("Índice"), gallery))) == {}


def test_a_control_around_other_controls_is_a_container() -> None:
    inner = "<w:p>" + control("CIUDAD", "<w:r><w:t>c</w:t></w:r>", "<w:text/>", 2) + "</w:p>"
    skeleton = parse_skeleton(make_docx(control("TODO_EL_ACTA", inner)))
    assert [found.tag for found in skeleton.placeholders] == ["CIUDAD"]
    assert [(w.code, w.tag) for w in skeleton.warnings][:1] == [("control_is_container", "TODO_EL_ACTA")]


def test_markers_are_found_even_when_word_splits_them_over_runs() -> None:
    runs = "".join(f"<w:r><w:t>{piece}</w:t></w:r>" for piece in ("A las {", "{HORA", "_CIERRE", "}} en {{ CIUDAD }}"))
    skeleton = parse_skeleton(make_docx(f"<w:p>{runs}</w:p>"))
    assert [(found.tag, found.source) for found in skeleton.placeholders] == [
        ("HORA_CIERRE", PlaceholderSource.MARKER), ("CIUDAD", PlaceholderSource.MARKER),
    ]  # fmt: skip


def test_a_marker_that_is_not_closed_is_pointed_out() -> None:
    warnings = parse_skeleton(make_docx(paragraph("{{CIUDAD y {{FECHA}}"))).warnings
    assert "marker_unreadable" in [warning.code for warning in warnings]


def test_bookmarks_are_found_but_not_those_that_word_makes_for_itself() -> None:
    body = (
        '<w:p><w:bookmarkStart w:id="1" w:name="CIUDAD"/><w:r><w:t>x</w:t></w:r><w:bookmarkEnd w:id="1"/></w:p>'
        '<w:p><w:bookmarkStart w:id="2" w:name="_GoBack"/><w:bookmarkEnd w:id="2"/></w:p>'
        '<w:p><w:bookmarkStart w:id="3" w:name="ZONA_DEBATE"/><w:r><w:t>x</w:t></w:r><w:bookmarkEnd w:id="3"/></w:p>'
    )
    found = parse_skeleton(make_docx(body)).placeholders
    assert [(p.tag, p.kind.value, p.source.value) for p in found] == [
        ("CIUDAD", "text", "bookmark"), ("ZONA_DEBATE", "block_zone", "bookmark"),
    ]  # fmt: skip


def test_sections_are_counted_by_the_highest_heading_in_use_also_through_inherited_styles() -> None:
    docx = make_docx(
        paragraph("{{A}}") + paragraph("Uno", "Punto") + paragraph("{{B}}") + paragraph("Detalle", "Sub")
        + paragraph("{{C}}") + paragraph("Dos", "Ttulo1") + paragraph("{{D}}"),
        header=paragraph("{{E}}"),
    )  # fmt: skip
    skeleton = parse_skeleton(docx)
    assert {found.tag: found.location for found in skeleton.placeholders} == {
        "E": "Header", "A": "Body:Section_0", "B": "Body:Section_1", "C": "Body:Section_1", "D": "Body:Section_2",
    }  # fmt: skip
    assert [(entry.level, entry.text) for entry in skeleton.outline] == [(1, "Uno"), (2, "Detalle"), (1, "Dos")]


def test_columns_come_from_the_last_row_that_names_any_as_markers_or_controls() -> None:
    head = f"<w:tr><w:tc>{paragraph('Nombre')}</w:tc><w:tc>{paragraph('Voto')}</w:tc></w:tr>"
    named = "<w:p>" + control("VOTO", "<w:r><w:t>v</w:t></w:r>", "<w:text/>", 3) + "</w:p>"
    row = f"<w:tr><w:tc>{paragraph('{{NOMBRE}}')}</w:tc><w:tc>{named}</w:tc></w:tr>"
    foot = f"<w:tr><w:tc>{paragraph('Total')}</w:tc><w:tc>{paragraph('—')}</w:tc></w:tr>"
    skeleton = parse_skeleton(make_docx(control("TBL_VOTOS", f"<w:tbl>{head}{row}{foot}</w:tbl>", "")))
    assert [(p.tag, p.columns) for p in skeleton.placeholders] == [("TBL_VOTOS", ("NOMBRE", "VOTO"))]


def test_odd_tables_and_repeated_zones_are_pointed_out() -> None:
    plain = f"<w:tbl><w:tr><w:tc>{paragraph('sin nombres')}</w:tc></w:tr></w:tbl>"
    docx = make_docx(
        control("TBL_A", paragraph("no hay tabla"), number=1) + control("TBL_B", plain, number=2)
        + control("ZONA_X", paragraph("a"), number=3) + control("ZONA_X", paragraph("b"), number=4)
    )  # fmt: skip
    codes = [(warning.code, warning.tag) for warning in parse_skeleton(docx).warnings]
    assert codes == [("table_missing", "TBL_A"), ("table_without_columns", "TBL_B"), ("placeholder_repeated", "ZONA_X")]


def test_a_skeleton_without_any_zone_is_pointed_out() -> None:
    assert [warning.code for warning in parse_skeleton(make_docx(paragraph("{{CIUDAD}}"))).warnings] == [
        "no_block_zone"
    ]
