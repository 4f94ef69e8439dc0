"""Blocks that were moved in the first version keep their place in the second, whatever is corrected around them."""

from __future__ import annotations

import pytest

from astra_site.lib.tenancy import all_tenants, tenant_scope
from sessions_app.models import Session
from sessions_app.services.buffer_care import compare_buffer
from tests.people import Person
from tests.sessions.clerk import Clerk
from tests.sessions.minutes_client import DEBATE, OPENING, Minutes, finish_jobs

pytestmark = pytest.mark.django_db(transaction=True)
SAID = (
    OPENING,
    DEBATE,
    "El alcantarillado del barrio sigue inundado.",
    "Otra cosa del debate sobre el parque.",
    "Seguimos con el debate del agua.",
)


def clone_of(minutes: Minutes) -> Clerk:
    answer = minutes.api.post(minutes.url("clone"), {}, format="json")
    assert answer.status_code == 201, answer.content
    return Clerk(Minutes(minutes.api, answer.json()["session_id"]))


def clone_of_moved(alice: Person, block_id: str, after: str) -> Clerk:
    """A second version of minutes in which a block was moved."""
    minutes = Minutes.start(alice)
    for number, text in enumerate(SAID, start=1):
        minutes.say(number, text)
    finish_jobs()
    Clerk(minutes).do(block_id, "move", after=after)
    minutes.close()
    return clone_of(minutes)


def test_a_split_hides_no_inherited_block(alice: Person) -> None:
    clerk = clone_of_moved(alice, "5.0", "2.0")
    second = clerk.do("2.0", "split", at=DEBATE.index("no alcanzan"))["blocks"][1]["block_id"]
    assert clerk.ids() == ["1.0", "2.0", second, "5.0", "3.0", "4.0"]
    with all_tenants(reason="a test looks"):
        session = Session.objects.select_related("config_version").get(pk=clerk.minutes.session_id)
    with tenant_scope(session.tenant_id):
        assert compare_buffer(session).is_equal


def test_a_block_is_put_before_an_inherited_one_that_was_moved(alice: Person) -> None:
    clerk = clone_of_moved(alice, "3.0", "1.0")
    clerk.do("4.0", "move", after="1.0")
    clerk.minutes.close()
    blocks = clerk.minutes.dump()["blocks"]
    assert [block["block_id"] for block in blocks] == ["1.0", "4.0", "3.0", "2.0", "5.0"]
    assert len({block["order"] for block in blocks}) == len(blocks)
    assert clone_of(clerk.minutes).ids() == ["1.0", "4.0", "3.0", "2.0", "5.0"]


def test_a_merge_does_not_reach_over_an_inherited_block(alice: Person) -> None:
    clerk = clone_of_moved(alice, "5.0", "2.0")
    answer = clerk.call(
        "2.0",
        "merge",
        revision=clerk.revision("2.0"),
        other_block_id="3.0",
        other_revision=clerk.revision("3.0"),
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "blocks_not_neighbours")
