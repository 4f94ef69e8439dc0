"""A clerk corrects the blocks of an open session; what she sees is what is sealed."""

from __future__ import annotations

import pytest

from astra_site.lib.tenancy import tenant_scope
from sessions_app.services.buffering import buffer_of
from tests.people import Person
from tests.sessions.clerk import Clerk
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)
SAID = (OPENING, DEBATE, VOTE, "El alcantarillado del barrio sigue inundado.", CLOSING)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    minutes = Minutes.start(alice)
    for number, text in enumerate(SAID, 1):
        minutes.say(number, text)
    finish_jobs()
    return minutes


@pytest.fixture
def clerk(minutes: Minutes) -> Clerk:
    return Clerk(minutes)


def test_a_block_shows_its_revision_and_a_correction_the_next(clerk: Clerk) -> None:
    before = clerk.block("2.0")
    done = clerk.do("2.0", "edit", text="Otro texto.")
    after = clerk.block("2.0")
    assert (after["text"], after["revision"]) == ("Otro texto.", done["number"])
    assert done["number"] > before["revision"]
    assert done["blocks"] == [after]
    assert clerk.minutes.journal()[-1].kind == "edit"


def test_one_block_alone_has_its_revision_as_entity_tag(clerk: Clerk) -> None:
    answer = clerk.minutes.api.get(clerk.minutes.url("blocks/2.0"))
    assert answer.json() == clerk.block("2.0")
    tag = answer["ETag"]
    done = clerk.call("2.0", "edit", {"If-Match": tag}, speaker="Gloria Murillo")
    assert done.status_code == 200
    assert done["ETag"] == f'"{clerk.revision("2.0")}"' != tag
    assert clerk.block("2.0")["speaker"] == "Gloria Murillo"


def test_a_block_cut_in_two_has_its_words_once(clerk: Clerk) -> None:
    at = DEBATE.index("no alcanzan")
    done = clerk.do("2.0", "split", at=at)
    first, second = done["blocks"]
    assert first["block_id"] == "2.0"
    assert (first["text"], second["text"]) == (DEBATE[:at], DEBATE[at:])
    assert clerk.ids()[1:3] == ["2.0", second["block_id"]]
    again = clerk.merge(second["block_id"], "2.0")
    assert (again["blocks"][0]["text"], again["removed"]) == (DEBATE, [second["block_id"]])
    assert clerk.texts() == list(SAID)


def test_no_id_is_used_twice(clerk: Clerk) -> None:
    second = clerk.do("2.0", "split", at=12)["blocks"][1]["block_id"]
    clerk.merge("2.0", second)
    third = clerk.do("2.0", "split", at=12)["blocks"][1]["block_id"]
    assert third != second


def test_blocks_stand_where_they_are_put(clerk: Clerk) -> None:
    clerk.do("5.0", "move", before="1.0")
    clerk.do("1.0", "move", after="3.0")
    clerk.do("4.0", "move", after="3.0")
    assert clerk.ids() == ["5.0", "2.0", "3.0", "4.0", "1.0"]
    second = clerk.do("4.0", "split", at=12)["blocks"][1]["block_id"]
    assert clerk.ids() == ["5.0", "2.0", "3.0", "4.0", second, "1.0"]


def test_what_comes_later_finds_its_place_between_moved_blocks(alice: Person) -> None:
    minutes = Minutes.start(alice)
    clerk = Clerk(minutes)
    for number in (1, 2, 3):
        minutes.say(number, DEBATE)
    minutes.say(6, CLOSING)
    finish_jobs()
    clerk.do("1.0", "move", after="3.0")
    clerk.do("2.0", "move", before="1.0")
    minutes.say(5, DEBATE)
    minutes.say(4, OPENING)
    minutes.show_image(png(), after_sequence_id=3)
    finish_jobs()
    assert clerk.ids() == ["3.0", "2.0", "1.0", "3.100001", "4.0", "5.0", "6.0"]


def test_a_block_moved_behind_audio_in_work_stands_behind_all_that_becomes_of_it(alice: Person) -> None:
    minutes = Minutes.start(alice)
    clerk = Clerk(minutes)
    minutes.say(1, DEBATE)
    finish_jobs()
    minutes.say(2, f"{OPENING} {VOTE} {CLOSING}")
    clerk.do("1.0", "move", after="2.0")
    finish_jobs()
    assert clerk.ids() == ["2.0", "2.1", "2.2", "1.0"]


def test_a_vote_that_was_taken_for_talk_becomes_a_row_of_the_table(clerk: Clerk) -> None:
    done = clerk.do("2.0", "retype", intent="VOTE", data={"in_favour": 9, "against": 0, "result": "approved"})
    (block,) = done["blocks"]
    assert (block["template_id"], block["target_placeholder"]) == ("TPL_VOTACION", "ZONA_VOTACION")
    assert (block["table_id"], block["type"]) == ("TBL_VOTACION", "TEMPLATE")
    assert block["data"]["abstentions"] is None
    clerk.do("3.0", "retype", data={"in_favour": 13})
    assert clerk.block("3.0")["data"]["against"] == 2
    clerk.minutes.close()
    assert "TBL_VOTACION" in clerk.minutes.dumped_blocks().decode()
    assert "13" in clerk.minutes.document_text()


def test_a_vote_that_was_talk_leaves_the_table(clerk: Clerk) -> None:
    (block,) = clerk.do("3.0", "retype", intent="DEBATE")["blocks"]
    assert (block["data"], block["table_id"], block["target_placeholder"]) == ({}, None, "ZONA_DEBATE")


def test_a_zone_goes_and_comes_back(clerk: Clerk) -> None:
    assert clerk.do("2.0", "retype", zone="ZONA_VARIOS")["blocks"][0]["target_placeholder"] == "ZONA_VARIOS"
    assert clerk.do("2.0", "retype", zone=None)["blocks"][0]["target_placeholder"] == "ZONA_DEBATE"


def test_an_images_words_are_its_caption(clerk: Clerk) -> None:
    clerk.minutes.show_image(png(), caption="Plano viejo")
    clerk.do("5.100001", "edit", text="Plano del acueducto")
    clerk.do("5.100001", "move", after="1.0")
    clerk.minutes.close()
    assert "Imagen 1. Plano del acueducto" in clerk.minutes.document_text()
    assert [block["block_id"] for block in clerk.minutes.dump()["blocks"]][1] == "5.100001"


def test_restricted_and_back(clerk: Clerk) -> None:
    clerk.do("2.0", "restrict", restricted=True)
    clerk.do("3.0", "restrict", restricted=True)
    clerk.do("3.0", "restrict", restricted=False)
    clerk.minutes.close()
    assert [block["restricted"] for block in clerk.minutes.dump()["blocks"]] == [False, True, False, False, False]
    report = clerk.minutes.api.get(clerk.minutes.url("audit-report")).json()
    assert [row["block_id"] for row in report["restricted"]] == ["2.0"]
    assert DEBATE in clerk.minutes.document_text()


def test_the_document_says_what_the_clerk_wrote(clerk: Clerk) -> None:
    clerk.do("2.0", "edit", text="Los recursos del acueducto alcanzan.", speaker="Concejala Ospina", topic="Acueducto")
    clerk.do("4.0", "edit", text="")
    clerk.minutes.close()
    text = clerk.minutes.document_text()
    assert "Concejala Ospina: Los recursos del acueducto alcanzan." in text
    assert "no alcanzan" not in text
    assert "alcantarillado" not in text


def test_what_is_shown_survives_the_loss_of_redis_and_is_what_is_sealed(clerk: Clerk, alice: Person) -> None:
    clerk.do("5.0", "move", before="2.0")
    second = clerk.do("2.0", "split", at=12)["blocks"][1]["block_id"]
    clerk.do("3.0", "move", before="1.0")
    clerk.merge("4.0", second)
    clerk.minutes.say(7, DEBATE)
    shown = clerk.minutes.blocks()
    with tenant_scope(alice.tenant_id):
        buffer_of(clerk.minutes.row()).drop()
    assert clerk.minutes.blocks() == shown
    clerk.minutes.say(6, CLOSING)
    clerk.minutes.close()
    dumped = [{name: value for name, value in block.items() if name != "revision"} for block in clerk.minutes.blocks()]
    assert clerk.minutes.dump()["blocks"] == dumped


def test_nothing_is_journaled_for_a_correction_that_changes_nothing(clerk: Clerk) -> None:
    before = len(clerk.minutes.journal())
    done = clerk.do("2.0", "edit", text=DEBATE)
    assert (done["number"], done["blocks"]) == (None, [clerk.block("2.0")])
    assert len(clerk.minutes.journal()) == before


def test_corrections_go_on_while_the_session_drains(alice: Person) -> None:
    minutes = Minutes.start(alice)
    clerk = Clerk(minutes)
    minutes.say(1, OPENING)
    minutes.say(3, CLOSING)
    finish_jobs()
    assert minutes.finalize().json()["state"] == "DRAINING"
    clerk.do("1.0", "edit", text="Se abre.")
    minutes.say(2, DEBATE)
    minutes.close()
    assert "Se abre." in minutes.document_text()
