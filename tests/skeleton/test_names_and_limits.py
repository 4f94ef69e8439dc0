"""Names that nobody can use, names used twice, and more of everything than a skeleton needs."""

from __future__ import annotations

import time

import pytest

from tenants.skeleton import PackageLimits, parse_skeleton
from tenants.skeleton.errors import SkeletonRefused, SkeletonTooLarge
from tests.skeleton.packages import control, make_docx, paragraph

_ZONE = control("ZONA_DEBATE", paragraph("aquí"), number=99)


@pytest.mark.parametrize(
    "name",
    [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "A" * 10_000,
        "A&#10;B",
        "NOMBRE\u202eEDIVERSE",
        "A\u200bB",
        "{{CIUDAD}}",
        "9_LUGAR",
        "dos palabras",
        "&amp;quot; onload=x",
    ],
)
@pytest.mark.parametrize("source", ["control", "bookmark", "column"])
def test_a_name_that_can_not_be_used_is_pointed_out_and_no_placeholder(name: str, source: str) -> None:
    body = {
        "control": control(name, paragraph("x")),
        "bookmark": f'<w:p><w:bookmarkStart w:id="1" w:name="{name}"/><w:bookmarkEnd w:id="1"/></w:p>',
        "column": control(
            "TBL_A", f"<w:tbl><w:tr><w:tc>{paragraph('{{B}}')}{control(name, paragraph('x'))}</w:tc></w:tr></w:tbl>", ""
        ),
    }[source]
    skeleton = parse_skeleton(make_docx(body + _ZONE))
    offered = {found.tag: found.columns for found in skeleton.placeholders}
    assert offered == ({"TBL_A": ("B",)} if source == "column" else {}) | {"ZONA_DEBATE": ()}
    (warning,) = skeleton.warnings
    assert (warning.code, warning.tag) == ("name_unusable", None)
    assert 0 < len(warning.detail) <= 80
    assert warning.detail.isprintable()


def test_the_title_of_a_control_is_one_short_line() -> None:
    sdt = (
        f'<w:sdt><w:sdtPr><w:alias w:val="{"título " * 2_000}&#10;x"/><w:tag w:val="CIUDAD"/></w:sdtPr><w:sdtContent>'
        f"{paragraph('x')}</w:sdtContent></w:sdt>"
    )
    label = parse_skeleton(make_docx(sdt)).placeholders[0].label
    assert len(label) <= 120
    assert label.isprintable()


def test_names_used_twice_are_one_placeholder_and_told_once() -> None:
    body = control("ZONA_DEBATE", paragraph("x")) * 30 + paragraph("{{CIUDAD}}") * 3
    skeleton = parse_skeleton(make_docx(body))
    assert [(found.tag, found.occurrences) for found in skeleton.placeholders] == [("ZONA_DEBATE", 30), ("CIUDAD", 3)]
    assert [(warning.code, warning.tag) for warning in skeleton.warnings] == [("placeholder_repeated", "ZONA_DEBATE")]


def test_one_name_for_two_kinds_is_pointed_out() -> None:
    body = control("NOTAS", paragraph("x"), "<w:text/>") + control("NOTAS", paragraph("x"), "", 2) + _ZONE
    assert [(warning.code, warning.tag) for warning in parse_skeleton(make_docx(body)).warnings] == [
        ("placeholder_kinds_differ", "NOTAS")
    ]


def test_a_zone_in_the_page_header_is_pointed_out_because_nothing_is_put_there() -> None:
    skeleton = parse_skeleton(make_docx(_ZONE, header=control("ZONA_ARRIBA", paragraph("x"))))
    assert [(warning.code, warning.tag) for warning in skeleton.warnings] == [
        ("placeholder_outside_body", "ZONA_ARRIBA")
    ]


def _many(count: int) -> bytes:
    return make_docx("".join(paragraph(f"{{{{CAMPO_{number}}}}}") for number in range(count)))


def test_five_thousand_placeholders_are_refused_with_the_number_that_is_allowed() -> None:
    with pytest.raises(SkeletonTooLarge) as caught:
        parse_skeleton(_many(5_000))
    assert caught.value.code == "skeleton_too_many_placeholders"
    assert caught.value.details == {"max_placeholders": 1_000}
    assert len(parse_skeleton(_many(1_000)).placeholders) == 1_000


def test_five_thousand_places_of_one_name_are_one_placeholder() -> None:
    (found,) = parse_skeleton(make_docx(paragraph("{{CIUDAD}}") * 5_000)).placeholders
    assert found.occurrences == 5_000


def test_warnings_and_headings_are_limited_and_that_is_said() -> None:
    broken = "".join(paragraph(f"{{{{ {number}") for number in range(300))
    skeleton = parse_skeleton(make_docx(broken + paragraph("Título", "Ttulo1") * 2_001))
    assert len(skeleton.warnings) == 201
    assert skeleton.warnings[-1].code == "warnings_cut"
    assert len(skeleton.outline) == 2_000


def test_xml_that_is_small_on_the_disk_and_huge_in_memory_is_refused_before_it_is_parsed() -> None:
    body = "<w:p/>" * 1_000_001
    limits = PackageLimits(max_ratio=100_000)
    started = time.process_time()
    with pytest.raises(SkeletonTooLarge) as caught:
        parse_skeleton(make_docx(body), limits)
    assert caught.value.code == "skeleton_too_large"
    assert caught.value.details["max_markup"] == 1_000_000
    assert time.process_time() - started < 5


@pytest.mark.parametrize("encoding", ["cp037", "utf-7", "utf-16-be"])
def test_an_encoding_does_not_hide_the_markup(encoding: str) -> None:
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    declared = {"cp037": "IBM037", "utf-7": "UTF-7", "utf-16-be": "UTF-16BE"}[encoding]
    xml = f'<?xml version="1.0" encoding="{declared}"?><w:document xmlns:w="{namespace}"><w:body/></w:document>'
    data = xml.encode(encoding) if encoding != "utf-7" else xml.replace("<w:body/>", "+ADw-w:body/+AD4-").encode()
    docx = make_docx("", replaced={"word/document.xml": data})
    if encoding == "utf-16-be":
        assert parse_skeleton(docx).placeholders == ()
    else:
        with pytest.raises(SkeletonRefused) as caught:
            parse_skeleton(docx)
        assert caught.value.code == "skeleton_xml_malformed"


@pytest.mark.parametrize("level", ["²", "9" * 5_000, "-1", "", "\uff10"])
def test_a_strange_outline_level_is_no_level(level: str) -> None:
    body = f'<w:p><w:pPr><w:outlineLvl w:val="{level}"/></w:pPr><w:r><w:t>x</w:t></w:r></w:p>{_ZONE}'
    assert parse_skeleton(make_docx(body)).outline == ()
