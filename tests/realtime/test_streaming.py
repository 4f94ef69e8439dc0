"""A session over a WebSocket: what goes in is acknowledged, and becomes the same minutes as over HTTP."""

from __future__ import annotations

import pytest

from tests.people import Person
from tests.realtime.live_server import LiveServer
from tests.realtime.talk import STREAM, streaming, talking
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, Minutes, finish_jobs
from tests.sessions.samples import FLAC, OTHER_WAV, WAV

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice, mode="realtime")


def test_every_input_is_acknowledged_once_it_is_in_the_journal(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with talking(live, minutes.session_id, alice.token(), subprotocols=(STREAM,)) as talk:
        welcome = talk.welcome()
        assert talk.connection.subprotocol == STREAM
        assert (welcome["state"], welcome["highest_sequence_id"], welcome["acknowledged_to"]) == ("OPEN", 0, 0)
        talk.say(type="audio", sequence_id=2, captured_at="2026-11-25T09:00:00-05:00", duration_ms=700, id="a")
        talk.send(WAV)
        ack = talk.hear("ack")
        row = minutes.journal()[-1]
        assert ack == {
            "type": "ack", "id": "a", "sequence_id": 2, "status": "PROCESSING",
            "content_sha256": row.content_sha256, "repeated": False,
        }  # fmt: skip
        assert row.payload["captured_at"] == "2026-11-25T14:00:00.000000Z"
        assert (row.payload["captured_duration_ms"], row.actor) == (700, "alice")
        talk.say(type="text", sequence_id=1, text=OPENING)
        assert talk.hear("ack")["sequence_id"] == 1


def test_audio_without_a_number_takes_the_next_one(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    minutes.say(1, OPENING)
    with streaming(live, minutes.session_id, alice) as talk:
        for audio in (WAV, FLAC):
            talk.send(audio)
        talk.say(type="text", sequence_id=7, text=DEBATE)
        talk.send(OTHER_WAV)
        assert [talk.hear("ack")["sequence_id"] for _ in range(4)] == [2, 3, 7, 8]


def test_a_repeat_is_acknowledged_again_and_other_content_is_refused(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with streaming(live, minutes.session_id, alice) as talk:
        for expected in (False, True):
            talk.say(type="audio", sequence_id=1)
            talk.send(WAV)
            assert talk.hear("ack")["repeated"] is expected
        talk.say(type="audio", sequence_id=1, id="x")
        talk.send(OTHER_WAV)
        error = talk.hear()
        assert (error["type"], error["code"], error["sequence_id"], error["id"]) == (
            "error",
            "sequence_conflict",
            1,
            "x",
        )
        assert "retry_after_s" not in error
    assert minutes.kinds().count("audio") == 1


def test_a_context_holds_for_what_is_sent_after_it_and_for_nothing_else(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with streaming(live, minutes.session_id, alice) as talk:
        talk.say(type="text", sequence_id=1, text=OPENING)
        talk.say(type="context", speaker="Ana Ruiz", topic="Aguas", id="first")
        talk.say(type="text", sequence_id=2, text=DEBATE)
        talk.say(type="context", speaker="Luis Mena", restricted=True)
        talk.say(type="text", sequence_id=3, text="El acueducto necesita otra bomba para el barrio.")
        talk.say(type="context", restricted=False, topic=None)
        talk.say(type="text", sequence_id=4, text=CLOSING)
        talk.say(type="bye")
        code, reason, heard = talk.end()
    assert (code, reason) == (1000, "bye")
    answers = [frame for frame in heard if frame["type"] == "context"]
    assert [frame["from_sequence_id"] for frame in answers] == [2, 3, 4]
    assert answers[0]["id"] == "first"
    finish_jobs()
    shown = [(block["speaker"], block["topic"], block["restricted"]) for block in minutes.blocks()]
    assert shown == [
        (None, None, False), ("Ana Ruiz", "Aguas", False), ("Luis Mena", "Aguas", True), (None, None, False),
    ]  # fmt: skip


def test_a_context_does_not_reach_back_to_a_refused_input_that_is_sent_again(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with streaming(live, minutes.session_id, alice) as talk:
        talk.say(type="text", sequence_id=1, text=OPENING)
        talk.say(type="text", sequence_id=2, text=" ")
        talk.say(type="context", speaker="Luis Mena")
        assert talk.hear("error")["sequence_id"] == 2
        assert talk.hear("context")["from_sequence_id"] == 3


def test_a_context_is_refused_as_over_http(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    with streaming(live, minutes.session_id, alice) as talk:
        for wrong, code in (
            ({}, "context_empty"),
            ({"zone": "no placeholder"}, "input_invalid"),
            ({"from_sequence_id": 0, "topic": "x"}, "input_invalid"),
            ({"from_sequence_id": "1", "topic": "x"}, "input_invalid"),
            ({"from_sequence_id": 1}, "context_empty"),
            ({"speaker": "x" * 201}, "input_invalid"),
            ({"restricted": "yes"}, "input_invalid"),
            ({"speakr": "x"}, "input_invalid"),
        ):
            talk.say(type="context", id="c", **wrong)
            error = talk.hear("error")
            assert (error["code"], error["about"], error["id"]) == (code, "context", "c")
    assert minutes.kinds() == []


def test_a_session_may_begin_and_end_on_one_socket(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    with streaming(live, minutes.session_id, alice, events=True) as talk:
        talk.say(type="text", text=OPENING)
        talk.say(type="text", text=CLOSING)
        talk.say(type="finalize", id="end")
        answer = talk.hear("finalize")
        assert (answer["state"], answer["is_draining"], answer["id"]) == ("DRAINING", True, "end")
        assert answer["drain"]["pending"] == [1, 2]
        finish_jobs()
        blocks = [talk.hear_event(lambda event: event["type"] == "blocks")["blocks"] for _ in range(2)]
        assert [block["text"] for several in blocks for block in several] == [OPENING, CLOSING]
        talk.hear_event(lambda event: event.get("state") == "CLOSED")
        talk.say(type="text", text="Demasiado tarde.")
        assert talk.hear("error")["code"] == "session_not_open"
        talk.say(type="text", sequence_id=1, text=OPENING)
        assert talk.hear("ack")["repeated"]


def test_a_socket_on_a_sealed_session_takes_nothing_and_answers_as_before(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    minutes.say(1, OPENING)
    minutes.say(2, CLOSING)
    minutes.close()
    before = minutes.row().journal_length
    with streaming(live, minutes.session_id, alice) as talk:
        talk.say(type="text", text="Demasiado tarde.")
        assert talk.hear("error")["code"] == "session_not_open"
        talk.say(type="audio", sequence_id=3)
        talk.send(WAV)
        assert talk.hear("error")["code"] == "session_not_open"
        talk.say(type="context", speaker="Luis Mena", id="c")
        assert talk.hear("error")["code"] == "session_not_open"
        talk.say(type="text", sequence_id=2, text=CLOSING)
        assert talk.hear("ack")["repeated"]
        talk.say(type="text", sequence_id=2, text=OPENING)
        assert talk.hear("error")["code"] == "sequence_conflict"
        talk.say(type="finalize", id="again")
        assert talk.hear("finalize")["state"] == "CLOSED"
    assert minutes.row().journal_length == before


def test_the_minutes_are_those_of_the_same_session_over_http(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    other = Minutes.start(alice, mode="realtime")
    other.say(1, OPENING)
    other.set_context(speaker="Ana Ruiz", topic="Aguas")
    other.send_audio(3, WAV)
    other.say(2, DEBATE)
    other.say(4, CLOSING)
    finish_jobs()
    other.close()
    with streaming(live, minutes.session_id, alice) as talk:
        talk.say(type="text", sequence_id=1, text=OPENING)
        talk.say(type="context", speaker="Ana Ruiz", topic="Aguas")
        talk.say(type="audio", sequence_id=3)
        talk.send(WAV)
        talk.say(type="text", sequence_id=2, text=DEBATE)
        talk.say(type="text", sequence_id=4, text=CLOSING)
        talk.say(type="bye")
        assert talk.end()[0] == 1000
    finish_jobs()
    minutes.close()
    assert minutes.dumped_blocks() == other.dumped_blocks()


def test_a_session_takes_what_it_takes_over_http_in_every_state(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    minutes.say(1, OPENING)
    minutes.say(3, CLOSING)
    minutes.finalize()
    with streaming(live, minutes.session_id, alice) as talk:
        talk.say(type="text", text="Después del final.")
        assert talk.hear("error")["code"] == "session_not_open"
        talk.say(type="context", speaker="Ana Ruiz")
        assert talk.hear("error")["code"] == "session_not_open"
        talk.say(type="text", sequence_id=2, text=DEBATE)
        assert talk.hear("ack")["sequence_id"] == 2


def test_a_browser_is_answered_its_pings(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    with streaming(live, minutes.session_id, alice) as talk:
        talk.say(type="audio")
        talk.say(type="ping", id="1")
        assert talk.hear() == {"type": "pong", "id": "1"}
        talk.send(WAV)
        assert talk.hear("ack")["sequence_id"] == 1


def test_a_context_may_name_the_number_that_it_begins_at(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    with streaming(live, minutes.session_id, alice) as talk:
        talk.say(type="context", speaker="Ana Ruiz", from_sequence_id=2)
        assert talk.hear("context")["from_sequence_id"] == 2
        talk.say(type="text", sequence_id=1, text=OPENING)
        talk.say(type="text", sequence_id=2, text=DEBATE)
        for _ in range(2):
            talk.hear("ack")
        talk.say(type="context", speaker="Luis Mena", from_sequence_id=1, id="late")
        error = talk.hear("error")
        assert (error["code"], error["about"], error["id"]) == ("context_too_late", "context", "late")
    finish_jobs()
    assert [block["speaker"] for block in minutes.blocks()] == [None, "Ana Ruiz"]
