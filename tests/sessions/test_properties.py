"""Properties of whole sessions: the order and the number of times things happen never shows in the minutes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astra_site.lib.clock import utc_now
from astra_site.lib.tenancy import all_tenants, tenant_scope
from jobs.models import Job, Status
from jobs.runtime.work import run_job
from sessions_app.builder import build_minutes
from sessions_app.services.buffering import buffer_of, journal_slots, read_page
from tests.factories.tenants import SKELETON_DOCX
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs

pytestmark = pytest.mark.django_db(transaction=True)
deep = settings(
    deadline=None,
    max_examples=8,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SCRIPT = (
    OPENING,
    "Tiene la palabra el concejal Héctor Zapata.",
    DEBATE,
    "Se somete a votación la proposición número doce.",
    VOTE,
    CLOSING,
)
NUMBERS = st.permutations(range(1, len(SCRIPT) + 1))
DUPLICATES = st.lists(st.integers(1, len(SCRIPT)), max_size=4)


def document_of(minutes: Minutes, reference: Minutes) -> bytes:
    """Build the session's blocks under the reference's heading: only what was said may make a difference."""
    dump = {**reference.dump(), "blocks": minutes.dump()["blocks"]}
    return build_minutes(SKELETON_DOCX, dump, {}).docx


def run_one_job(minutes: Minutes, choose: Any) -> bool:
    """Run one of the session's queued jobs, whichever is drawn."""
    with all_tenants(reason="a test hurries the clock"):
        Job.objects.filter(status=Status.QUEUED).update(not_before=utc_now())
    queued = [job.id for job in minutes.jobs(status=Status.QUEUED)]
    if not queued:
        return False
    run_job(choose(st.sampled_from(queued), label="job"))
    return True


@pytest.fixture
def reference(alice: Person) -> Minutes:
    """The session in order, each input worked on before the next comes."""
    minutes = Minutes.start(alice)
    for number, text in enumerate(SCRIPT, 1):
        minutes.say(number, text)
        finish_jobs()
    minutes.close()
    return minutes


@deep
@given(order=NUMBERS, again=DUPLICATES, finalize_after=st.integers(1, len(SCRIPT)), data=st.data())
def test_no_order_of_arrival_work_or_loss_shows_in_the_minutes(
    alice: Person, reference: Minutes, order: list[int], again: list[int], finalize_after: int, data: st.DataObject
) -> None:
    minutes = Minutes.start(alice)
    # finalize may come early: everything below the highest number that was accepted can still arrive
    highest_first = [len(SCRIPT), *[number for number in order if number != len(SCRIPT)]]
    arrivals = highest_first if finalize_after < len(SCRIPT) else order
    for position, number in enumerate(arrivals, 1):
        assert minutes.say(number, SCRIPT[number - 1]).status_code == 202
        if position == finalize_after:
            minutes.finalize()
        for repeated in again:
            if repeated in arrivals[:position]:
                assert minutes.say(repeated, SCRIPT[repeated - 1]).json()["repeated"]
        if data.draw(st.booleans(), label="work now"):
            run_one_job(minutes, data.draw)
        if data.draw(st.booleans(), label="lose the buffer"):
            buffer_of(minutes.row()).drop()
    while run_one_job(minutes, data.draw):
        pass
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"
    assert minutes.dumped_blocks() == reference.dumped_blocks()
    assert document_of(minutes, reference) == reference.document()


@deep
@given(order=NUMBERS, data=st.data())
def test_the_buffer_is_the_journal_block_by_block(alice: Person, order: list[int], data: st.DataObject) -> None:
    minutes = Minutes.start(alice)
    for number in order:
        minutes.say(number, SCRIPT[number - 1])
        if data.draw(st.booleans(), label="lose the buffer"):
            buffer_of(minutes.row()).drop()
        if data.draw(st.booleans(), label="work now"):
            run_one_job(minutes, data.draw)
        with tenant_scope(alice.tenant_id):
            session = minutes.row()
            slots = sorted(journal_slots(session), key=lambda slot: (slot.sequence_id, slot.name))
            page = read_page(session, 0, 500)
        assert page.blocks == [dict(block) for slot in slots for block in slot.blocks]
        assert page.slot_count == len(slots)
        assert page.processing_count == sum(slot.leased_until_ms is not None for slot in slots)


ANY_TEXT = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=80
).filter(str.strip)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(["corporation", "number", "city", "kind", "president", "secretary"])


@settings(deep, max_examples=15)
@given(
    texts=st.lists(ANY_TEXT, min_size=1, max_size=4),
    speaker=ANY_TEXT,
    metadata=st.dictionaries(FIELDS | ANY_TEXT, ANY_JSON, max_size=4),
)
def test_whatever_is_accepted_can_be_built_and_sealed(
    alice: Person, texts: list[str], speaker: str, metadata: dict[str, Any]
) -> None:
    minutes = Minutes.start(alice, metadata=metadata)
    assert minutes.set_context(speaker=speaker).status_code == 200
    for number, text in enumerate(texts, 1):
        assert minutes.say(number, text).status_code == 202
    finish_jobs()
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED", minutes.show()["failure"]
    assert minutes.dump()["session"]["metadata"] == metadata
