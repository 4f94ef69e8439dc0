"""Watching a session: everything once and in order, soon after it happened, whatever happens to Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from functools import partial
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.db import connection
from redis.cluster import RedisCluster

from astra_site.lib.errors import Forbidden, NotFound
from astra_site.lib.ids import new_id
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import tenant_scope
from astra_site.lib.threads import in_thread
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.services import events
from sessions_app.services.events import SessionEvent, watch
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, OPENING, Minutes, finish_jobs
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_S = 20.0
_Result = TypeVar("_Result")


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run to the end and see that no task is left."""

    async def watched() -> _Result:
        try:
            return await asyncio.wait_for(work, WITHIN_S * 2)
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(watched())


async def collect(
    person: Person,
    session_id: str,
    until: Callable[[SessionEvent], bool],
    after: int = 0,
    meanwhile: Callable[[], object] | None = None,
) -> list[SessionEvent]:
    """Watch until an event fits; `meanwhile` is called once the session's state has been told."""
    found: list[SessionEvent] = []
    with tenant_scope(person.tenant_id):
        async with aclosing(watch(UUID(session_id), after)) as happening:
            async with asyncio.timeout(WITHIN_S):
                async for event in happening:
                    found.append(event)
                    if event.type == "state" and meanwhile is not None:
                        await asyncio.to_thread(_and_close, meanwhile)
                        meanwhile = None
                    if until(event):
                        return found
    return found


def _and_close(call: Callable[[], object]) -> None:
    try:
        call()
    finally:
        connection.close()


def is_state(event: SessionEvent) -> bool:
    return event.type == "state"


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by himself: only a wake-up tells."""
    monkeypatch.setattr(events, "LOOK_AGAIN_S", 3 * WITHIN_S)


def test_what_was_there_comes_first_and_then_the_state(minutes: Minutes, alice: Person) -> None:
    minutes.say(1, OPENING)
    minutes.set_context(speaker="Ana")
    finish_jobs()
    found = run(collect(alice, minutes.session_id, is_state))
    assert [event.number for event in found] == [1, 2, 3, 3]
    assert [event.type for event in found] == ["input", "context", "blocks", "state"]
    assert found[-1].payload == {"state": "OPEN"}


def test_an_entry_is_told_as_soon_as_it_is_written(minutes: Minutes, alice: Person, patient: None) -> None:
    started_s = monotonic()
    found = run(
        collect(alice, minutes.session_id, lambda event: event.number == 1, meanwhile=lambda: minutes.say(1, OPENING))
    )
    assert found[-1].kind == "text"
    assert monotonic() - started_s < WITHIN_S


def test_in_a_cluster_too(alice: Person, patient: None, on_cluster: RedisCluster) -> None:
    sessions = [Minutes.start(alice) for _ in range(6)]  # wherever they live
    for minutes in sessions:
        say = partial(minutes.say, 1, OPENING)
        found = run(collect(alice, minutes.session_id, lambda event: event.number == 1, meanwhile=say))
        assert found[-1].kind == "text"
    last = sessions[-1]
    closed = run(collect(alice, last.session_id, lambda event: False, meanwhile=last.close))
    assert closed[-1].payload == {"state": "CLOSED"}, "a change without an entry is announced by itself"


def test_the_end_is_told_and_then_nothing(minutes: Minutes, alice: Person, patient: None) -> None:
    minutes.say(1, OPENING)
    found = run(collect(alice, minutes.session_id, lambda event: False, meanwhile=minutes.close))
    assert (found[-1].type, found[-1].payload) == ("state", {"state": "CLOSED"})
    states = [event.payload["state"] for event in found if is_state(event)]
    assert states[0] == "OPEN"
    assert len(states) == len(set(states))
    numbers = [event.number for event in found if not is_state(event)]
    assert numbers == list(range(1, len(minutes.journal()) + 1))


def test_a_wake_up_that_was_lost_is_made_good(minutes: Minutes, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr("sessions_app.services.journal.show_in_buffer", lambda session, row: None)
    found = run(
        collect(alice, minutes.session_id, lambda event: event.number == 1, meanwhile=lambda: minutes.say(1, OPENING))
    )
    assert found[-1].kind == "text"


def test_an_emptied_redis_interrupts_nothing(minutes: Minutes, alice: Person, patient: None) -> None:
    def speak() -> None:
        redis_client().flushall()
        minutes.say(1, OPENING)
        redis_client().flushall()
        minutes.say(2, CLOSING)

    found = run(collect(alice, minutes.session_id, lambda event: event.number == 2, meanwhile=speak))
    assert [event.number for event in found if not is_state(event)] == [1, 2]


def test_a_thousand_events_come_once_each_and_in_order(minutes: Minutes, alice: Person) -> None:
    minutes.say(1, OPENING)
    first = minutes.journal()[0]
    last = 1_050
    with tenant_scope(alice.tenant_id):
        JournalRow.objects.bulk_create(
            JournalRow(
                tenant_id=alice.tenant_id,
                session_id=minutes.session_id,
                number=number,
                kind=EntryKind.CONTEXT,
                payload={"speaker": f"Orador {number}"},
                sha256=first.sha256,
                recorded_at=first.recorded_at,
            )
            for number in range(2, last + 1)
        )
        Session.objects.filter(pk=minutes.session_id).update(journal_length=last)
    found = run(collect(alice, minutes.session_id, is_state))
    assert [event.number for event in found] == [*range(1, last + 1), last]
    again = run(collect(alice, minutes.session_id, is_state, after=1_000))
    assert [event.number for event in again] == [*range(1_001, last + 1), last]


def test_an_outsider_and_a_session_that_does_not_exist(minutes: Minutes, charlie: Person) -> None:
    with pytest.raises(Forbidden) as caught:
        run(collect(charlie, minutes.session_id, is_state))
    assert caught.value.code == "session_of_another_tenant"
    with pytest.raises(NotFound):
        run(collect(charlie, str(new_id()), is_state))


def test_many_watchers_of_one_session_that_are_cancelled(minutes: Minutes, alice: Person) -> None:
    async def scene() -> None:
        watchers = [asyncio.create_task(collect(alice, minutes.session_id, lambda event: False)) for _ in range(20)]
        await in_thread(minutes.say, 1, OPENING)
        await collect(alice, minutes.session_id, lambda event: event.number == 1)
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)

    run(scene())


def test_no_field_of_an_entry_hides_the_events_own(minutes: Minutes, alice: Person) -> None:
    """An image's entry has a number of its own in its payload, and the key of an object."""
    minutes.say(1, OPENING)
    minutes.show_image(png(), caption="Plano")
    event = run(collect(alice, minutes.session_id, lambda event: event.kind == "asset"))[-1]
    told = event.to_json()
    assert (told["number"], told["type"], told["kind"]) == (2, "blocks", "asset")
    assert "key" not in told
    assert [block["type"] for block in told["blocks"]] == ["IMAGE"]


def test_an_entry_that_is_too_long_for_a_message_is_cut_and_says_so(
    minutes: Minutes, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_BLOCKS_AT_MOST", 0)
    minutes.say(1, OPENING)
    finish_jobs()
    event = run(collect(alice, minutes.session_id, lambda event: event.type == "blocks"))[-1]
    assert (event.payload["blocks"], event.payload["block_count"], event.payload["is_cut"]) == ([], 1, True)
