"""No file breaks the parser, keeps it long or takes much memory: mutated packages, and the worst within the limits."""

from __future__ import annotations

import copy
import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from astra_site.lib.errors import AstraError
from sessions_app.builder import build_minutes
from tenants.skeleton import PackageLimits, parse_skeleton
from tenants.skeleton.archive import pack
from tenants.skeleton.errors import SkeletonRefused
from tests.builder.dumps import block, session_dump
from tests.skeleton.packages import control, make_docx, paragraph

_ROOT = Path(__file__).parents[2]
_MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_VALUES = (
    "",
    "²",
    "-1",
    "9" * 5_000,
    "TBL_A",
    "ZONA_DEBATE",
    "rId1",
    "../../x",
    "http://example.org",
    "\u202e",
    "true",
)
_NAMES = (
    *(f"{{{_W}}}{name}" for name in ("p", "r", "t", "tbl", "tr", "tc", "sdt", "sdtPr", "sdtContent", "del", "ins")),
    *(f"{{{_W}}}{name}" for name in ("moveFrom", "fldChar", "instrText", "hyperlink", "txbxContent", "bookmarkStart")),
    f"{{{_MC}}}Choice",
    f"{{{_MC}}}Fallback",
    "{urn:x}y",
)


def _unpacked(docx: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(docx)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


PARTS = _unpacked((_ROOT / "demo" / "skeleton.docx").read_bytes())
_XML = sorted(name for name in PARTS if name.endswith((".xml", ".rels")))


def _mutate(root: etree._Element, data: st.DataObject) -> None:
    """Change one thing in a tree: cut, double, move, rename, or write something into it."""
    elements = list(root.iter("{*}*"))
    element = data.draw(st.sampled_from(elements))
    other = data.draw(st.sampled_from(elements))
    parent = element.getparent()
    what = data.draw(st.sampled_from(("cut", "double", "move", "rename", "attribute", "text", "comment")))
    if what == "attribute":
        names = [*map(str, element.keys()), f"{{{_W}}}val"]
        element.set(data.draw(st.sampled_from(names)), data.draw(st.sampled_from(_VALUES)).replace("\u202e", "x"))
    elif what == "text":
        element.text = data.draw(st.sampled_from(("{{", "{{A}}", "{{ZONA_DEBATE}} {{", "}}", " PAGE ", "x" * 2_000)))
    elif what == "comment":
        element.append(etree.Comment("x"))
    elif what == "rename":
        element.tag = data.draw(st.sampled_from(_NAMES))
    elif parent is not None and what == "cut":
        parent.remove(element)
    elif parent is not None and what == "double":
        parent.insert(parent.index(element), copy.deepcopy(element))
    elif parent is not None and element not in (other, *other.iterancestors()):
        other.append(element)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
@given(st.data())
def test_a_mutated_package_is_refused_or_read_and_what_is_read_can_be_filled(data: st.DataObject) -> None:
    parts = dict(PARTS)
    for name in data.draw(st.lists(st.sampled_from(_XML), min_size=1, max_size=3, unique=True)):
        root = etree.fromstring(parts[name])
        for _ in range(data.draw(st.integers(1, 8))):
            _mutate(root, data)
        parts[name] = etree.tostring(root)
    for name in data.draw(st.lists(st.sampled_from(sorted(parts)), max_size=1)):
        if data.draw(st.booleans()):
            del parts[name]
        else:
            parts[name] = parts[name][: data.draw(st.integers(0, len(parts[name])))]
    docx = pack(parts)
    try:
        skeleton = parse_skeleton(docx)
    except AstraError as error:
        assert error.code.startswith("skeleton_")  # noqa: PT017 - which error it is depends on the mutation
        return
    assert len({found.tag for found in skeleton.placeholders}) == len(skeleton.placeholders)
    build_minutes(docx, session_dump([block(1, "Hablo.")]), {})


def _nested(opening: str, closing: str, depth: int, inner: str) -> str:
    return opening * depth + inner + closing * depth


_SDT = '<w:sdt><w:sdtPr><w:tag w:val="A"/></w:sdtPr><w:sdtContent>'
_SDT_END = "</w:sdtContent></w:sdt>"
_BOX, _BOX_END = "<w:p><w:r><w:txbxContent>", "</w:txbxContent></w:r></w:p>"
_CELL, _CELL_END = "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"
_TABLE_ROW = f"<w:tr><w:tc>{_SDT.replace('A', 'TBL_A')}<w:p/>{_SDT_END}</w:tc></w:tr>"
_BRANCHES = f'<mc:AlternateContent xmlns:mc="{_MC}">' + "<mc:Fallback/>" * 100_000 + "</mc:AlternateContent>"
WORST = {
    "paragraphs": "<w:p/>" * 150_000,
    "markers of one name": paragraph("{{A}} " * 150_000),
    "half markers": paragraph("{{ " * 150_000),
    "controls": control("A", "<w:p/>") * 8_000,
    "deep controls": _nested(_SDT, _SDT_END, 80, control("B", "<w:p/>") * 8_000),
    "deep text boxes": _nested(_BOX, _BOX_END, 60, "<w:p>" + "<w:r><w:t>a</w:t></w:r>" * 20_000 + "</w:p>"),
    "deep tables": _nested(_CELL, _CELL_END, 60, "<w:tbl>" + "<w:tr/>" * 100_000 + "</w:tbl>"),
    "a table of tables": "<w:tbl>" + _TABLE_ROW * 8_000 + "</w:tbl>",
    "deep tables of tables": _nested(_CELL + _TABLE_ROW, _CELL_END, 60, "<w:tbl>" + _TABLE_ROW * 8_000 + "</w:tbl>"),
    "bookmarks": "<w:p>" + '<w:bookmarkStart w:id="1" w:name="A"/>' * 45_000 + "</w:p>",
    "bookmarks that are no names": "<w:p>" + '<w:bookmarkStart w:id="1" w:name="a b"/>' * 45_000 + "</w:p>",
    "bookmarks before runs": "<w:p>"
    + "".join(f'<w:bookmarkStart w:id="{number}" w:name="M{number}"/>' for number in range(900))
    + "<w:r/>" * 100_000
    + "</w:p>",
    "strangers before a branch": f'<mc:AlternateContent xmlns:mc="{_MC}">'
    + '<w:bookmarkEnd w:id="1"/>' * 40_000
    + '<mc:Choice Requires="wps">'
    + "<w:p/>" * 40_000
    + "</mc:Choice></mc:AlternateContent>",
    "branches": f"<w:p><w:r>{_BRANCHES}</w:r></w:p>",
    "headings": paragraph("x", "Ttulo1") * 12_000,
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_that_fits_the_limits_takes_seconds(name: str) -> None:
    docx = make_docx(WORST[name])
    started_s = time.process_time()
    parse_skeleton(docx, PackageLimits(max_ratio=1_000_000))
    assert time.process_time() - started_s < 10


def test_fields_that_never_end_are_refused_in_seconds() -> None:
    docx = make_docx("<w:p>" + '<w:r><w:fldChar w:fldCharType="begin"/></w:r>' * 30_000 + "</w:p>")
    started_s = time.process_time()
    with pytest.raises(SkeletonRefused, match="field"):
        parse_skeleton(docx, PackageLimits(max_ratio=1_000_000))
    assert time.process_time() - started_s < 10


def test_the_largest_tree_that_is_allowed_fits_into_a_small_worker() -> None:
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))\n"
        "from tenants.skeleton import PackageLimits, parse_skeleton\n"
        "from tests.skeleton.packages import make_docx\n"
        "print(len(parse_skeleton(make_docx('<w:p/>' * 999_000), PackageLimits(max_ratio=10**6)).placeholders))\n"
    )
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert made.stdout == "0\n", made.stderr[-2_000:]
