"""Images inside the document: really embedded, never wider than the text, with a text for those who can't see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from astra_site.lib.hashing import Sha256
from sessions_app.builder.dump import Block, SessionDump
from sessions_app.builder.errors import BuildRefused
from sessions_app.builder.model import IMAGE_EXTENSIONS, ImageFile
from sessions_app.builder.word_document import WordDocument
from tenants.skeleton.wordml import R_NS, W_NS, attribute, w

_EMU_PER_PX: Final = 9_525
_EMU_PER_TWIP: Final = 635
_LETTER_TWIPS: Final = {"w": 12_240, "h": 15_840}
_MARGIN_TWIPS: Final = 1_440
_MAX_HEIGHT_SHARE: Final = 0.38
_WP_NS: Final = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
_A_NS: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
_PIC_NS: Final = "http://schemas.openxmlformats.org/drawingml/2006/picture"


@dataclass(frozen=True, slots=True)
class Frame:
    """The room for an image, in EMU (914,400 to the inch)."""

    max_width_emu: int
    max_height_emu: int

    def fit(self, image: ImageFile) -> tuple[int, int]:
        """Return width and height in EMU: natural size at 96 dpi, made smaller if it doesn't fit, in proportion."""
        width, height = image.width_px * _EMU_PER_PX, image.height_px * _EMU_PER_PX
        scale = min(1.0, self.max_width_emu / width, self.max_height_emu / height)
        return max(1, int(width * scale)), max(1, int(height * scale))


def text_frame(body: etree._Element) -> Frame:
    """Return the room that the last section's page and margins leave."""
    section = body.find(w("sectPr"))
    size = None if section is None else section.find(w("pgSz"))
    margin = None if section is None else section.find(w("pgMar"))
    width = _twips(size, "w", _LETTER_TWIPS["w"]) - _twips(margin, "left", _MARGIN_TWIPS)
    width -= _twips(margin, "right", _MARGIN_TWIPS)
    height = _twips(size, "h", _LETTER_TWIPS["h"]) * _MAX_HEIGHT_SHARE
    return Frame(max(1_000, width) * _EMU_PER_TWIP, int(height) * _EMU_PER_TWIP)


def image_of(block: Block, dump: SessionDump, images: Mapping[str, ImageFile]) -> ImageFile:
    """Return the image that a block shows.

    Raises `BuildRefused`: `build_image_missing` when it wasn't handed over, `build_image_mismatch` when its bytes
    aren't those the session recorded, `build_image_unsupported` for a type that can't be embedded.
    """
    asset_id = str(block.data.get("asset_id", ""))
    details = {"block_id": block.block_id, "asset_id": asset_id}
    image = images.get(asset_id)
    if image is None:
        raise BuildRefused(
            "build_image_missing", "An image of the session wasn't handed to the builder.", details=details
        )
    recorded = dump.assets[asset_id].sha256 if asset_id in dump.assets else block.data.get("sha256")
    if recorded is not None and str(Sha256.of(image.data)) != recorded:
        raise BuildRefused("build_image_mismatch", "An image isn't the one that the session recorded.", details=details)
    if image.media_type not in IMAGE_EXTENSIONS or image.width_px < 1 or image.height_px < 1:
        raise BuildRefused("build_image_unsupported", "Only PNG and JPEG images can be embedded.", details=details)
    return image


def picture_run(document: WordDocument, image: ImageFile, frame: Frame, name: str, description: str) -> etree._Element:
    """Embed the image and return the run that shows it; `name` and `description` must be clean text."""
    width, height = (str(size) for size in frame.fit(image))
    number = str(document.next_drawing_id())
    run = etree.Element(w("r"), nsmap={"w": W_NS})
    inline = _child(_child(run, W_NS, "drawing"), _WP_NS, "inline", distT="0", distB="0", distL="0", distR="0")
    _child(inline, _WP_NS, "extent", cx=width, cy=height)
    _child(inline, _WP_NS, "docPr", id=number, name=name, descr=description)
    locks = _child(_child(inline, _WP_NS, "cNvGraphicFramePr"), _A_NS, "graphicFrameLocks")
    locks.set("noChangeAspect", "1")
    data = _child(_child(inline, _A_NS, "graphic"), _A_NS, "graphicData", uri=_PIC_NS)
    picture = _child(data, _PIC_NS, "pic")
    about = _child(picture, _PIC_NS, "nvPicPr")
    _child(about, _PIC_NS, "cNvPr", id=number, name=name, descr=description)
    _child(about, _PIC_NS, "cNvPicPr")
    fill = _child(picture, _PIC_NS, "blipFill")
    _child(fill, _A_NS, "blip").set(f"{{{R_NS}}}embed", document.add_image(image))
    _child(_child(fill, _A_NS, "stretch"), _A_NS, "fillRect")
    shape = _child(picture, _PIC_NS, "spPr")
    transform = _child(shape, _A_NS, "xfrm")
    _child(transform, _A_NS, "off", x="0", y="0")
    _child(transform, _A_NS, "ext", cx=width, cy=height)
    _child(_child(shape, _A_NS, "prstGeom", prst="rect"), _A_NS, "avLst")
    return run


def _child(parent: etree._Element, namespace: str, name: str, /, **attributes: str) -> etree._Element:
    prefixes = {"wp": _WP_NS, "a": _A_NS, "pic": _PIC_NS, "r": R_NS}
    return etree.SubElement(parent, f"{{{namespace}}}{name}", attributes, nsmap=prefixes)


def _twips(element: etree._Element | None, name: str, default: int) -> int:
    text = attribute(element, name)
    return int(text) if text is not None and text.isdigit() else default
