"""Uploaded images made safe and small: decoded with limits, upright, without metadata, encoded anew."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from assets.errors import ImageMalformed, ImageTooLarge, ImageUnsupported
from astra_site.lib.hashing import Sha256

MAX_BYTES: Final = 20 * 1024 * 1024
MAX_PIXELS: Final = 25_000_000
"""Decoded, a pixel takes 4 bytes, and for a moment twice that: about 200 MB."""
MAX_SIDE_PX: Final = 1920
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "TIFF")
_DRAFT_SIDE_PX: Final = 2 * MAX_SIDE_PX
_DECODING: Final = BoundedSemaphore(2)
"""How many images a process holds unpacked at the same time; the others wait."""
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
    with _DECODING:
        image = _decode(data)
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
    """Return the first frame reduced and upright, as RGB or (when something shows through) RGBA, without metadata."""
    with _our_errors(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
            _check_pixels(opened.width * opened.height)
            opened.seek(0)
            # A JPEG is decoded at a half, a quarter or an eighth where that is enough.
            opened.draft(None, _fitting(opened.size, _DRAFT_SIDE_PX))
            ImageOps.exif_transpose(opened, in_place=True)
            return _bare(_reduced(_coloured(opened)))


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError as error:
        raise ImageUnsupported(
            "image_unsupported", "This file isn't an image of a known kind (PNG, JPEG, WebP, GIF or TIFF)."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(None) from error
    except _BROKEN as error:
        raise ImageMalformed("image_malformed", "The image is damaged or incomplete.") from error


def _coloured(image: Image.Image) -> Image.Image:
    """Return the image itself or, in another mode, a copy as RGB or RGBA."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if mode == "RGBA" and image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        mode = "RGB"
    return image if image.mode == mode else image.convert(mode)


def _reduced(image: Image.Image) -> Image.Image:
    size = _fitting(image.size, MAX_SIDE_PX)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _fitting(size: tuple[int, int], side_px: int) -> tuple[int, int]:
    """Return the size in proportion whose longer side is at most that long."""
    scale = min(1.0, side_px / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _bare(image: Image.Image) -> Image.Image:
    """Copy the pixels, and nothing else."""
    opaque = image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255)
    bare = Image.new("RGB" if opaque else image.mode, image.size)
    bare.paste(image.convert("RGB") if opaque else image)
    return bare


def _check_pixels(pixels: int) -> None:
    if pixels > MAX_PIXELS:
        raise _too_many_pixels(pixels)


def _too_many_pixels(pixels: int | None) -> ImageTooLarge:
    details = {"max_pixels": MAX_PIXELS} if pixels is None else {"pixels": pixels, "max_pixels": MAX_PIXELS}
    return ImageTooLarge(
        "image_too_many_pixels",
        f"The image has more than {MAX_PIXELS // 1_000_000} megapixels: reduce it before sending.",
        details=details,
    )
