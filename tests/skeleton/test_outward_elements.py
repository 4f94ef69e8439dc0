"""Nothing is loaded from outside, also where no relationship says so."""

from __future__ import annotations

import pytest

from tenants.skeleton import parse_skeleton
from tenants.skeleton.errors import SkeletonRefused
from tests.skeleton.packages import control, make_docx, paragraph

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_VML = 'xmlns:v="urn:schemas-microsoft-com:vml"'
_SVG = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
_ZONE = control("ZONA_DEBATE", paragraph("aquí"))


def with_svg(content: str) -> bytes:
    return make_docx(_ZONE, replaced={"word/media/image1.svg": f"<svg {_SVG}>{content}</svg>"})


def with_picture(attributes: str) -> bytes:
    return make_docx(f"<w:p><w:r><w:pict><v:shape {_VML}><v:imagedata {attributes}/></v:shape></w:pict></w:r></w:p>")


REFUSED = {
    "a mail merge": make_docx(
        _ZONE,
        replaced={
            "word/settings.xml": f'<w:settings {_W}><w:mailMerge><w:query w:val="SELECT 1"/></w:mailMerge></w:settings>'
        },
    ),
    "a picture by address": with_picture('src="http://example.org/p.png"'),
    "a picture on a share": with_picture('src="//server/p.png"'),
    "an image in a drawing": with_svg('<image xlink:href="http://example.org/p.png"/>'),
    "an image by a plain link": with_svg('<image href="//example.org/p.png"/>'),
    "a file": with_svg('<use href="file:///etc/hostname#a"/>'),
    "a script": with_svg("<script>alert(1)</script>"),
    "a handler": with_svg('<rect onload="alert(1)"/>'),
    "another document": with_svg('<foreignObject><a href="x"/></foreignObject>'),
    "a fill from elsewhere": with_svg('<rect fill="url( http://example.org/a#b )"/>'),
    "a fill in quotes": with_svg("<rect style=\"fill:url('http://example.org/a#b')\"/>"),
    "an imported style": with_svg('<style>@import "http://example.org/a.css";</style>'),
    "a font": with_svg("<style>@font-face{src:url(http://example.org/f.ttf)}</style>"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_leads_out_is_refused(name: str) -> None:
    with pytest.raises(SkeletonRefused) as caught:
        parse_skeleton(REFUSED[name])
    assert caught.value.code == "skeleton_external_relationship"


@pytest.mark.parametrize(
    "docx",
    [
        with_svg('<defs><g id="a"/></defs><use xlink:href="#a" fill="url( #b )" style="fill:url(\'#c\')"/>'),
        with_svg('<image href="data:image/png;base64,AAAA"/><style>.a{fill:#fff}</style><title>on</title>'),
        with_picture('o:title="" xmlns:o="urn:schemas-microsoft-com:office:office"'),
    ],
)
def test_what_stays_inside_is_fine(docx: bytes) -> None:
    parse_skeleton(docx)
