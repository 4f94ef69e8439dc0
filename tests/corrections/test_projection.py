"""From journal entries to blocks: who wins, and that reading at once and following one by one is the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions_app.block_order import key_after, key_before
from sessions_app.projection import Change, Projection, place_of, project
from tests.corrections.samples import Entry, block, pending

ZONE = "IMG_ANEXO"


def texts(entries: Sequence[Entry]) -> list[str]:
    return [one["text"] or one["type"] for one in project(entries, ZONE)]


def edit(number: int, before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> Entry:
    return Entry(number, "edit", None, {"operation": "edit", "before": list(before), "after": list(after)})


def audio(number: int, sequence_id: int) -> Entry:
    return Entry(number, "audio", sequence_id)


def result(number: int, *blocks: dict[str, Any], kind: str = "blocks") -> Entry:
    return Entry(number, kind, blocks[0]["sequence_id"], {"blocks": list(blocks)})


WAITING = pending(1)
HEARD = (block(1, 0, "al fin"), block(1, 1, "se oyó"))


def test_the_newest_result_stands() -> None:
    entries = [audio(1, 1), result(2, WAITING), result(3, *HEARD, kind="recovered")]
    assert texts(entries[:1]) == ["TEXT"]
    assert texts(entries[:2]) == ["AUDIO_PENDING"]
    assert texts(entries) == ["al fin", "se oyó"]


def test_silence_leaves_no_block() -> None:
    assert texts([audio(1, 1), Entry(2, "blocks", 1, {"blocks": []})]) == []


def test_words_that_were_typed_stand_over_what_is_found_later() -> None:
    typed = {**block(1, 0, "lo que oí")}
    entries = [audio(1, 1), result(2, WAITING), edit(3, [WAITING], [typed]), result(4, *HEARD, kind="recovered")]
    assert texts(entries) == ["lo que oí"]
    assert texts([*entries[:3], result(4, WAITING, kind="review")]) == ["lo que oí"]


@pytest.mark.parametrize("kind", ["recovered", "review", "blocks"])
def test_a_corrected_input_takes_no_later_result(kind: str) -> None:
    read = block(1, 0, "sin entender")
    better = {**read, "text": "corregido"}
    assert texts([result(1, read), edit(2, [read], [better]), result(3, *HEARD, kind=kind)]) == ["corregido"]


def test_what_was_said_of_pending_audio_holds_for_the_words_found_later() -> None:
    first = {**WAITING, "restricted": True, "topic": "Reserva"}
    moved = {**first, "order": key_after(block(3), [])}
    entries = [
        *(audio(n, n) for n in (1, 2, 3)),
        *(result(n + 3, one) for n, one in enumerate((WAITING, block(2, 0, "dos"), block(3, 0, "tres")), 1)),
        edit(7, [WAITING], [first]),
        edit(8, [{**first, "revision": 7}], [moved]),
        result(9, *HEARD, kind="recovered"),
    ]
    found = project(entries, ZONE)
    assert [one["text"] for one in found] == ["dos", "tres", "al fin", "se oyó"]
    assert [(one["restricted"], one["topic"]) for one in found[2:]] == [(True, "Reserva")] * 2


def test_a_clerk_who_puts_something_behind_pending_audio_finds_it_behind_all_its_words() -> None:
    two = block(2, 0, "dos")
    behind = {**two, "order": key_after(WAITING, [])}
    before = {**two, "order": key_before(WAITING, [])}
    start = [result(1, WAITING), result(2, two)]
    heard = result(4, *HEARD, kind="recovered")
    assert texts([*start, edit(3, [two], [behind]), heard]) == ["al fin", "se oyó", "dos"]
    assert texts([*start, edit(3, [two], [before]), heard]) == ["dos", "al fin", "se oyó"]


def test_correcting_an_image_says_nothing_about_the_words_it_stands_at() -> None:
    asset = {"after_sequence_id": 1, "number": 1, "asset_id": "a", "caption": "x", "sha256": "y", "restricted": False}
    entries = [result(1, WAITING), Entry(2, "asset", None, asset)]
    (image,) = [one for one in project(entries, ZONE) if one["type"] == "IMAGE"]
    corrected = {**image, "data": {**image["data"], "caption": "z"}}
    entries += [edit(3, [image], [corrected]), result(4, *HEARD, kind="recovered")]
    assert texts(entries) == ["al fin", "se oyó", "IMAGE"]


def test_reading_some_inputs_gives_their_blocks_as_reading_all() -> None:
    one, two = block(1, 0, "uno"), block(2, 0, "dos")
    entries = [audio(1, 1), audio(2, 2), result(3, one), result(4, two)]
    entries.append(edit(5, [one], [{**one, "order": key_after(two, [])}]))
    some = Projection(ZONE)
    for entry in entries:
        if entry.sequence_id in (1, None):
            some.apply(entry)
    whole = Projection(ZONE)
    for entry in entries:
        whole.apply(entry)
    assert some.get("1.0") == whole.get("1.0")


@settings(max_examples=60, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.booleans()), max_size=25))
def test_moves_permute_and_put_each_block_where_it_was_asked_for(moves: list[tuple[int, int, bool]]) -> None:
    entries = [result(n, *(block(n, part, f"{n}.{part}") for part in range(3))) for n in range(1, 5)]
    expected = [f"{n}.{part}" for n in range(1, 5) for part in range(3)]
    projection = Projection(ZONE)
    for entry in entries:
        projection.apply(entry)
    for number, (which, where, behind) in enumerate(moves, 5):
        moving, anchor = expected[which % 12], expected[where % 12]
        if moving == anchor:
            continue
        one, beside = projection.get(moving), projection.get(anchor)
        assert one is not None
        assert beside is not None
        taken = [key for key in projection.order_keys() if key != one["order"]]
        key = key_after(beside, taken) if behind else key_before(beside, taken)
        projection.apply(edit(number, [dict(one)], [{**one, "order": key}]))
        expected.remove(moving)
        expected.insert(expected.index(anchor) + behind, moving)
        assert [found["text"] for found in projection.ordered()] == expected


def followed(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The blocks as somebody has them who is told every change."""
    live: dict[str, Any] = {}
    for change in changes:
        for block_id in change.removed:
            del live[block_id]
        live |= {one["block_id"]: one for one in change.blocks}
    return sorted((dict(one) for one in live.values()), key=place_of)


def kept_by_key(changes: Sequence[tuple[int, Change]]) -> list[dict[str, Any]]:
    """The blocks as somebody has them who keeps them by key, and believes the highest number."""
    kept: dict[str, tuple[int, Any]] = {}
    for number, change in changes:
        for key, one in [*((key, None) for key in change.vacated), *((one["order"], one) for one in change.blocks)]:
            if kept.get(key, (0, None))[0] < number:
                kept[key] = (number, one)
    return [dict(one) for _, (_, one) in sorted(kept.items()) if one is not None]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_following_every_change_is_reading_the_journal(data: Any) -> None:
    """Inputs, results late and early, corrections of whatever is there, in any order."""
    projection, entries, changes = Projection(ZONE), [], []
    heard: dict[int, int] = {}
    corrections = st.sampled_from([typed, moved_to_front, split_off])
    for number in range(1, data.draw(st.integers(1, 20)) + 1):
        sequence_id = data.draw(st.integers(1, 4))
        live = [one for one in projection.ordered() if one["status"] != "PROCESSING"]
        if sequence_id not in heard:
            entry = audio(number, sequence_id)
            heard[sequence_id] = 0
        elif live and data.draw(st.booleans()):
            entry = data.draw(corrections)(number, live, projection)
        else:
            heard[sequence_id] += 1
            blocks = [pending(sequence_id)] if heard[sequence_id] == 1 else [block(sequence_id, n) for n in (0, 1)]
            entry = result(number, *blocks, kind="blocks" if heard[sequence_id] == 1 else "recovered")
        entries.append(entry)
        changes.append(projection.apply(entry))
        assert followed(changes) == projection.ordered() == project(entries, ZONE)
    in_any_order = data.draw(st.permutations(list(enumerate(changes, 1))))
    assert kept_by_key(in_any_order) == projection.ordered()


def typed(number: int, live: list[dict[str, Any]], projection: Projection) -> Entry:
    return edit(number, [live[0]], [{**live[0], "type": "TEXT", "status": "READY", "text": f"typed at {number}"}])


def moved_to_front(number: int, live: list[dict[str, Any]], projection: Projection) -> Entry:
    taken = [key for key in projection.order_keys() if key != live[-1]["order"]]
    return edit(number, [live[-1]], [{**live[-1], "order": key_before(live[0], taken)}])


def split_off(number: int, live: list[dict[str, Any]], projection: Projection) -> Entry:
    one = live[0]
    part = projection.next_split_part(one["sequence_id"])
    order = key_after(one, projection.order_keys())
    new = {**one, "part": part, "block_id": f"{one['sequence_id']}.{part}", "order": order}
    return edit(number, [one], [one, new])
