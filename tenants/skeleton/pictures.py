"""Pictures that are places: a picture whose alternative text, title or name is an image placeholder's name."""

from __future__ import annotations

from typing import Final

from lxml import etree

from tenants.skeleton.model import PlaceholderKind, kind_from_name
from tenants.skeleton.naming import is_usable_name
from tenants.skeleton.wordml import w

PICTURE_PROPERTIES: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
_PICTURE: Final = "{http://schemas.openxmlformats.org/drawingml/2006/picture}pic"


def picture_name(properties: etree._Element) -> str | None:
    """Return the placeholder's name that a picture's properties carry; None for pictures that are just pictures."""
    drawing = next(properties.iterancestors(w("drawing")), None)
    if drawing is None or next(drawing.iter(_PICTURE), None) is None:
        return None
    for attribute in ("descr", "title", "name"):
        name = str(properties.get(attribute) or "").strip()
        if is_usable_name(name) and kind_from_name(name) is PlaceholderKind.IMAGE:
            return name
    return None


def picture_run(properties: etree._Element) -> etree._Element | None:
    """Return the run that holds a picture and nothing else that is seen; None where there is more in it."""
    run = next(properties.iterancestors(w("r")), None)
    if run is None or next(run.iter(w("t")), None) is not None:
        return None
    return run
