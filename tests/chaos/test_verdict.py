"""The judge of the chaos rounds finds what is planted: a check that can't fail would print 0 and 0 for ever."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from sessions_app.projection import sealed_form
from tests.chaos.script import Context, Picture, Said, Script, Together, new_marker
from tests.chaos.speaker import Heard, Speaker
from tests.chaos.verdict import Sealed, Verdict, judge
from tests.transports.line import Site

MARKERS = [new_marker(Random(number)) for number in range(4)]
STRANGER = MARKERS.pop()
Planted = tuple[Speaker, Sealed]


@pytest.fixture
def session() -> Planted:
    """Three inputs that are in the document as they were acknowledged."""
    said = [Said(number, marker=word, text=f"Dice {word}.") for number, word in enumerate(MARKERS, start=1)]
    script = Script("1", [Context(2, "Gloria Murillo", "Vías"), Together(tuple(said))], inputs=said)
    speaker = Speaker(cast(Site, None), script, "REST", Random(1), Heard(), session_id="s")
    speaker.acknowledged = {one.sequence_id: one for one in said}
    speaker.blocks_before = [_block(one, script) for one in said]
    blocks = [sealed_form(block) for block in speaker.blocks_before]
    journal = [
        {"number": one.sequence_id, "kind": "text", "sequence_id": one.sequence_id, "payload": {"text": one.text}}
        for one in said
    ]
    return speaker, Sealed(" ".join(str(one.text) for one in said), blocks, journal)


def _block(said: Said, script: Script) -> dict[str, Any]:
    speaker, topic = script.context_of(said.sequence_id)
    return {
        "block_id": f"{said.sequence_id}.0",
        "sequence_id": said.sequence_id,
        "part": 0,
        "type": "PARAGRAPH",
        "status": "READY",
        "text": said.text,
        "data": {},
        "speaker": speaker,
        "topic": topic,
    }


def judged(speaker: Speaker, sealed: Sealed) -> Verdict:
    return judge(speaker, sealed, Path("unread"), None)


def test_nothing_is_wrong_with_what_is_right(session: Planted) -> None:
    assert judged(*session) == Verdict()


def without_a_paragraph(speaker: Speaker, sealed: Sealed) -> Sealed:
    return replace(sealed, document=sealed.document.replace(MARKERS[1], ""))


def without_a_block(speaker: Speaker, sealed: Sealed) -> Sealed:
    return replace(sealed, blocks=[block for block in sealed.blocks if block["sequence_id"] != 2])


def cut_word(speaker: Speaker, sealed: Sealed) -> Sealed:
    return replace(sealed, document=sealed.document.replace(MARKERS[1], MARKERS[1][:-1]))


@pytest.mark.parametrize("plant", [without_a_paragraph, without_a_block, cut_word])
def test_a_loss_is_found(session: Planted, plant: Callable[[Speaker, Sealed], Sealed]) -> None:
    speaker, sealed = session
    found = judged(speaker, plant(speaker, sealed))
    assert (found.lost, found.doubled) == (["s/2"], [])


def twice_in_the_document(speaker: Speaker, sealed: Sealed) -> Sealed:
    return replace(sealed, document=f"{sealed.document} {MARKERS[1]}")


def twice_in_the_dump(speaker: Speaker, sealed: Sealed) -> Sealed:
    return replace(sealed, blocks=[*sealed.blocks[:2], *sealed.blocks[1:]])


@pytest.mark.parametrize("plant", [twice_in_the_document, twice_in_the_dump])
def test_a_double_is_found(session: Planted, plant: Callable[[Speaker, Sealed], Sealed]) -> None:
    speaker, sealed = session
    found = judged(speaker, plant(speaker, sealed))
    assert (found.lost, found.doubled) == ([], ["s/2"])


def blocks_in_another_order(speaker: Speaker, sealed: Sealed) -> Sealed:
    speaker.blocks_before.reverse()
    return replace(sealed, blocks=list(reversed(sealed.blocks)))


def paragraphs_in_another_order(speaker: Speaker, sealed: Sealed) -> Sealed:
    return replace(sealed, document=" ".join(reversed(MARKERS)))


def a_stranger(speaker: Speaker, sealed: Sealed) -> Sealed:
    return replace(sealed, document=f"{sealed.document} {STRANGER}")


def nobodys_block(speaker: Speaker, sealed: Sealed) -> Sealed:
    del speaker.acknowledged[3]
    return sealed


def a_context_that_did_not_hold(speaker: Speaker, sealed: Sealed) -> Sealed:
    speaker.blocks_before[1] = {**speaker.blocks_before[1], "speaker": "María Ospina"}
    return replace(sealed, blocks=[sealed_form(block) for block in speaker.blocks_before])


def another_live_view(speaker: Speaker, sealed: Sealed) -> Sealed:
    speaker.blocks_before.pop()
    return sealed


def other_content_in_the_live_view(speaker: Speaker, sealed: Sealed) -> Sealed:
    speaker.blocks_before[2] = {**speaker.blocks_before[2], "text": "Otra cosa."}
    return sealed


def a_gap_in_the_journal(speaker: Speaker, sealed: Sealed) -> Sealed:
    return replace(sealed, journal=[*sealed.journal[:1], *sealed.journal[2:]])


def a_missing_entry(speaker: Speaker, sealed: Sealed) -> Sealed:
    return replace(sealed, journal=[sealed.journal[0], {**sealed.journal[2], "number": 2}])


def a_double_in_the_journal(speaker: Speaker, sealed: Sealed) -> Sealed:
    return replace(sealed, journal=[*sealed.journal, {**sealed.journal[2], "number": 4}])


def other_content_in_the_journal(speaker: Speaker, sealed: Sealed) -> Sealed:
    journal = deepcopy(list(sealed.journal))
    journal[0]["payload"]["text"] = "Otra cosa."
    return replace(sealed, journal=journal)


WORDS = {
    blocks_in_another_order: "the blocks are out of order",
    paragraphs_in_another_order: "the document is out of order",
    a_stranger: "the document says what was refused, corrected or never sent",
    nobodys_block: "blocks of inputs that nobody acknowledged: [3]",
    a_context_that_did_not_hold: "2.0 has ('María Ospina', 'Vías')",
    another_live_view: "the live view showed other blocks",
    other_content_in_the_live_view: "same ids, other content",
    a_gap_in_the_journal: "the journal's numbers have a gap",
    a_missing_entry: "2 was acknowledged and is not in the journal",
    a_double_in_the_journal: "the journal has two of",
    other_content_in_the_journal: "1 is in the journal with other content",
}


@pytest.mark.parametrize(("plant", "words"), WORDS.items())
def test_what_is_wrong_otherwise_is_found(
    session: Planted, plant: Callable[[Speaker, Sealed], Sealed], words: str
) -> None:
    speaker, sealed = session
    assert any(words in wrong for wrong in judged(speaker, plant(speaker, sealed)).wrong)


def test_an_image_counts_too(session: Planted) -> None:
    speaker, sealed = session
    speaker.pictures = [Picture(b"", STRANGER, 1)]
    assert judged(speaker, sealed).lost == [f"s/image {STRANGER}"]
    shown = {**_block(speaker.acknowledged[3], speaker.script), "type": "IMAGE", "data": {"caption": STRANGER}}
    speaker.blocks_before.append(shown)
    with_image = Sealed(f"{sealed.document} {STRANGER}", [*sealed.blocks, sealed_form(shown)], sealed.journal)
    assert judged(speaker, with_image) == Verdict()
    assert judged(speaker, replace(with_image, document=f"{with_image.document} {STRANGER}")).doubled


def test_words_that_were_corrected_are_the_ones_that_count(session: Planted) -> None:
    speaker, sealed = session
    speaker.amended = {2: Said(2, marker=STRANGER, text=f"Dice {STRANGER}.")}
    found = judged(speaker, sealed)
    assert (found.lost, len(found.wrong)) == (["s/2"], 2), "the old words are a stranger, and stand in no place"
