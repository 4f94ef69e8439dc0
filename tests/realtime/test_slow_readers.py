"""Clients that send faster than can be stored, or that do not read: they wait, and cost a bounded amount of memory."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import transaction
from pytest_django import Settings

from astra_site.lib.errors import RateLimited, Unavailable
from astra_site.lib.tenancy import tenant_scope
from sessions_app.models import EntryKind, State
from sessions_app.realtime import intake
from sessions_app.services import inputs
from sessions_app.services.inputs import Accepted
from sessions_app.services.journal import NewEntry, lock_for_entry, write
from tests.people import Person
from tests.realtime.live_server import LiveServer
from tests.realtime.raw import CLOSE, Gone, raw
from tests.realtime.talk import streaming
from tests.realtime.waiting import nothing_is_open, wait_until
from tests.sessions.minutes_client import DEBATE, OPENING, Minutes

pytestmark = pytest.mark.django_db(transaction=True)
ENTRIES, ENTRY_CHARS = 6, 3_000_000


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice, mode="realtime")


@pytest.fixture
def much_to_tell(minutes: Minutes, alice: Person) -> Minutes:
    """A session with more events than all buffers between server and client hold."""
    with tenant_scope(alice.tenant_id), transaction.atomic():
        for _ in range(ENTRIES):
            session = lock_for_entry(UUID(minutes.session_id), (State.OPEN,))
            write(session, NewEntry(EntryKind.CONTEXT, {"topic": "x" * ENTRY_CHARS, "from_sequence_id": 1}))
    return minutes


@pytest.mark.parametrize("kind", ["stream", "events"])
def test_a_client_that_does_not_read_is_closed_and_its_place_is_free(
    live: LiveServer, much_to_tell: Minutes, alice: Person, settings: Settings, kind: str,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    settings.SOCKET_SEND_TIMEOUT_S = 1
    monkeypatch.setattr("sessions_app.realtime.socket._LAST_WORDS_S", 0.2)
    caplog.set_level(logging.INFO, logger="sessions_app.realtime")
    with raw(live, much_to_tell.session_id, alice.token(), kind=kind, receive_buffer_bytes=4096) as client:
        if kind == "stream":
            client.say(type="hello", events_after=0)
        wait_until(nothing_is_open)
        assert "A socket is closed: 4429 client_too_slow" in caplog.messages
        with pytest.raises(Gone):
            client.end()


def test_one_that_reads_again_at_the_last_moment_is_told_why(
    live: LiveServer, much_to_tell: Minutes, alice: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    settings.SOCKET_SEND_TIMEOUT_S = 1
    monkeypatch.setattr("sessions_app.realtime.socket._LAST_WORDS_S", 20.0)
    caplog.set_level(logging.INFO, logger="sessions_app.realtime")
    with raw(live, much_to_tell.session_id, alice.token(), receive_buffer_bytes=4096) as client:
        client.say(type="hello", events_after=0)
        wait_until(lambda: "A socket is closed: 4429 client_too_slow" in caplog.messages)
        assert client.end() == (4429, "client_too_slow")


def test_a_client_that_reads_slowly_misses_nothing(live: LiveServer, much_to_tell: Minutes, alice: Person) -> None:
    """What it has not read waits in the journal, or was not taken yet."""
    with raw(live, much_to_tell.session_id, alice.token(), receive_buffer_bytes=4096) as client:
        client.say(type="hello", events_after=0)
        for number in range(1, 21):
            client.say(type="text", sequence_id=number, text=f"{DEBATE} {number}")
        acks: list[int] = []
        numbers: list[int] = []
        while len(acks) < 20 or len(numbers) < ENTRIES + 20:
            opcode, payload = client.next()
            assert opcode != CLOSE
            told = json.loads(payload)
            if told["type"] == "ack":
                acks.append(told["sequence_id"])
            elif told["type"] == "event" and told["event"]["type"] != "state":
                numbers.append(told["event"]["number"])
    assert acks == list(range(1, 21))
    assert numbers == list(range(1, ENTRIES + 21))


@pytest.fixture
def slow_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Semaphore, list[int]]]:
    """A service that takes an input only when told; returns the permission to go on, and how many are in work."""
    may_go_on, in_work = threading.Semaphore(0), [0, 0]
    lock, accept = threading.Lock(), inputs.append_text

    def slowly(session_id: UUID, **input_: object) -> Accepted:
        with lock:
            in_work[0] += 1
            in_work[1] = max(in_work)
        may_go_on.acquire(timeout=15)
        with lock:
            in_work[0] -= 1
        return accept(session_id, **input_)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(intake, "append_text", slowly)
    yield may_go_on, in_work
    for _ in range(100):
        may_go_on.release()


def test_one_input_is_in_work_and_the_rest_waits_unread(
    live: LiveServer, minutes: Minutes, alice: Person, slow_store: tuple[threading.Semaphore, list[int]]
) -> None:
    may_go_on, in_work = slow_store
    with streaming(live, minutes.session_id, alice) as talk:
        for number in range(1, 13):
            talk.say(type="text", sequence_id=number, text=f"{DEBATE} {number}")
        wait_until(lambda: in_work[0] == 1)
        for _ in range(12):
            may_go_on.release()
        assert [talk.hear("ack")["sequence_id"] for _ in range(12)] == list(range(1, 13))
    assert in_work == [0, 1]


def test_a_context_waits_for_the_inputs_before_it(
    live: LiveServer, minutes: Minutes, alice: Person, slow_store: tuple[threading.Semaphore, list[int]]
) -> None:
    may_go_on, in_work = slow_store
    with streaming(live, minutes.session_id, alice) as talk:
        talk.say(type="text", sequence_id=1, text=OPENING)
        talk.say(type="context", speaker="Ana Ruiz")
        talk.say(type="text", sequence_id=2, text=DEBATE)
        wait_until(lambda: in_work[0] == 1)
        may_go_on.release()
        assert talk.hear()["type"] == "ack"
        assert talk.hear()["from_sequence_id"] == 2
        may_go_on.release()
        assert talk.hear()["sequence_id"] == 2
    assert minutes.kinds() == ["text", "context", "text"]


def test_too_much_is_refused_with_the_time_to_wait_and_not_acknowledged(
    live: LiveServer, minutes: Minutes, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [
        RateLimited("session_rate_limited", "Too many inputs.", details={"retry_after_s": 7}),
        Unavailable("object_store_unavailable", "The object store does not answer."),
    ]
    accept = inputs.append_text

    def first_refused(session_id: UUID, **input_: object) -> Accepted:
        if errors:
            raise errors.pop(0)
        return accept(session_id, **input_)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(intake, "append_text", first_refused)
    with streaming(live, minutes.session_id, alice) as talk:
        for code, retry_after_s in (("session_rate_limited", 7), ("object_store_unavailable", 2)):
            talk.say(type="text", sequence_id=1, text=OPENING)
            error = talk.hear()
            assert (error["type"], error["code"], error["sequence_id"]) == ("error", code, 1)
            assert error["retry_after_s"] == retry_after_s
        assert minutes.kinds() == []
        talk.say(type="text", sequence_id=1, text=OPENING)
        assert talk.hear()["type"] == "ack"
