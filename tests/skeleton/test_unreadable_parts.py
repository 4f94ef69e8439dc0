"""Parts that can't be read are reported; the document is used without them, and minutes made of it are whole."""

from __future__ import annotations

import io
import zipfile

import pytest

from sessions_app.builder import build_minutes
from tenants.skeleton import open_package, parse_skeleton
from tenants.skeleton.errors import SkeletonRefused
from tests.builder.dumps import block, session_dump
from tests.skeleton.packages import control, make_docx, paragraph, relationship

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_ZONE = control("ZONA_DEBATE", paragraph("aquí"))
_BROKEN = f"<w:hdr {_W}><w:p>"


def warned(docx: bytes) -> list[tuple[str, str]]:
    return [(warning.code, warning.detail) for warning in parse_skeleton(docx).warnings]


def damaged(docx: bytes, part: str) -> bytes:
    """Return the archive with one bit of a stored part turned over, so that its checksum fails."""
    with zipfile.ZipFile(io.BytesIO(docx)) as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
        start = archive.getinfo(part).header_offset + 30 + len(part)
    raw = bytearray(buffer.getvalue())
    raw[start] ^= 1
    return bytes(raw)


@pytest.mark.parametrize("part", ["word/header1.xml", "word/styles.xml"])
def test_a_part_that_is_not_well_formed_or_damaged_is_reported(part: str) -> None:
    docx = make_docx(_ZONE, header=paragraph("{{CIUDAD}}"))
    assert warned(make_docx(_ZONE, header=paragraph("x"), replaced={part: _BROKEN})) == [("part_unreadable", part)]
    assert warned(damaged(docx, part)) == [("part_unreadable", part)]


@pytest.mark.parametrize("part", ["word/document.xml", "word/_rels/document.xml.rels"])
def test_without_the_main_document_nothing_can_be_used(part: str) -> None:
    for docx in (damaged(make_docx(_ZONE), part), make_docx(_ZONE, replaced={part: "<a>"})):
        with pytest.raises(SkeletonRefused) as caught:
            parse_skeleton(docx)
        assert caught.value.code in {"skeleton_xml_malformed", "skeleton_not_docx"}


@pytest.mark.parametrize("part", ["[Content_Types].xml", "_rels/.rels"])
def test_without_the_list_of_parts_nothing_can_be_used(part: str) -> None:
    for docx in (damaged(make_docx(_ZONE), part), make_docx(_ZONE, replaced={part: "<a>"})):
        with pytest.raises(SkeletonRefused):
            parse_skeleton(docx)


def test_an_unreadable_part_may_still_not_be_of_a_kind_that_is_refused() -> None:
    docx = damaged(make_docx(_ZONE, replaced={"word/vbaProject.bin": b"x"}), "word/vbaProject.bin")
    with pytest.raises(SkeletonRefused) as caught:
        parse_skeleton(docx)
    assert caught.value.code == "skeleton_macros"


def test_a_document_type_in_any_part_is_an_attack_not_a_damage() -> None:
    with pytest.raises(SkeletonRefused) as caught:
        parse_skeleton(make_docx(_ZONE, replaced={"word/header1.xml": f"<!DOCTYPE a>{_BROKEN}</w:p></w:hdr>"}))
    assert caught.value.code == "skeleton_xml_unsafe"


def test_minutes_of_it_refer_to_nothing_that_is_missing() -> None:
    picture = '<w:p><w:r><w:drawing><a:blip xmlns:a="urn:a" r:embed="rId77"/></w:drawing></w:r></w:p>'
    broken = make_docx(
        picture + _ZONE,
        header=paragraph("x"),
        relationships=relationship("image", "media/image1.png"),
        replaced={"word/header1.xml": _BROKEN, "word/media/image1.png": b"\x89PNG"},
    )
    minutes = build_minutes(damaged(broken, "word/media/image1.png"), session_dump([block(1, "Uno.")]), {}).docx
    package = open_package(minutes)
    assert package.unreadable == ()
    for source in ("", *package.parts):
        for found in package.relationships(source):
            assert found.external or found.target in package.parts
    document = package.parts["word/document.xml"].decode()
    assert "headerReference" not in document
    assert "rId77" not in document
    assert "Uno." in document
    assert b"header1.xml" not in package.parts["[Content_Types].xml"]
