"""Uploaded images made safe and small: decoded with limits, upright, without metadata, encoded anew."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from assets.errors import ImageMalformed, ImageTooLarge, ImageUnsupported
from astra_site.lib.hashing import Sha256

MAX_BYTES: Final = 20 * 1024 * 1024
MAX_PIXELS: Final = 60_000_000
MAX_SIDE_PX: Final = 1920
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "TIFF")
_FLAT_COLOURS: Final = 256
_JPEG_QUALITY: Final = 88
_BROKEN: Final = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, ZeroDivisionError)
"""What Pillow's decoders raise for damaged files."""


@dataclass(frozen=True, slots=True)
class NormalisedImage:
    """An image as it is stored and embedded; `media_type` is `image/png` or `image/jpeg`."""

    data: bytes
    media_type: str
    width_px: int
    height_px: int
    sha256: Sha256


def normalise_image(data: bytes) -> NormalisedImage:
    """Decode an image by its content and encode it anew.

    Guarantees: the first frame only, turned upright by its EXIF orientation, at most 1920 px on the longer side, no
    metadata; PNG where there is transparency or few colours, JPEG otherwise; equal bytes in, equal bytes out.
    Raises `ImageTooLarge` (`image_too_large`, `image_too_many_pixels`), `ImageUnsupported` (`image_unsupported`) or
    `ImageMalformed` (`image_empty`, `image_malformed`).
    """
    if not data:
        raise ImageMalformed("image_empty", "The image file is empty.")
    if len(data) > MAX_BYTES:
        raise ImageTooLarge(
            "image_too_large",
            f"The image has {len(data)} bytes; {MAX_BYTES} are allowed.",
            details={"size_bytes": len(data), "max_bytes": MAX_BYTES},
        )
    image = _reduced(_decode(data))
    transparent = image.mode == "RGBA"
    flat = image.getcolors(_FLAT_COLOURS) is not None
    buffer = io.BytesIO()
    if transparent or flat:
        image.save(buffer, "PNG", optimize=True)
    else:
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True, subsampling=0)
    encoded = buffer.getvalue()
    media_type = "image/png" if transparent or flat else "image/jpeg"
    return NormalisedImage(encoded, media_type, image.width, image.height, Sha256.of(encoded))


def _decode(data: bytes) -> Image.Image:
    """Return the first frame upright, as RGB or (when something shows through) RGBA, without metadata."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                _check_pixels(opened.width * opened.height)
                opened.seek(0)
                upright = ImageOps.exif_transpose(opened)
                return _plain(upright)
    except UnidentifiedImageError as error:
        raise ImageUnsupported(
            "image_unsupported", "This file isn't an image of a known kind (PNG, JPEG, WebP, GIF or TIFF)."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(None) from error
    except _BROKEN as error:
        raise ImageMalformed("image_malformed", "The image is damaged or incomplete.") from error


def _plain(image: Image.Image) -> Image.Image:
    """Copy the pixels, and nothing else, into an RGB or RGBA image."""
    coloured = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if coloured.mode == "RGBA" and coloured.getchannel("A").getextrema() == (255, 255):
        coloured = coloured.convert("RGB")
    bare = Image.new(coloured.mode, coloured.size)
    bare.paste(coloured)
    return bare


def _reduced(image: Image.Image) -> Image.Image:
    scale = MAX_SIDE_PX / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _check_pixels(pixels: int) -> None:
    if pixels > MAX_PIXELS:
        raise _too_many_pixels(pixels)


def _too_many_pixels(pixels: int | None) -> ImageTooLarge:
    details = {"max_pixels": MAX_PIXELS} if pixels is None else {"pixels": pixels, "max_pixels": MAX_PIXELS}
    return ImageTooLarge("image_too_many_pixels", f"The image has more than {MAX_PIXELS} pixels.", details=details)
