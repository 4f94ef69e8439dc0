"""Words that are edited, cut and put together: none is lost, and the audio goes with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from astra_site.lib.errors import AstraError
from sessions_app.corrections import Edit, Merge, Split
from sessions_app.corrections.spans import spans_of
from sessions_app.corrections.wording import MAX_BLOCK_CHARS, edited, merged, split
from sessions_app.errors import CorrectionInvalid
from tests.corrections.samples import PINS, block, pending, span

TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=2, max_size=60)
WORDS = [(1_000, 1_500), (1_600, 2_400), (2_600, 3_900), (4_000, 5_000)]


def cut(whole: dict[str, Any], at: int, words: list[tuple[int, int]] | None = None) -> tuple[dict[str, Any], ...]:
    return split(whole, Split(at), words or [], order="0000001.0000000.i", part=200_001)


def code_of(call: Any) -> str:
    with pytest.raises(AstraError) as caught:
        call()
    return caught.value.code


@given(text=TEXTS, data=st.data())
def test_cutting_and_putting_together_conserves_text_and_audio(text: str, data: st.DataObject) -> None:
    whole = block(text=text)
    at = data.draw(st.integers(0, len(text)))
    try:
        first, second = cut(whole, at, data.draw(st.sampled_from([[], WORDS])))
    except CorrectionInvalid:
        assume(False)
    assert first["text"] + second["text"] == text
    assert spans_of(first)[0]["start_ms"] == 1_000
    assert spans_of(first)[0]["end_ms"] <= spans_of(second)[0]["start_ms"] <= spans_of(second)[0]["end_ms"] == 5_000
    assert second["audio"]["session_start_ms"] - second["audio"]["start_ms"] == 10_000
    again = merged(first, second, Merge(second["block_id"], ""))
    assert {**again, "order": None} == {**whole, "order": None}


@given(first=TEXTS, second=TEXTS)
def test_putting_together_keeps_both_texts_and_parts_them(first: str, second: str) -> None:
    text = merged(block(text=first), block(2, text=second), Merge("2.0"))["text"]
    assert text.startswith(first)
    assert text.endswith(second)
    assert len(text) - len(first) - len(second) in (0, 1)
    assert text.split() == [*first.split(), *second.split()]


@pytest.mark.parametrize(
    ("at", "ends_ms", "begins_ms"), [(4, 1_500, 1_600), (8, 2_400, 2_600), (13, 3_900, 4_000), (1, 1_500, 1_600)]
)
def test_audio_is_cut_between_two_words(at: int, ends_ms: int, begins_ms: int) -> None:
    first, second = cut(block(), at, WORDS)
    assert (first["audio"]["end_ms"], second["audio"]["start_ms"]) == (ends_ms, begins_ms)


def test_audio_without_word_times_is_cut_in_proportion() -> None:
    first, second = cut(block(text="a" * 9 + " " + "b" * 30), 10)
    assert (first["audio"]["end_ms"], second["audio"]["start_ms"]) == (2_000, 2_000)
    assert second["audio"]["session_start_ms"] == 12_000


def test_typed_text_has_no_audio_to_cut() -> None:
    assert [part["audio"] for part in cut(block(audio=None), 4)] == [None, None]


def test_words_of_two_recordings_lead_to_both() -> None:
    whole = merged(block(1), block(2), Merge("2.0"))
    assert whole["audio"] == span(1)
    assert whole["audio_spans"] == [span(1), span(2)]
    again = merged(whole, block(3), Merge("3.0"))
    assert again["audio_spans"] == [span(1), span(2), span(3)]


def test_words_of_two_places_of_one_recording_are_two_stretches() -> None:
    far = block(1, 7, audio=span(1, 60_000, 62_000))
    assert len(spans_of(merged(block(1), far, Merge("1.7")))) == 2
    assert len(spans_of(merged(far, block(1), Merge("1.0")))) == 2
    near = block(1, 1, audio=span(1, 5_400, 7_000))
    assert spans_of(merged(block(1), near, Merge("1.1"))) == [span(1, 1_000, 7_000)]


@given(at=st.integers(1, 38))
def test_cutting_several_stretches_gives_each_millisecond_to_one_side(at: int) -> None:
    whole = merged(block(1), block(2), Merge("2.0"))
    assume(whole["text"][:at].strip() and whole["text"][at:].strip())
    first, second = cut(whole, at)
    lengths = [sum(one["end_ms"] - one["start_ms"] for one in spans_of(part)) for part in (first, second)]
    assert sum(lengths) == 8_000
    assert spans_of(first)
    assert spans_of(second)
    assert abs(lengths[0] - 8_000 * at / len(whole["text"])) <= 1


def test_a_cut_block_keeps_its_data_once() -> None:
    vote = block(intent="VOTE", data={"in_favour": 9}, table_id="TBL_VOTACION")
    first, second = cut(vote, 4)
    assert (first["data"], second["data"]) == ({"in_favour": 9}, {})
    assert (first["table_id"], second["table_id"]) == ("TBL_VOTACION", None)


def test_data_of_one_kind_are_put_together() -> None:
    one = block(intent="ROLL_CALL", data={"attendance": [{"name": "A", "presence": "present"}]}, table_id="T")
    two = block(2, intent="ROLL_CALL", data={"attendance": [{"name": "B", "presence": "absent"}]}, table_id="T")
    assert [row["name"] for row in merged(one, two, Merge("2.0"))["data"]["attendance"]] == ["A", "B"]
    assert code_of(lambda: merged(block(), two, Merge("2.0"))) == "merge_mixes_data"


def test_put_together_a_restriction_and_a_doubt_stay() -> None:
    whole = merged(block(needs_review=False, confidence=0.5), block(2, restricted=True, confidence=None), Merge("2.0"))
    assert (whole["restricted"], whole["needs_review"], whole["confidence"]) == (True, True, 0.5)


@pytest.mark.parametrize("at", [0, 19, 20, 10**6])
def test_a_cut_needs_words_on_both_sides(at: int) -> None:
    assert code_of(lambda: cut(block(), at)) == "split_outside_text"


def test_a_cut_that_leaves_only_white_space_is_none() -> None:
    assert code_of(lambda: cut(block(text="uno   "), 4)) == "split_outside_text"


@pytest.mark.parametrize(
    ("text", "at"), [("cafe\u0301 uno", 4), ("\U0001f468\u200d\U0001f469 x", 1), ("\U0001f468\u200d\U0001f469 x", 2)]
)
def test_a_cut_never_parts_a_letter_from_its_accent(text: str, at: int) -> None:
    assert code_of(lambda: cut(block(text=text), at)) == "split_inside_character"


@pytest.mark.parametrize("kind", ["IMAGE", "SYSTEM_NOTE", "AUDIO_PENDING"])
def test_what_is_no_speech_is_neither_cut_nor_put_together(kind: str) -> None:
    other = block(2, type=kind)
    assert code_of(lambda: cut(other, 4)) == "block_without_text"
    assert code_of(lambda: merged(block(), other, Merge("2.0"))) == "block_without_text"


def test_words_typed_for_pending_audio_finish_it() -> None:
    typed = edited(pending(), Edit({"text": "Se oye: aprobado."}), PINS)
    assert (typed["type"], typed["status"], typed["needs_review"]) == ("TEMPLATE", "READY", False)
    assert (typed["target_placeholder"], typed["data"]) == ("ZONA_DEBATE", {})
    assert typed["audio"] == span()


def test_words_that_a_person_wrote_are_in_no_trouble_any_more() -> None:
    unread = block(type="TEXT", intent=None, data={"error_code": "core_timeout"})
    assert edited(unread, Edit({"text": unread["text"]}), PINS)["data"] == {}
    vote = block(intent="VOTE", data={"in_favour": 3})
    assert edited(vote, Edit({"text": "x"}), PINS)["data"] == {"in_favour": 3}


def test_what_is_said_of_pending_audio_leaves_it_pending() -> None:
    said = edited(pending(), Edit({"speaker": "Ospina"}), PINS)
    assert (said["type"], said["speaker"]) == ("AUDIO_PENDING", "Ospina")


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "\udfff"])
def test_what_is_no_text_is_refused(text: str) -> None:
    assert code_of(lambda: edited(block(), Edit({"text": text}), PINS)) == "text_invalid"


def test_too_many_words_are_refused() -> None:
    assert code_of(lambda: edited(block(), Edit({"text": "x" * (MAX_BLOCK_CHARS + 1)}), PINS)) == "text_too_long"
    half = "x" * (MAX_BLOCK_CHARS // 2 + 1)
    assert code_of(lambda: merged(block(text=half), block(2, text=half), Merge("2.0"))) == "text_too_long"
    assert code_of(lambda: edited(block(), Edit({}), PINS)) == "edit_empty"
    assert code_of(lambda: edited(block(), Edit({"text": None}), PINS)) == "text_invalid"
