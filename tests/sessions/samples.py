"""Small files that are right, and files that are wrong in one way each."""

from __future__ import annotations

import io

from PIL import Image

from tests.transcription.encodings import encode

WAV = encode("wav", 700)
FLAC = encode("flac", 700)
OTHER_WAV = encode("wav", 900)
SILENT_WAV_HEADER = WAV[:44]


def png(width_px: int = 40, height_px: int = 30, colour: str = "navy") -> bytes:
    """A plain image."""
    target = io.BytesIO()
    Image.new("RGB", (width_px, height_px), colour).save(target, "PNG")
    return target.getvalue()


def huge_png() -> bytes:
    """A few kilobytes that would be 100 million pixels."""
    target = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(target, "PNG")
    return target.getvalue()
