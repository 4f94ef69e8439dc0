"""Which templates occurred, how often, with which words; and what a council makes of an intent."""

from __future__ import annotations

import pytest

from astra_site.lib.tenancy import tenant_scope
from sessions_app.rehearsal import RegisteredCore
from tenants.config.sightings import SAMPLES, Seen
from tenants.models import TemplateSighting
from tests.config.samples import content, occurred
from tests.factories.tenants import SKELETON_DOCX, ConfigVersionFactory
from tests.people import Person
from tests.sessions.minutes_client import OPENING, VOTE, Minutes, finish_jobs

pytestmark = pytest.mark.django_db(transaction=True)


def sightings(person: Person) -> dict[str, TemplateSighting]:
    with tenant_scope(person.tenant_id):
        return {row.template_id: row for row in TemplateSighting.objects.all()}


def test_templates_are_counted_where_blocks_are_made(alice: Person, charlie: Person) -> None:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    minutes.say(2, VOTE)
    minutes.say(2, VOTE)
    minutes.say(3, VOTE)
    finish_jobs()
    seen = sightings(alice)
    assert seen["TPL_APERTURA"].count == 1
    assert seen["TPL_VOTACION"].count == 2
    assert seen["TPL_VOTACION"].samples == [VOTE]
    assert seen["TPL_VOTACION"].label == "Votación"
    assert sightings(charlie) == {}


def test_restricted_words_are_counted_and_not_shown(alice: Person) -> None:
    minutes = Minutes.start(alice)
    minutes.set_context(restricted=True)
    minutes.say(1, OPENING)
    finish_jobs()
    assert (sightings(alice)["TPL_APERTURA"].count, sightings(alice)["TPL_APERTURA"].samples) == (1, [])


def test_a_template_that_no_configuration_knows_is_counted_too(alice: Person) -> None:
    for number in range(5):
        occurred(alice.tenant_id, [Seen("TPL_HIMNO", "DEBATE", "Himno", f"Suena el himno {number}")] * 2)
    himno = sightings(alice)["TPL_HIMNO"]
    assert himno.count == 10
    assert himno.samples == [f"Suena el himno {number}" for number in range(SAMPLES)]


def test_a_council_gives_an_intent_a_template_of_its_own(alice: Person) -> None:
    own = content(
        intents={"VOTE": {"template_id": "TPL_DECISION", "label": "Decisión"}},
        templates={**content()["templates"], "TPL_DECISION": {"label": "Decisión"}},
        zone_map={**content()["zone_map"], "TPL_DECISION": "ZONA_VARIOS"},
    )
    ConfigVersionFactory(tenant=alice.council, **own)
    minutes = Minutes.start(alice)
    minutes.say(1, VOTE)
    finish_jobs()
    (block,) = minutes.blocks()
    assert (block["template_id"], block["label"]) == ("TPL_DECISION", "Decisión")
    assert (block["target_placeholder"], block["table_id"]) == ("ZONA_VARIOS", "TBL_VOTACION")
    assert sightings(alice)["TPL_DECISION"].count == 1


def test_a_rehearsal_shows_what_the_document_will_say() -> None:
    (vote,) = RegisteredCore().rehearse(VOTE, content(), SKELETON_DOCX)
    assert (vote.intent, vote.template_id, vote.place) == ("VOTE", "TPL_VOTACION", "ZONA_VOTACION")
    assert vote.passage == VOTE
    assert vote.table_id == "TBL_VOTACION"
    assert len(vote.table_rows) == 1
    assert "Aprobada" in vote.table_rows[0]


def test_a_rehearsal_of_an_unmapped_template_ends_in_the_default_zone() -> None:
    zones = {name: place for name, place in content()["zone_map"].items() if name != "TPL_APERTURA"}
    (opening,) = RegisteredCore().rehearse(OPENING, content(zone_map=zones), SKELETON_DOCX)
    assert (opening.place, opening.is_default_place) == ("ZONA_VARIOS", True)
    wrong = {**content()["zone_map"], "TPL_APERTURA": "TBL_VOTACION"}
    (opening,) = RegisteredCore().rehearse(OPENING, content(zone_map=wrong), SKELETON_DOCX)
    assert (opening.place, opening.is_default_place) == ("ZONA_VARIOS", True)
    (lost,) = RegisteredCore().rehearse(OPENING, content(zone_map={}, default_zone="ZONA_NADA"), SKELETON_DOCX)
    assert lost.place == ""
    assert lost.passage.startswith(OPENING[:20])
