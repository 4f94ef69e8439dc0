"""Files that must not be opened as skeletons, each refused with its own code."""

from __future__ import annotations

import contextlib
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astra_site.lib.errors import AstraError
from tenants.skeleton import PackageLimits, open_package, parse_skeleton
from tenants.skeleton.errors import SkeletonRefused, SkeletonTooLarge
from tests.skeleton.packages import make_docx, paragraph, relationship

_MACRO_MAIN = "application/vnd.ms-word.document.macroEnabled.main+xml"
_SHEET_MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_BOMB = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
_FIELD = "".join(
    f"<w:r>{inner}</w:r>"
    for inner in (
        '<w:fldChar w:fldCharType="begin"/>',
        "<w:instrText> DDE</w:instrText>",
        "<w:instrText>AUTO c:\\\\cmd.exe</w:instrText>",
        '<w:fldChar w:fldCharType="end"/>',
    )
)


def _zip(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _with_document(prolog: str) -> bytes:
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    xml = f'{prolog}<w:document xmlns:w="{namespace}"><w:body/></w:document>'
    return make_docx("", replaced={"word/document.xml": xml})


@pytest.mark.parametrize(
    ("docx", "code"),
    [
        (b"", "skeleton_not_docx"),
        (b"Acta de la sesion", "skeleton_not_docx"),
        (b"%PDF-1.7\n", "skeleton_not_docx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "skeleton_not_docx"),
        (_zip({"a.txt": b"x"}), "skeleton_not_docx"),
        (make_docx(paragraph("x"))[:-40], "skeleton_not_docx"),
        (make_docx("", replaced={"../evil.xml": b"<a/>"}), "skeleton_not_docx"),
        (make_docx("", replaced={"WORD/document.xml": b"<a/>"}), "skeleton_not_docx"),
        (make_docx("", main_type=_SHEET_MAIN), "skeleton_not_docx"),
        (make_docx("", main_type=_MACRO_MAIN), "skeleton_macros"),
        (make_docx("", replaced={"word/vbaProject.bin": b"x"}), "skeleton_macros"),
        (make_docx("", relationships=relationship("oleObject", "embeddings/o.bin")), "skeleton_embedded_object"),
        (make_docx("", relationships=relationship("aFChunk", "chunk.html")), "skeleton_embedded_object"),
        (
            make_docx("", relationships=relationship("image", "http://example.org/p.png", external=True)),
            "skeleton_external_relationship",
        ),
        (
            make_docx("", relationships=relationship("attachedTemplate", "file:///x.dotm", external=True)),
            "skeleton_external_relationship",
        ),
        (
            make_docx("", relationships=relationship("hyperlink", "file://server/share", external=True)),
            "skeleton_external_relationship",
        ),
        (make_docx(f"<w:p>{_FIELD}</w:p>"), "skeleton_active_field"),
        (make_docx('<w:p><w:fldSimple w:instr=" INCLUDETEXT c:\\x "/></w:p>'), "skeleton_active_field"),
        (_with_document(_BOMB), "skeleton_xml_unsafe"),
        (_with_document('<!DOCTYPE w SYSTEM "http://example.org/x.dtd">'), "skeleton_xml_unsafe"),
        (make_docx("<w:p>"), "skeleton_xml_malformed"),
        (make_docx("", replaced={"word/media/zeros.bmp": b"\x00" * 8_000_000}), "skeleton_zip_bomb"),
    ],
)
def test_it_is_refused(docx: bytes, code: str) -> None:
    with pytest.raises(AstraError) as caught:
        parse_skeleton(docx)
    assert caught.value.code == code
    assert caught.value.permanent


def test_size_and_number_of_parts_are_limited() -> None:
    docx = make_docx(paragraph("x"))
    for limits in (
        PackageLimits(max_file_bytes=100),
        PackageLimits(max_parts=3),
        PackageLimits(max_unpacked_bytes=500),
    ):
        with pytest.raises(AstraError) as caught:
            open_package(docx, limits)
        assert caught.value.code == "skeleton_too_large"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_but_never_breaks_the_parser(data: st.DataObject) -> None:
    docx = bytearray(make_docx(paragraph("{{CIUDAD}}"), header=paragraph("{{FECHA}}")))
    for _ in range(data.draw(st.integers(1, 6))):
        docx[data.draw(st.integers(0, len(docx) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(SkeletonRefused, SkeletonTooLarge):
        parse_skeleton(bytes(docx))


def test_case_does_not_hide_a_relationship() -> None:
    template = relationship("attachedTemplate", "http://example.org/x.dotm", external=True)
    rels = f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{template}</Relationships>'
    for name in ("word/_rels/document.xml.RELS", "word/_rels/settings.xml.RELS", "word/_RELS/settings.xml.rels"):
        # The package has its own document.xml.rels: of the two spellings only one may be there.
        with pytest.raises(SkeletonRefused) as caught:
            parse_skeleton(make_docx("", replaced={name: rels}))
        assert caught.value.code in {"skeleton_external_relationship", "skeleton_not_docx"}
    only_upper = _renamed(make_docx("", relationships=template), "word/_rels/document.xml.rels", ".rels", ".RELS")
    assert _code(only_upper) == "skeleton_external_relationship"
    harmless = _renamed(make_docx(""), "word/_rels/document.xml.rels", ".rels", ".RELS")
    assert _code(harmless) == "skeleton_not_docx"


@pytest.mark.parametrize("mode", ["external", "EXTERNAL", " External ", "Elsewhere"])
def test_whatever_is_not_internal_is_external(mode: str) -> None:
    loads = relationship("attachedTemplate", "http://example.org/x.dotm", external=True)
    assert _code(make_docx("", relationships=loads.replace('"External"', f'"{mode}"'))) == (
        "skeleton_external_relationship"
    )


@pytest.mark.parametrize("target", ["http://example.org/p.png", "//server/p.png", "\\\\server\\p.png", "file:///p.png"])
def test_an_internal_target_stays_inside(target: str) -> None:
    assert _code(make_docx("", relationships=relationship("image", target))) == "skeleton_external_relationship"


@pytest.mark.parametrize(
    "part", ["word/embeddings/o.bin", "word/a.exe", "word/a.html", "word/a.docm", "word/noextension", "word/a.xml.lnk"]
)
def test_a_part_of_an_unknown_kind_is_refused(part: str) -> None:
    assert _code(make_docx("", replaced={part: b"x"})) == "skeleton_part_unknown"


def test_xml_is_checked_whatever_its_part_is_called() -> None:
    field = make_docx('<w:p><w:fldSimple w:instr=" DDEAUTO x "/></w:p>')
    hidden = _renamed(field, "word/document.xml", "document.xml", "document.png")
    assert _code(hidden) == "skeleton_active_field"


def test_two_content_types_for_one_part_are_refused() -> None:
    with zipfile.ZipFile(io.BytesIO(make_docx(""))) as archive:
        types = archive.read("[Content_Types].xml").decode()
    second = '<Override PartName="/WORD/document.xml" ContentType="application/xml"/></Types>'
    assert _code(make_docx("", replaced={"[Content_Types].xml": types.replace("</Types>", second)})) == (
        "skeleton_not_docx"
    )


def _code(docx: bytes) -> str:
    with pytest.raises(AstraError) as caught:
        parse_skeleton(docx)
    return caught.value.code


def _renamed(docx: bytes, part: str, old: str, new: str) -> bytes:
    """Return the package with one part under another name, everything that names it included."""
    with zipfile.ZipFile(io.BytesIO(docx)) as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    renamed = {name.replace(old, new) if name == part else name: data for name, data in parts.items()}
    if part.endswith(".xml"):
        for name in ("[Content_Types].xml", "_rels/.rels"):
            renamed[name] = renamed[name].replace(old.encode(), new.encode())
        rels = renamed.pop("word/_rels/document.xml.rels")
        renamed[f"word/_rels/{new}.rels"] = rels
    return _zip(renamed)


def test_web_links_and_harmless_fields_are_fine() -> None:
    page = '<w:p><w:fldSimple w:instr=" PAGE "/></w:p>'
    docx = make_docx(page, relationships=relationship("hyperlink", "https://www.quibdo-choco.gov.co", external=True))
    assert parse_skeleton(docx).placeholders == ()


@pytest.mark.parametrize(
    "name",
    [
        "/etc/cron.xml",
        "word/../../x.xml",
        "..\\x.xml",
        "C:/x.xml",
        "c:x.xml",
        "word//x.xml",
        "./x.xml",
        "word/./x.xml",
        "..",
    ],
)
def test_a_name_that_leads_out_of_the_archive_is_refused(name: str) -> None:
    assert _code(make_docx("", replaced={name: "<a/>"})) == "skeleton_not_docx"


def test_a_folder_with_an_unsafe_name_holds_nothing() -> None:
    buffer = io.BytesIO(make_docx(paragraph("{{CIUDAD}}")))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("../folder/", b"")
    assert [found.tag for found in parse_skeleton(buffer.getvalue()).placeholders] == ["CIUDAD"]


def test_an_archive_that_lies_about_its_sizes_unpacks_to_no_more_than_it_says() -> None:
    docx = bytearray(make_docx("", replaced={"word/media/zeros.bmp": b"\x00" * 900_000}))
    for marker, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = docx.rfind(
            marker,
            0,
            docx.rfind(b"word/media/zeros.bmp") if marker == b"PK\x01\x02" else docx.find(b"word/media/zeros.bmp"),
        )
        docx[at + offset : at + offset + 4] = (10).to_bytes(4, "little")
    package = open_package(bytes(docx))
    assert package.unreadable == ("word/media/zeros.bmp",)
