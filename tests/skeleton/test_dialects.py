"""What Word writes around a placeholder: tracked changes, text boxes, links, notes, repeating sections, headers."""

from __future__ import annotations

from tenants.skeleton import Placeholder, Skeleton, parse_skeleton
from tests.skeleton.packages import control, make_docx, paragraph, relationship

_MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
_W15 = 'xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml"'
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_WP = 'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
_ZONE = control("ZONA_DEBATE", paragraph("aquí"), number=99)


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def change(name: str, content: str) -> str:
    return f'<w:{name} w:id="1" w:author="Ana" w:date="2026-01-01T00:00:00Z">{content}</w:{name}>'


def deleted(text: str) -> str:
    return change("del", f'<w:r><w:delText xml:space="preserve">{text}</w:delText></w:r>')


def text_box(content: str, fallback: str | None = None) -> str:
    """Return a run with a text box as Word writes it: once for itself, once for older readers."""
    old = content if fallback is None else fallback
    return (
        f'<w:r><mc:AlternateContent {_MC}><mc:Choice Requires="wps"><w:drawing><w:txbxContent>{content}'
        f"</w:txbxContent></w:drawing></mc:Choice><mc:Fallback><w:pict><w:txbxContent>{old}</w:txbxContent></w:pict>"
        "</mc:Fallback></mc:AlternateContent></w:r>"
    )


def repeating(tag: str, items: str) -> str:
    inside = f"<w:sdt><w:sdtPr><w:id w:val='7'/><w15:repeatingSectionItem {_W15}/></w:sdtPr><w:sdtContent>{items}"
    return control(tag, f"{inside}</w:sdtContent></w:sdt>", f"<w15:repeatingSection {_W15}/>")


def read(body: str, **given: str) -> Skeleton:
    return parse_skeleton(make_docx(body + _ZONE, **given))  # type: ignore[arg-type]  # the names are make_docx's


def tags(skeleton: Skeleton) -> list[str]:
    return [found.tag for found in skeleton.placeholders if found.tag != "ZONA_DEBATE"]


def only(skeleton: Skeleton) -> Placeholder:
    (found,) = (found for found in skeleton.placeholders if found.tag != "ZONA_DEBATE")
    return found


def test_deleted_text_is_no_marker_and_inserted_text_is() -> None:
    skeleton = read(f"<w:p>{deleted('{{VIEJO}}')}{change('ins', run('{{NUEVO}}'))}</w:p>")
    assert tags(skeleton) == ["NUEVO"]
    assert skeleton.warnings == ()


def test_a_marker_corrected_with_tracked_changes_is_read_as_it_will_be() -> None:
    body = f"<w:p>{run('En {{CIU')}{deleted('TAT')}{change('ins', run('DAD'))}{run('}} hoy')}</w:p>"
    assert (only(read(body)).tag, only(read(body)).sample) == ("CIUDAD", "En {{CIUDAD}} hoy")


def test_what_was_moved_is_found_where_it_went() -> None:
    body = f"<w:p>{change('moveFrom', run('{{FECHA}}'))}</w:p><w:p>{change('moveTo', run('{{FECHA}}'))}</w:p>"
    assert only(read(body)).occurrences == 1


def test_deleted_controls_and_rows_are_gone() -> None:
    inside = "<w:p>" + change("del", control("VIEJO", "<w:r><w:delText>x</w:delText></w:r>")) + "</w:p>"
    row = f"<w:tr><w:trPr>{change('del', '')}</w:trPr><w:tc>{control('OTRO', paragraph('x'))}</w:tc></w:tr>"
    assert tags(read(f"{inside}<w:tbl>{row}</w:tbl>")) == []


def test_a_text_box_is_read_once() -> None:
    content = paragraph("{{CIUDAD}}") + control("ZONA_VARIOS", paragraph("aquí"))
    skeleton = read(f"<w:p>{text_box(content)}</w:p>")
    assert {found.tag: found.occurrences for found in skeleton.placeholders} == {
        "CIUDAD": 1, "ZONA_VARIOS": 1, "ZONA_DEBATE": 1,
    }  # fmt: skip
    assert skeleton.warnings == ()


def test_a_heading_does_not_take_in_the_text_box_that_hangs_on_it() -> None:
    heading = f'<w:p><w:pPr><w:pStyle w:val="Ttulo1"/></w:pPr>{run("Apertura")}{text_box(paragraph("nota"))}</w:p>'
    assert [entry.text for entry in read(heading).outline] == ["Apertura"]


def test_markers_go_on_through_links_smart_tags_spelling_marks_bookmarks_and_comments() -> None:
    pieces = (
        f'{run("{{")}<w:proofErr w:type="spellStart"/><w:hyperlink w:anchor="x">{run("NU")}</w:hyperlink>'
        f'<w:commentRangeStart w:id="1"/><w:smartTag w:uri="u" w:element="e">{run("ME")}</w:smartTag>'
        f'<w:bookmarkStart w:id="4" w:name="_GoBack"/>{run("RO}")}<w:bookmarkEnd w:id="4"/>'
        f'<w:commentRangeEnd w:id="1"/><w:r><w:commentReference w:id="1"/></w:r>{run("}")}'
    )
    assert tags(read(f"<w:p>{pieces}</w:p>")) == ["NUMERO"]


def test_a_marker_in_a_comment_is_a_remark_not_a_place() -> None:
    comments = f"<w:comments {_W}><w:comment w:id='1'>{paragraph('¿{{CIUDAD}} aquí?')}</w:comment></w:comments>"
    docx = make_docx(
        _ZONE, relationships=relationship("comments", "comments.xml"), replaced={"word/comments.xml": comments}
    )
    assert tags(parse_skeleton(docx)) == []


def test_headers_footers_and_notes_of_every_kind_are_read() -> None:
    parts = {
        **{f"word/header{n}.xml": f"<w:hdr {_W}>{paragraph(f'{{{{CABEZA_{n}}}}}')}</w:hdr>" for n in (1, 2, 3)},
        "word/footer1.xml": f"<w:ftr {_W}>{paragraph('{{PIE}}')}</w:ftr>",
        "word/footnotes.xml": f"<w:footnotes {_W}><w:footnote>{paragraph('{{NOTA}}')}</w:footnote></w:footnotes>",
        "word/endnotes.xml": f"<w:endnotes {_W}><w:endnote>{paragraph('{{FINAL}}')}</w:endnote></w:endnotes>",
    }
    relationships = "".join(
        relationship(name.split("/")[1].rstrip("123.xml"), name.split("/")[1]).replace("rId77", f"rId{n}")
        for n, name in enumerate([*parts, "word/header1.xml"], start=20)
    )
    skeleton = parse_skeleton(make_docx(_ZONE, relationships=relationships, replaced=parts))
    assert [(found.tag, found.location, found.occurrences) for found in skeleton.placeholders] == [
        ("CABEZA_1", "Header", 1), ("CABEZA_2", "Header", 1), ("CABEZA_3", "Header", 1),
        ("ZONA_DEBATE", "Body:Section_0", 1), ("PIE", "Footer", 1), ("NOTA", "Notes", 1), ("FINAL", "Notes", 1),
    ]  # fmt: skip


def test_a_repeating_section_of_rows_is_a_table() -> None:
    row = f"<w:tr><w:tc>{paragraph('{{NOMBRE}}')}</w:tc><w:tc>{control('VOTO', paragraph('x'))}</w:tc></w:tr>"
    found = only(read(f"<w:tbl><w:tr><w:tc>{paragraph('Nombre')}</w:tc></w:tr>{repeating('TBL_VOTOS', row)}</w:tbl>"))
    assert (found.tag, found.kind.value, found.columns) == ("TBL_VOTOS", "table", ("NOMBRE", "VOTO"))


def test_a_repeating_section_of_paragraphs_is_pointed_out() -> None:
    body = repeating("PUNTOS", "<w:p>" + control("PUNTO", run("x"), "<w:text/>", 3) + "</w:p>")
    skeleton = read(body)
    assert tags(skeleton) == ["PUNTO"]
    assert [(warning.code, warning.tag) for warning in skeleton.warnings] == [("control_repeats", "PUNTOS")]


def test_controls_three_deep_leave_the_innermost_to_fill() -> None:
    inner = "<w:p>" + control("CIUDAD", run("c"), "<w:text/>", 3) + "</w:p>"
    skeleton = read(control("ACTA", control("PORTADA", inner, number=2), number=1))
    assert tags(skeleton) == ["CIUDAD"]
    assert [warning.tag for warning in skeleton.warnings] == ["ACTA", "PORTADA"]


def test_a_control_in_a_link_or_an_insertion_is_one_of_words() -> None:
    words = control("CIUDAD", run("c"))
    moved = control("FECHA", run("f"), number=2)
    found = read(f'<w:p><w:hyperlink w:anchor="x">{words}</w:hyperlink>{change("moveTo", moved)}</w:p>')
    assert {item.tag: item.kind.value for item in found.placeholders if item.tag != "ZONA_DEBATE"} == {
        "CIUDAD": "text", "FECHA": "text",
    }  # fmt: skip


def test_each_placeholder_says_what_stands_there_under_which_headings_and_in_which_order() -> None:
    long = "palabra " * 60
    table = f"<w:tbl><w:tr><w:tc>{paragraph('Nombre')}</w:tc><w:tc>{paragraph('Voto')}</w:tc></w:tr></w:tbl>"
    picture = f'<w:r><w:drawing><wp:docPr {_WP} id="1" name="Imagen 1" descr="Escudo"/></w:drawing></w:r>'
    skeleton = read(
        paragraph("Orden del día", "Ttulo1") + paragraph("Votación", "Sub")
        + control("TBL_VOTOS", table, "", 1)
        + paragraph(f"{long}{{{{CIUDAD}}}} {long}")
        + paragraph("Cierre", "Ttulo1")
        + "<w:p>" + control("IMG_ESCUDO", picture, "<w:picture/>", 2) + "</w:p>"
        + f'<w:p><w:bookmarkStart w:id="5" w:name="LUGAR"/>{run("Recinto ")}'
        + f'{run("oficial")}<w:bookmarkEnd w:id="5"/></w:p>'
        + control("NOTAS", paragraph("uno") + paragraph("dos"), "", 3)
    )  # fmt: skip
    found = {item.tag: item for item in skeleton.placeholders}
    assert [item.order for item in skeleton.placeholders] == [1, 2, 3, 4, 5, 6]
    assert found["TBL_VOTOS"].heading_path == ("Orden del día", "Votación")
    assert found["NOTAS"].heading_path == ("Cierre",)
    assert found["TBL_VOTOS"].sample == "Nombre | Voto"
    assert found["IMG_ESCUDO"].sample == "Escudo"
    assert found["LUGAR"].sample == "Recinto oficial"
    assert found["NOTAS"].sample == "uno dos"
    sample = found["CIUDAD"].sample
    assert len(sample) <= 120
    assert sample.startswith("…")
    assert sample.endswith("…")
    assert "{{CIUDAD}}" in sample


_PIC = 'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'


def picture(**names: str) -> str:
    """Return a run with an inline picture that has these names."""
    written = " ".join(f'{key}="{value}"' for key, value in names.items())
    return (
        f'<w:r><w:drawing><wp:inline {_WP}><wp:docPr id="1" {written}/><pic:pic {_PIC}/></wp:inline></w:drawing></w:r>'
    )


def test_a_picture_with_a_name_in_its_alternative_text_is_a_place_for_images() -> None:
    body = "".join(f"<w:p>{run('x')}{picture(**names)}</w:p>" for names in (
        {"name": "Imagen 1", "descr": "IMG_ANEXO"}, {"name": "IMG_MAPA"}, {"name": "Imagen 3", "descr": "El escudo"},
        {"name": "FIRMA_X"},
    ))  # fmt: skip
    skeleton = read(body, header=f"<w:p>{picture(descr='IMG_ESCUDO')}</w:p>")
    assert [(found.tag, found.kind.value, found.source.value) for found in skeleton.placeholders][:-1] == [
        ("IMG_ANEXO", "image", "picture"), ("IMG_MAPA", "image", "picture"),
    ]  # fmt: skip


def test_a_named_picture_inside_a_control_is_the_controls() -> None:
    body = "<w:p>" + control("IMG_ANEXO", picture(descr="IMG_OTRO"), "<w:picture/>") + "</w:p>"
    assert tags(read(body)) == ["IMG_ANEXO"]
