"""Make the demonstration's image, a drawing of a street lamp over a rural road: `python -m demo.make_image`.

Drawn, not photographed, so that the repository carries nobody's picture; checked in, this script is its source.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

TARGET: Final = Path(__file__).with_name("image.png")
CAPTION: Final = "Alumbrado público en la vereda La Esperanza"
_SIZE_PX: Final = (1200, 750)
_SCALE: Final = 2


def make_image() -> bytes:
    """Return the PNG, the same each time."""
    width, height = (side * _SCALE for side in _SIZE_PX)
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    horizon = int(height * 0.66)
    _sky(draw, width, horizon)
    _hills(draw, width, horizon)
    draw.rectangle((0, horizon, width, height), fill=(38, 58, 46))
    draw.polygon(
        [(width * 0.40, horizon), (width * 0.47, horizon), (width * 0.95, height), (width * 0.22, height)],
        fill=(92, 84, 74),
    )
    _lamp(draw, int(width * 0.30), int(height * 0.90), int(height * 0.66), lit=True)
    _lamp(draw, int(width * 0.62), int(height * 0.78), int(height * 0.38), lit=False)
    _house(draw, int(width * 0.74), horizon, int(width * 0.14))
    reduced = image.resize(_SIZE_PX, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    reduced.quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _sky(draw: ImageDraw.ImageDraw, width: int, horizon: int) -> None:
    top, bottom = (22, 33, 62), (224, 142, 96)
    for y in range(horizon):
        share = (y / horizon) ** 1.6
        red, green, blue = (round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))
        draw.line((0, y, width, y), fill=(red, green, blue))


def _hills(draw: ImageDraw.ImageDraw, width: int, horizon: int) -> None:
    for base, height, shade in ((0.0, 0.20, (62, 66, 84)), (0.28, 0.28, (48, 58, 70)), (0.62, 0.17, (56, 62, 78))):
        left = width * (base - 0.15)
        draw.polygon(
            [(left, horizon), (left + width * 0.30, horizon * (1 - height)), (left + width * 0.66, horizon)], fill=shade
        )


def _lamp(draw: ImageDraw.ImageDraw, x: int, foot: int, length: int, *, lit: bool) -> None:
    thick = max(6, length // 40)
    head_y, arm = foot - length, length // 4
    if lit:
        for radius, shade in (
            (length // 4, (150, 118, 84)),
            (length // 6, (196, 156, 96)),
            (length // 10, (240, 208, 130)),
        ):
            draw.ellipse((x + arm - radius, head_y - radius, x + arm + radius, head_y + radius), fill=shade)
    draw.rectangle((x - thick // 2, head_y, x + thick // 2, foot), fill=(26, 28, 32))
    draw.line((x, head_y, x + arm, head_y), fill=(26, 28, 32), width=thick)
    bulb = (255, 244, 200) if lit else (90, 92, 96)
    draw.ellipse((x + arm - 2 * thick, head_y - thick, x + arm + 2 * thick, head_y + 2 * thick), fill=bulb)


def _house(draw: ImageDraw.ImageDraw, left: int, ground: int, width: int) -> None:
    wall, roof = int(width * 0.55), int(width * 0.30)
    draw.rectangle((left, ground - wall, left + width, ground + 10), fill=(196, 178, 150))
    draw.polygon(
        [(left - 20, ground - wall), (left + width // 2, ground - wall - roof), (left + width + 20, ground - wall)],
        fill=(120, 62, 48),
    )
    draw.rectangle((left + width // 8, ground - wall // 2, left + width // 3, ground + 10), fill=(74, 52, 40))


if __name__ == "__main__":
    TARGET.write_bytes(make_image())
