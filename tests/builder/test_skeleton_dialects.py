"""Skeletons that other people make: zones as markers, bookmarks, cells; fields with bindings; repeated ids."""

from __future__ import annotations

from typing import Any

from sessions_app.builder import build_minutes
from tests.builder.dumps import block, config_content, session_dump
from tests.builder.reading import Docx, W, style_of
from tests.skeleton.packages import control, make_docx, paragraph

_FIELDS = {"CIUDAD": "metadata.city", "FECHA": "session.date", "NOTAS": "metadata.number"}


def _built(body: str, *blocks: dict[str, Any], header: str | None = None, **content: Any) -> Docx:
    dump = session_dump(blocks, content=config_content(**{"field_map": _FIELDS, **content}))
    return Docx(build_minutes(make_docx(body, header=header), dump, {}).docx)


def test_a_zone_can_be_a_marker_in_a_paragraph_of_its_own() -> None:
    docx = _built(paragraph("{{ZONA_DEBATE}}", "Sub") + paragraph("fin"), block(1, "Uno."), block(2, "Dos."))
    assert docx.paragraphs() == ["Uno.", "Dos.", "fin"]
    assert [style_of(p) for p in docx.document.iter(f"{W}p")] == ["Sub", "Sub", None]


def test_a_zone_marker_inside_a_sentence_leaves_the_sentence() -> None:
    docx = _built(paragraph("En {{CIUDAD}} se dijo: {{ZONA_DEBATE}}"), block(1, "Uno {{CIUDAD}}."))
    assert docx.paragraphs() == ["En Quibdó, Chocó se dijo: ", "Uno {{CIUDAD}}."]


def test_a_zone_can_be_a_bookmark_or_a_control_around_words() -> None:
    bookmark = (
        '<w:p><w:bookmarkStart w:id="5" w:name="ZONA_DEBATE"/><w:r><w:t>aquí</w:t></w:r><w:bookmarkEnd w:id="5"/></w:p>'
    )
    words = "<w:p>" + control("ZONA_VARIOS", "<w:r><w:t>aquí</w:t></w:r>") + "</w:p>"
    docx = _built(bookmark + words, block(1, "Uno."), block(2, "Dos.", "OTHER_BUSINESS"))
    assert docx.paragraphs() == ["Uno.", "Dos."]


def test_a_zone_can_be_a_table_cell() -> None:
    cell = f'<w:tc><w:tcPr><w:tcW w:w="5000" w:type="dxa"/></w:tcPr>{paragraph("aquí")}</w:tc>'
    docx = _built(f"<w:tbl><w:tr>{control('ZONA_DEBATE', cell)}</w:tr></w:tbl>", block(1, "Uno.\nDos."))
    assert docx.table("Uno.\nDos.") == [["Uno.\nDos."]]


def test_a_marker_split_over_runs_is_filled_in_the_format_of_its_first_run() -> None:
    runs = "<w:r><w:rPr><w:b/></w:rPr><w:t>En {{CIU</w:t></w:r><w:r><w:t>DAD}} hoy</w:t></w:r>"
    docx = _built(f"<w:p>{runs}</w:p>")
    assert [node.text for node in docx.document.iter(f"{W}t")] == ["En Quibdó, Chocó", " hoy"]


def test_every_place_of_a_name_gets_the_text_header_included() -> None:
    words = "<w:p>" + control("CIUDAD", "<w:r><w:t>c</w:t></w:r>", "<w:showingPlcHdr/><w:text/>") + "</w:p>"
    docx = _built(words + words + paragraph("{{CIUDAD}}"), header=paragraph("{{CIUDAD}}"))
    assert docx.paragraphs() == ["Quibdó, Chocó"] * 3
    assert docx.plain("word/header1.xml") == "Quibdó, Chocó"
    ids = [node.get(f"{W}val") for node in docx.document.iterfind(f".//{W}sdtPr/{W}id")]
    assert len(set(ids)) == 2


def test_a_binding_that_would_overwrite_the_text_on_opening_is_cut() -> None:
    binding = '<w:dataBinding w:xpath="/a" w:storeItemID="{00000000-0000-0000-0000-000000000000}"/>'
    docx = _built("<w:p>" + control("CIUDAD", "<w:r><w:t>c</w:t></w:r>", f"{binding}<w:text/>") + "</w:p>")
    assert not list(docx.document.iter(f"{W}dataBinding"))
    assert docx.paragraphs() == ["Quibdó, Chocó"]


def test_the_prompts_grey_letters_are_not_kept_and_the_controls_own_format_is() -> None:
    grey = '<w:r><w:rPr><w:rStyle w:val="Textodelmarcador"/></w:rPr><w:t>Haga clic</w:t></w:r>'
    docx = _built("<w:p>" + control("CIUDAD", grey, "<w:showingPlcHdr/><w:text/>") + "</w:p>")
    assert not list(docx.document.iter(f"{W}rStyle"))
    own = '<w:sdt><w:sdtPr><w:rPr><w:b/></w:rPr><w:tag w:val="CIUDAD"/><w:showingPlcHdr/></w:sdtPr>'
    docx = _built(f"<w:p>{own}<w:sdtContent>{grey}</w:sdtContent></w:sdt></w:p>")
    assert len(docx.document.findall(f".//{W}r/{W}rPr/{W}b")) == 1


def test_rich_text_of_the_author_that_nothing_is_mapped_to_stays() -> None:
    docx = _built(control("AVISO_LEGAL", paragraph("Texto fijo del concejo."), ""))
    assert docx.paragraphs() == ["Texto fijo del concejo."]


def test_a_field_can_be_a_rich_text_control() -> None:
    assert _built(control("NOTAS", paragraph("pendiente"))).paragraphs() == ["047"]


def test_a_text_bookmark_is_filled_and_an_unmapped_one_is_left_alone() -> None:
    body = "".join(
        f'<w:p><w:bookmarkStart w:id="{number}" w:name="{name}"/><w:r><w:t>antes</w:t></w:r>'
        f'<w:bookmarkEnd w:id="{number}"/></w:p>'
        for number, name in ((1, "CIUDAD"), (2, "Inicio"))
    )
    assert _built(body).paragraphs() == ["Quibdó, Chocó", "antes"]


def test_a_second_zone_of_the_same_name_only_loses_its_prompt() -> None:
    docx = _built(
        control("ZONA_DEBATE", paragraph("aquí")) + control("ZONA_DEBATE", paragraph("aquí")), block(1, "Uno.")
    )
    assert docx.paragraphs() == ["Uno.", ""]


def test_a_skeleton_without_styles_or_zones_still_carries_everything() -> None:
    docx = _built(paragraph("Acta"), block(1, "Hablo.", speaker="Ana", topic="Vías"))
    assert docx.paragraphs() == ["Acta", "Textos sin ubicación", "Vías", "Ana: Hablo."]


def test_template_rows_of_controls_are_cloned_with_ids_of_their_own() -> None:
    named = "<w:p>" + control("NOMBRE", "<w:r><w:t>n</w:t></w:r>", "<w:text/>", 9) + "</w:p>"
    row = f"<w:tr><w:tc>{named}</w:tc><w:tc>{paragraph('{{ASISTENCIA}}')}</w:tc></w:tr>"
    entries = [{"name": name, "presence": "present"} for name in ("Ana", "Luis")]
    docx = _built(
        control("TBL_ASISTENCIA", f"<w:tbl>{row}</w:tbl>", ""),
        block(1, "…", "ROLL_CALL", data={"attendance": entries}),
    )
    assert docx.table("Ana") == [["Ana", "Presente"], ["Luis", "Presente"]]
    ids = [node.get(f"{W}val") for node in docx.document.iterfind(f".//{W}sdtPr/{W}id")]
    assert len(set(ids)) == len(ids) == 2


def test_text_in_a_fixed_control_keeps_the_authors_words() -> None:
    docx = _built("<w:p>" + control("PIE_FIJO", "<w:r><w:t>Aprobado</w:t></w:r>", "<w:text/>") + "</w:p>")
    assert docx.paragraphs() == ["Aprobado"]


def test_a_repeating_section_of_rows_is_filled_like_a_table() -> None:
    w15 = 'xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml"'
    item = "".join(
        f"<w:sdt><w:sdtPr><w:id w:val='{number}'/><w15:repeatingSectionItem {w15}/></w:sdtPr><w:sdtContent>"
        f"<w:tr><w:tc>{paragraph('{{NOMBRE}}')}</w:tc><w:tc>{paragraph('{{ASISTENCIA}}')}</w:tc></w:tr>"
        "</w:sdtContent></w:sdt>"
        for number in (5, 6)
    )
    head = f"<w:tr><w:tc>{paragraph('Nombre')}</w:tc><w:tc>{paragraph('Asistencia')}</w:tc></w:tr>"
    section = control("TBL_ASISTENCIA", item, f"<w15:repeatingSection {w15}/>")
    entries = [{"name": name, "presence": "present"} for name in ("Ana", "Luis")]
    docx = _built(f"<w:tbl>{head}{section}</w:tbl>", block(1, "…", "ROLL_CALL", data={"attendance": entries}))
    assert docx.table("Nombre") == [["Nombre", "Asistencia"], ["Ana", "Presente"], ["Luis", "Presente"]]
    assert not list(docx.document.iter(f"{W}sdt"))


def test_text_that_was_deleted_with_tracked_changes_is_not_filled_in() -> None:
    gone = '<w:del w:id="1" w:author="a"><w:r><w:delText>{{FECHA}}</w:delText></w:r></w:del>'
    moved = '<w:moveFrom w:id="2" w:author="a"><w:r><w:t>{{CIUDAD}}</w:t></w:r></w:moveFrom>'
    kept = '<w:ins w:id="3" w:author="a"><w:r><w:t>{{CIUDAD}}</w:t></w:r></w:ins>'
    docx = _built(f"<w:p>{gone}{moved}{kept}</w:p>")
    assert [node.text for node in docx.document.iter(f"{W}t")] == ["{{CIUDAD}}", "Quibdó, Chocó"]


def test_both_copies_of_a_text_box_are_filled() -> None:
    box = (
        '<w:p><w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f'<mc:Choice Requires="wps"><w:txbxContent>{paragraph("{{CIUDAD}}")}</w:txbxContent></mc:Choice>'
        f"<mc:Fallback><w:txbxContent>{paragraph('{{CIUDAD}}')}</w:txbxContent></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
    )
    assert [node.text for node in _built(box).document.iter(f"{W}t")] == ["Quibdó, Chocó"] * 2
