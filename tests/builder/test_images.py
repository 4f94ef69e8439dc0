"""Images of a session inside the document."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from sessions_app.builder import ImageFile, build_minutes
from sessions_app.builder.errors import BuildRefused
from tests.builder.dumps import block, image_block, session_dump
from tests.builder.reading import IMAGE, SKELETON, Docx, W
from tests.skeleton.packages import control, make_docx, paragraph

_INLINE = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_BLIP = "{http://schemas.openxmlformats.org/drawingml/2006/main}blip"
_EMBED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed"
_TEXT_WIDTH_EMU = round((21.59 - 3 - 2.5) * 360_000)
LAMP = ImageFile(IMAGE, "image/png", 1200, 750)


def _jpeg(size: tuple[int, int]) -> ImageFile:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "JPEG")
    return ImageFile(buffer.getvalue(), "image/jpeg", *size)


def _built(blocks: list[dict[str, Any]], images: dict[str, ImageFile]) -> Docx:
    return Docx(build_minutes(SKELETON, session_dump(blocks), images).docx)


def test_an_image_is_embedded_byte_for_byte_with_caption_and_alternative_text() -> None:
    docx = _built([image_block(1, "a", "Vereda La Esperanza", IMAGE)], {"a": LAMP})
    relationships = {r.get("Id"): r.get("Target", "") for r in docx.xml("word/_rels/document.xml.rels")}
    target = relationships[next(docx.document.iter(_BLIP)).get(_EMBED)]

    assert docx.parts[target.lstrip("/")] == IMAGE
    assert docx.section("Anexos")[:2] == ["", "Imagen 1. Vereda La Esperanza"]
    assert next(docx.document.iter(f"{_INLINE}docPr")).get("descr") == "Vereda La Esperanza"


def test_a_wide_image_is_as_wide_as_the_text_and_keeps_its_proportions() -> None:
    extent = next(_built([image_block(1, "a", None, IMAGE)], {"a": LAMP}).document.iter(f"{_INLINE}extent"))
    width, height = int(extent.get("cx", "0")), int(extent.get("cy", "0"))
    assert width == pytest.approx(_TEXT_WIDTH_EMU, rel=0.01)
    assert width / height == pytest.approx(1200 / 750, rel=0.001)


def test_a_tall_image_fits_the_page_and_a_small_one_keeps_its_size() -> None:
    tall, small = _jpeg((300, 1900)), _jpeg((96, 48))
    blocks = [image_block(1, "tall", None, tall.data), image_block(2, "small", None, small.data)]
    docx = _built(blocks, {"tall": tall, "small": small})
    first, second = docx.document.iter(f"{_INLINE}extent")

    assert int(first.get("cy", "0")) <= round(27.94 * 0.38 * 360_000) + 1000
    assert (second.get("cx"), second.get("cy")) == ("914400", "457200")


def test_several_images_keep_the_order_of_the_session_and_one_file_each() -> None:
    other = _jpeg((200, 100))
    blocks = [
        image_block(3, "a", "otra vez", IMAGE),
        image_block(1, "a", "primera", IMAGE),
        image_block(2, "b", "segunda", other.data),
    ]
    docx = _built(blocks, {"a": LAMP, "b": other})

    captions = [line for line in docx.section("Anexos") if line.startswith("Imagen")]
    assert captions == ["Imagen 1. primera", "Imagen 2. segunda", "Imagen 3. otra vez"]
    assert len([name for name in docx.parts if name.startswith("word/media/astra_")]) == 2
    ids = [node.get("id") for node in docx.document.iter(f"{_INLINE}docPr")]
    assert len(set(ids)) == len(ids) == 3


def test_an_image_can_stand_among_the_speeches() -> None:
    blocks = [
        block(1, "Miren.", speaker="Ana"),
        image_block(2, "a", "La vía", IMAGE, target_placeholder="ZONA_DEBATE"),
        block(3, "Eso es todo.", speaker="Ana"),
    ]
    docx = _built(blocks, {"a": LAMP})
    assert docx.section("Debate") == ["Ana: Miren.", "", "Imagen 1. La vía", "Eso es todo."]
    assert docx.section("Anexos")[0] == "Sin imágenes anexas."


def test_a_caption_is_text_too() -> None:
    docx = _built([image_block(1, "a", '"<x>&\u202e{{FECHA}}', IMAGE)], {"a": LAMP})
    assert docx.section("Anexos")[1] == 'Imagen 1. "<x>&{{FECHA}}'
    assert next(docx.document.iter(f"{_INLINE}docPr")).get("descr") == '"<x>&{{FECHA}}'
    assert not list(docx.document.iter(f"{W}instrText"))


@pytest.mark.parametrize(
    ("images", "code"),
    [
        ({}, "build_image_missing"),
        ({"a": ImageFile(b"other bytes", "image/png", 10, 10)}, "build_image_mismatch"),
        ({"a": ImageFile(IMAGE, "image/svg+xml", 10, 10)}, "build_image_unsupported"),
    ],
)
def test_an_image_that_is_not_the_recorded_one_stops_the_build(images: dict[str, ImageFile], code: str) -> None:
    with pytest.raises(BuildRefused) as caught:
        build_minutes(SKELETON, session_dump([image_block(1, "a", None, IMAGE)]), images)
    assert caught.value.code == code


def _with_named_picture(name: str) -> bytes:
    drawing = "http://schemas.openxmlformats.org/drawingml/2006"
    picture = (
        f'<w:r><w:drawing><wp:inline xmlns:wp="{drawing}/wordprocessingDrawing"><wp:docPr id="9" name="{name}"/>'
        f'<pic:pic xmlns:pic="{drawing}/picture"/></wp:inline></w:drawing></w:r>'
    )
    return make_docx(f"<w:p>{picture}</w:p>" + control("ZONA_DEBATE", paragraph("x")), header=f"<w:p>{picture}</w:p>")


def test_images_come_in_the_stead_of_a_picture_that_carries_the_places_name() -> None:
    dump = session_dump([image_block(1, "a", "Vereda", IMAGE)])
    docx = Docx(build_minutes(_with_named_picture("IMG_ANEXO"), dump, {"a": LAMP}).docx)
    assert [node.get("descr") for node in docx.document.iter(f"{_INLINE}docPr")] == ["Vereda"]
    assert [node.get("name") for node in docx.xml("word/header1.xml").iter(f"{_INLINE}docPr")] == ["IMG_ANEXO"]


def test_a_named_picture_stays_where_no_image_comes() -> None:
    docx = Docx(build_minutes(_with_named_picture("IMG_ANEXO"), session_dump([block(1, "Uno.")]), {}).docx)
    assert [node.get("name") for node in docx.document.iter(f"{_INLINE}docPr")] == ["IMG_ANEXO"]
