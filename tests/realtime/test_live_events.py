"""The live view: everything that happens in a session, in order, from where the viewer left off."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import Person
from tests.realtime.live_server import LiveServer
from tests.realtime.talk import EVENTS, Talk, talking
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, Minutes, finish_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice, mode="realtime")


def events_until(talk: Talk, number: int) -> list[dict[str, Any]]:
    """The entries that are told, up to one."""
    found: list[dict[str, Any]] = []
    while not found or found[-1]["number"] < number:
        event = talk.hear("event")["event"]
        if event["type"] != "state":
            found.append(event)
    return found


def test_a_viewer_sees_all_and_resumes_where_it_left_off(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    minutes.say(1, OPENING)
    finish_jobs()
    reader = alice.token("sessions:read")
    with talking(live, minutes.session_id, reader, kind="events", subprotocols=(EVENTS,)) as talk:
        assert talk.connection.subprotocol == EVENTS
        assert talk.hear()["event_number"] == len(minutes.kinds())
        seen = events_until(talk, len(minutes.kinds()))
    minutes.set_context(speaker="Ana Ruiz")
    minutes.say(2, DEBATE)
    finish_jobs()
    query = f"?after={seen[-1]['number']}"
    with talking(live, minutes.session_id, reader, kind="events", query=query) as talk:
        seen += events_until(talk, len(minutes.kinds()))
        minutes.say(3, CLOSING)
        seen += events_until(talk, len(minutes.kinds()))
    assert [event["number"] for event in seen] == list(range(1, len(minutes.kinds()) + 1))
    assert [event["kind"] for event in seen] == minutes.kinds()
    blocks = [block for event in seen if event["type"] == "blocks" for block in event["blocks"]]
    assert [(block["text"], block["speaker"]) for block in blocks] == [(OPENING, None), (DEBATE, "Ana Ruiz")]


def test_the_socket_ends_with_the_session(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    minutes.say(1, OPENING)
    with talking(live, minutes.session_id, alice.token(), kind="events") as talk:
        talk.hear("welcome")
        finish_jobs()
        minutes.close()
        code, reason, heard = talk.end()
    assert (code, reason) == (1000, "session_closed")
    assert heard[-1]["event"]["state"] == "CLOSED"
    with talking(live, minutes.session_id, alice.token(), kind="events", query="?after=1") as talk:
        assert talk.end()[:2] == (1000, "session_closed")


def test_a_viewer_without_headers_says_hello(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    minutes.say(1, OPENING)
    minutes.say(2, DEBATE)
    with talking(live, minutes.session_id, kind="events") as talk:
        talk.welcome(token=alice.token(), events_after=1)
        assert [event["number"] for event in events_until(talk, 2)] == [2]
        talk.say(type="ping", id="p")
        talk.hear("pong", id="p")
        talk.say(type="token", token=alice.token())
        talk.hear("token")
        talk.say(type="bye")
        assert talk.end()[:2] == (1000, "bye")


def test_many_may_watch(live: LiveServer, minutes: Minutes, alice: Person, bob: Person) -> None:
    with (
        talking(live, minutes.session_id, alice.token(), kind="events") as one,
        talking(live, minutes.session_id, bob.token(), kind="events") as other,
    ):
        for talk in (one, other):
            talk.hear("welcome")
        minutes.say(1, OPENING)
        for talk in (one, other):
            assert talk.hear_event(lambda event: event["type"] == "input")["text"] == OPENING
