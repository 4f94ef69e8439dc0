"""What may happen to a call does happen to it, also on the path that goes around Django's cursors."""

from __future__ import annotations

from uuid import UUID

import pytest
from pytest_django import Settings

from astra_site.lib.tenancy import tenant_scope
from sessions_app.services.buffering import buffer_of
from sessions_app.services.inputs import Captured, append_text
from tests.model.fates import CALM, Fate, suffer
from tests.people import Person
from tests.sessions.minutes_client import Minutes
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def minutes(alice: Person, settings: Settings) -> Minutes:
    settings.BACKLOG_INPUTS = settings.BACKLOG_AGE_S = 0  # a look at the backlog, once a second, is a statement too
    return Minutes.start(alice)


CASES = {
    "nothing": (CALM, True, True, True),
    "cut before the look": (Fate(cut_at=1), False, False, False),
    "cut after the look": (Fate(cut_at=1, answer_lost=True), False, False, False),
    "cut before the record": (Fate(cut_at=2), False, False, False),
    "cut after the record": (Fate(cut_at=2, answer_lost=True), False, True, False),
    "what follows is lost": (Fate(hooks_lost=True), True, True, False),
    "no Redis": (Fate(redis_down=True), True, True, False),
}


# Behind the answer the buffer is told when the fate is over: then Redis is there again.
BOTH_WAYS = [
    pytest.param(*case, behind, id=f"{name}, {'behind the answer' if behind else 'at once'}")
    for name, case in CASES.items()
    for behind in (False, True)
    if not (behind and case[0].redis_down)
]


@pytest.mark.parametrize(("fate", "is_answered", "is_recorded", "is_shown", "behind"), BOTH_WAYS)
def test_an_append_looks_and_records(
    minutes: Minutes, alice: Person, fate: Fate, is_answered: bool, is_recorded: bool, is_shown: bool, behind: bool
) -> None:
    with tenant_scope(alice.tenant_id):
        session_id = UUID(minutes.session_id)
        answer = suffer(
            fate,
            lambda: append_text(session_id, sequence_id=1, text="Dos", captured=Captured(), actor="a", behind=behind),
        )
        assert (answer is not None) is is_answered
        assert ("text" in minutes.kinds()) is is_recorded
        if is_shown:
            until(lambda: _shown(minutes) == len(minutes.kinds()))
        assert _shown(minutes) == len(minutes.kinds()) - (is_recorded and not is_shown)


def _shown(minutes: Minutes) -> int:
    return buffer_of(minutes.row()).standing().complete_to
