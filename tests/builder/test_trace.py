"""B5: from every paragraph back to its audio, inside the document itself."""

from __future__ import annotations

from sessions_app.builder import ImageFile, build_minutes
from tests.builder.dumps import block, council_session, image_block, session_dump
from tests.builder.reading import IMAGE, SKELETON, Docx, W

_TRACE = "{urn:astra:trace:1}"
DUMP = session_dump([*council_session(), image_block(90, "a", None, IMAGE)])
BUILT = build_minutes(SKELETON, DUMP, {"a": ImageFile(IMAGE, "image/png", 1200, 750)})


def test_every_block_is_bookmarked_around_exactly_its_text() -> None:
    marked = Docx(BUILT.docx).bookmarks()
    spoken = {f"astra_b_{b['sequence_id']}_{b['part']}": b["text"] for b in DUMP["blocks"] if b["text"]}
    assert {name: marked.get(name) for name in spoken} == spoken


def test_a_block_of_several_paragraphs_has_one_bookmark() -> None:
    built = build_minutes(SKELETON, session_dump([block(1, "Uno.\nDos.", speaker="Ana")]), {})
    assert Docx(built.docx).bookmarks()["astra_b_1_0"] == "Uno.\nDos."


def test_the_trace_part_says_which_audio_each_bookmark_comes_from() -> None:
    docx = Docx(BUILT.docx)
    rows = {
        row.get("bookmark"): dict(row.attrib)
        for row in docx.xml("customXml/astra_trace.xml").iter(f"{_TRACE}paragraph")
    }
    second = next(b for b in DUMP["blocks"] if b["sequence_id"] == 2)

    assert set(rows) == set(docx.bookmarks())
    assert rows["astra_b_2_0"] == {
        "bookmark": "astra_b_2_0",
        "block": "2.0",
        "placeholder": "ZONA_APERTURA",
        "sequence": "2",
        "start_ms": "200",
        "end_ms": "4200",
        "audio": second["audio"]["sha256"],
    }
    assert "audio" not in rows["astra_b_90_0"]


def test_table_rows_are_traced_to_the_block_they_come_from() -> None:
    traced = {t.bookmark: t.block_id for t in BUILT.paragraph_trace if t.placeholder == "TBL_ASISTENCIA"}
    marked = Docx(BUILT.docx).bookmarks()
    assert traced["astra_b_5_0_r2"] == "5.0"
    assert marked["astra_b_5_0_r2"] == "John Mosquera"


def test_the_answer_lists_what_the_document_holds() -> None:
    assert {t.bookmark for t in BUILT.paragraph_trace} == set(Docx(BUILT.docx).bookmarks())


def test_bookmark_ids_and_names_are_unique() -> None:
    starts = list(Docx(BUILT.docx).document.iter(f"{W}bookmarkStart"))
    assert len({node.get(f"{W}id") for node in starts}) == len(starts)
    assert len({node.get(f"{W}name") for node in starts}) == len(starts)


def test_words_of_two_recordings_lead_to_both() -> None:
    first, second = block(1, "Uno.")["audio"], block(2, "Dos.")["audio"]
    built = build_minutes(SKELETON, session_dump([block(1, "Uno. Dos.", audio_spans=[first, second])]), {})
    (paragraph,) = Docx(built.docx).xml("customXml/astra_trace.xml").iter(f"{_TRACE}paragraph")
    assert (paragraph.get("sequence"), paragraph.get("audio")) == ("1", first["sha256"])
    (further,) = paragraph
    assert dict(further.items()) == {"sequence": "2", "start_ms": "200", "end_ms": "4200", "audio": second["sha256"]}
