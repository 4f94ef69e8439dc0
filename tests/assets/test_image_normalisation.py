"""Images that clerks really upload, and images made to do harm."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from assets.errors import ImageMalformed, ImageTooLarge, ImageUnsupported
from assets.images import MAX_BYTES, MAX_SIDE_PX, normalise_image
from astra_site.lib.hashing import Sha256


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _photo(size: tuple[int, int] = (640, 480)) -> Image.Image:
    horizontal = Image.linear_gradient("L").resize(size)
    vertical = horizontal.rotate(90).resize(size)
    return Image.merge("RGB", (horizontal, vertical, Image.radial_gradient("L").resize(size)))


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.copy()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_every_accepted_kind_becomes_png_or_jpeg(kind: str) -> None:
    made = normalise_image(_encoded(_photo(), kind))

    assert made.media_type == ("image/png" if kind == "GIF" else "image/jpeg")
    assert _opened(made.data).size == (made.width_px, made.height_px) == (640, 480)
    assert made.sha256 == Sha256.of(made.data)


def test_the_same_bytes_give_the_same_bytes() -> None:
    data = _encoded(_photo(), "JPEG")
    assert normalise_image(data) == normalise_image(data)


def test_a_long_side_is_reduced_in_proportion() -> None:
    made = normalise_image(_encoded(_photo((4000, 1000)), "JPEG"))
    assert (made.width_px, made.height_px) == (MAX_SIDE_PX, 480)


def test_a_small_image_is_not_enlarged() -> None:
    assert normalise_image(_encoded(_photo((60, 40)), "PNG")).width_px == 60


def test_a_photograph_taken_upright_stays_upright_and_tells_nothing_of_the_camera() -> None:
    image = _photo()
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn 90 degrees clockwise
    exif[0x010F] = "Camera of a private person"
    exif.get_ifd(0x8825)[1] = "N"
    made = normalise_image(_encoded(image, "JPEG", exif=exif.tobytes()))

    assert (made.width_px, made.height_px) == (480, 640)
    result = _opened(made.data)
    assert not result.getexif()
    assert b"Camera" not in made.data


def test_text_chunks_of_a_png_are_dropped() -> None:
    from_scanner = Image.new("RGB", (20, 20), "white")
    from_scanner.info["comment"] = "secret"
    made = normalise_image(_encoded(from_scanner, "PNG", dpi=(300, 300)))
    assert set(_opened(made.data).info) == set()


def test_transparency_is_kept_in_a_png() -> None:
    image = Image.new("RGBA", (40, 40), (200, 10, 10, 128))
    made = normalise_image(_encoded(image, "PNG"))

    assert made.media_type == "image/png"
    assert _opened(made.data).convert("RGBA").getpixel((3, 3)) == (200, 10, 10, 128)


def test_an_opaque_alpha_channel_does_not_prevent_jpeg() -> None:
    assert normalise_image(_encoded(_photo().convert("RGBA"), "PNG")).media_type == "image/jpeg"


def test_a_flat_drawing_stays_lossless() -> None:
    drawing = Image.new("RGB", (50, 50), "white")
    drawing.putpixel((5, 5), (1, 2, 3))
    made = normalise_image(_encoded(drawing, "PNG"))

    assert made.media_type == "image/png"
    assert _opened(made.data).convert("RGB").getpixel((5, 5)) == (1, 2, 3)


def test_only_the_first_frame_of_an_animation_is_taken() -> None:
    red, blue = Image.new("RGB", (30, 30), "red"), Image.new("RGB", (30, 30), "blue")
    made = normalise_image(_encoded(red, "GIF", save_all=True, append_images=[blue], duration=10))
    assert _opened(made.data).convert("RGB").getpixel((1, 1)) == (255, 0, 0)


def test_a_printers_cmyk_image_becomes_rgb() -> None:
    made = normalise_image(_encoded(_photo().convert("CMYK"), "JPEG"))
    assert _opened(made.data).mode == "RGB"


@pytest.mark.parametrize(
    ("data", "error", "code"),
    [
        (b"", ImageMalformed, "image_empty"),
        (b"hello, I am a text", ImageUnsupported, "image_unsupported"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", ImageUnsupported, "image_unsupported"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", ImageUnsupported, "image_unsupported"),
        (b"\x00" * (MAX_BYTES + 1), ImageTooLarge, "image_too_large"),
    ],
)
def test_what_is_no_image_is_refused(data: bytes, error: type[Exception], code: str) -> None:
    with pytest.raises(error) as caught:
        normalise_image(data)
    assert getattr(caught.value, "code", None) == code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_truncated_image_is_refused(kind: str) -> None:
    data = _encoded(_photo(), kind)
    with pytest.raises((ImageMalformed, ImageUnsupported)):
        normalise_image(data[: len(data) // 2])


def test_a_decompression_bomb_is_refused_before_it_is_unpacked() -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\x00" * 100)), (b"IEND", b""))
    )
    with pytest.raises(ImageTooLarge) as caught:
        normalise_image(b"\x89PNG\r\n\x1a\n" + chunks)
    assert caught.value.code == "image_too_many_pixels"


def test_the_demonstration_image_is_what_its_script_draws() -> None:
    data = (Path(__file__).parents[2] / "demo" / "image.png").read_bytes()
    made = normalise_image(data)
    assert (made.width_px, made.height_px) == (1200, 750)


_MEASURE = """
import pathlib, re, sys
from assets.images import normalise_image
normalise_image(pathlib.Path(sys.argv[1]).read_bytes())
print(int(re.search(r"VmHWM:\\s*(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) // 1024)
"""


def _peak_mib(image: Image.Image, kind: str, path: Path) -> int:
    """Return the most memory that a process of its own has held, as the kernel counts it."""
    path.write_bytes(_encoded(image, kind))
    ended = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return int(ended.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc")
@pytest.mark.parametrize(
    ("mode", "kind", "allowed_mib"),
    [("RGBA", "PNG", 280), ("RGB", "PNG", 150), ("P", "PNG", 200), ("RGB", "JPEG", 150), ("RGBA", "WEBP", 550)],
)
def test_the_largest_image_costs_bounded_memory(mode: str, kind: str, allowed_mib: int, tmp_path: Path) -> None:
    small = _peak_mib(Image.new(mode, (50, 50), 3), kind, tmp_path / "small")
    largest = _peak_mib(Image.new(mode, (5000, 5000), 3), kind, tmp_path / "largest")
    assert largest - small < allowed_mib


def test_an_image_of_more_than_25_megapixels_is_refused() -> None:
    with pytest.raises(ImageTooLarge) as caught:
        normalise_image(_encoded(Image.new("L", (5001, 5000)), "PNG"))
    assert caught.value.code == "image_too_many_pixels"
    assert "25 megapixels" in caught.value.message


def test_many_at_once_wait_for_each_other_and_all_succeed() -> None:
    data = _encoded(_photo(), "JPEG")
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(normalise_image, [data] * 24))) == 1
