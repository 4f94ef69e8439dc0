"""B4: equal input gives equal bytes, on any day and in any process."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

from astra_site.lib.hashing import Sha256, canonical_json
from demo.make_image import make_image
from demo.make_skeleton import make_skeleton
from sessions_app.builder import ImageFile, build_minutes
from tests.builder.dumps import block, council_session, image_block, session_dump
from tests.builder.reading import IMAGE, SKELETON, Docx, W, text_of

ROOT = Path(__file__).parents[2]
DUMP = session_dump([*council_session(), image_block(90, "a", "Foto", IMAGE)])
IMAGES = {"a": ImageFile(IMAGE, "image/png", 1200, 750)}
_SCRIPT = """
import json, sys
from pathlib import Path
from sessions_app.builder import ImageFile, build_minutes
image = Path("demo/image.png").read_bytes()
built = build_minutes(
    Path("demo/skeleton.docx").read_bytes(), json.load(sys.stdin), {"a": ImageFile(image, "image/png", 1200, 750)}
)
print(built.sha256)
"""


def test_two_builds_are_byte_identical_and_the_input_is_left_alone() -> None:
    before = copy.deepcopy(DUMP)
    first, second = (build_minutes(SKELETON, DUMP, IMAGES) for _ in range(2))

    assert first == second
    assert first.sha256 == Sha256.of(first.docx)
    assert before == DUMP


def test_another_process_with_another_hash_seed_and_time_zone_builds_the_same_bytes() -> None:
    made = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        input=canonical_json(DUMP).decode(),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo", "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert made.stdout.strip() == str(build_minutes(SKELETON, json.loads(canonical_json(DUMP)), IMAGES).sha256)


def test_the_properties_come_from_the_session_not_from_the_clock() -> None:
    core = Docx(build_minutes(SKELETON, DUMP, IMAGES).docx).xml("docProps/core.xml")
    values = {str(node.tag).rsplit("}", 1)[-1]: node.text for node in core}
    assert values["created"] == values["modified"] == "2026-11-20T14:12:00Z"
    assert values["title"] == "Acta N.º 047"
    assert values["creator"] == "Concejo Municipal de Quibdó"


def test_control_ids_are_unique() -> None:
    docx = Docx(build_minutes(SKELETON, DUMP, IMAGES).docx)
    roots = [docx.xml(name) for name in docx.parts if name.startswith("word/") and name.endswith(".xml")]
    ids = [node.get(f"{W}val") for root in roots for node in root.iterfind(f".//{W}sdtPr/{W}id")]
    assert ids
    assert len(set(ids)) == len(ids)


def test_the_checked_in_skeleton_and_image_are_what_their_scripts_make() -> None:
    assert Docx(make_skeleton()).parts == Docx(SKELETON).parts
    assert make_image() == IMAGE


def test_a_key_of_the_order_puts_a_block_elsewhere() -> None:
    blocks = [block(n, f"Intervención {n}.") for n in range(1, 5)]
    blocks[3]["order"] = "0000001.0000000.i"
    blocks[0]["order"] = "0000001.0000000"
    for listed in (blocks, blocks[::-1]):
        text = text_of(Docx(build_minutes(SKELETON, session_dump(listed), {}).docx).document)
        places = [text.index(f"Intervención {n}.") for n in (1, 4, 2, 3)]
        assert places == sorted(places)
