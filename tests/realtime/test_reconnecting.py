"""A client that loses its connection comes back and goes on: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from channels.layers import get_channel_layer

from sessions_app.clients.transport import Chunk
from sessions_app.clients.websocket import WebSocketClient
from tests.people import Person
from tests.realtime.live_server import LiveServer, serving
from tests.realtime.raw import BINARY, TEXT, frame, raw
from tests.realtime.talk import streaming, talking
from tests.realtime.waiting import WITHIN_S, nothing_is_open, wait_until
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, Minutes
from tests.sessions.samples import OTHER_WAV, WAV
from tests.transcription.encodings import encode

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice, mode="realtime")


def test_the_welcome_tells_what_to_send_again(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    for number in (1, 2, 4, 7):
        minutes.say(number, f"{DEBATE} {number}")
    minutes.set_context(speaker="Ana Ruiz")
    hashes = {row.sequence_id: row.content_sha256 for row in minutes.journal()}
    with talking(live, minutes.session_id, alice.token()) as talk:
        welcome = talk.welcome(resume=1)
    assert welcome["session_id"] == minutes.session_id
    assert (welcome["highest_sequence_id"], welcome["acknowledged_to"], welcome["event_number"]) == (7, 2, 5)
    assert welcome["accepted"] == [{"sequence_id": number, "content_sha256": hashes[number]} for number in (2, 4, 7)]
    assert welcome["limits"]["chunk_bytes"] > 0
    with talking(live, minutes.session_id, alice.token()) as talk:
        assert talk.welcome()["accepted"] == []
    with talking(live, minutes.session_id, alice.token()) as talk:
        assert talk.welcome(resume=2**31 - 1)["accepted"] == []


def test_the_newest_socket_takes_the_stream_over(
    live: LiveServer, minutes: Minutes, alice: Person, bob: Person
) -> None:
    with streaming(live, minutes.session_id, alice) as first:
        first.say(type="text", sequence_id=1, text=OPENING)
        first.hear("ack")
        with streaming(live, minutes.session_id, bob) as second:
            assert first.end()[:2] == (4409, "stream_replaced")
            with streaming(live, minutes.session_id, alice) as third:
                assert second.end()[:2] == (4409, "stream_replaced")
                third.say(type="text", text=CLOSING)
                assert third.hear("ack")["sequence_id"] == 2


def test_a_takeover_is_a_matter_of_one_session(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    other = Minutes.start(alice, mode="realtime")
    with (
        streaming(live, minutes.session_id, alice) as first,
        streaming(live, other.session_id, alice) as second,
        talking(live, minutes.session_id, alice.token(), kind="events") as watcher,
    ):
        for talk in (first, second):
            talk.say(type="text", text=OPENING)
            assert talk.hear("ack")
        assert watcher.hear_event(lambda event: event["type"] == "input")


def test_sockets_that_come_and_go_leave_nothing_in_the_channel_layer(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    for turn in range(30):
        with talking(live, minutes.session_id, alice.token()) as talk:
            if turn % 2:
                talk.welcome()
            else:
                talk.say(type="hello")
    layers = get_channel_layer()._layers.values()
    wait_until(lambda: not any(layer.channels or layer.groups for layer in layers))


def test_a_half_open_socket_harms_nobody(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    """It neither reads nor answers; the next one takes over at once."""
    with raw(live, minutes.session_id, alice.token()) as silent:
        silent.say(type="hello", events=False)
        silent.hear("welcome")
        with streaming(live, minutes.session_id, alice) as talk:
            talk.send(WAV)
            assert talk.hear("ack")["sequence_id"] == 1
            assert silent.end() == (4409, "stream_replaced")


def test_a_half_open_socket_is_noticed(minutes: Minutes, alice: Person) -> None:
    with serving(ws_ping_interval=0.2, ws_ping_timeout=0.3) as live:
        with raw(live, minutes.session_id, alice.token()) as silent:
            silent.say(type="hello", events=False)
            silent.hear("welcome")
            assert silent.end()[0] == 1011
        wait_until(nothing_is_open)


def test_a_connection_that_breaks_in_the_middle_of_a_chunk_leaves_nothing_of_it(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with raw(live, minutes.session_id, alice.token()) as client:
        client.say(type="hello", events=False)
        client.hear("welcome")
        client.say(type="audio", sequence_id=1)
        client.put(frame(BINARY, WAV))
        client.hear("ack")
        client.say(type="audio", sequence_id=2)
        client.put(frame(BINARY, OTHER_WAV)[: len(OTHER_WAV) // 2])
        client.break_off()
    wait_until(nothing_is_open)
    assert [row.sequence_id for row in minutes.journal()] == [1]
    with talking(live, minutes.session_id, alice.token()) as talk:
        assert talk.welcome(resume=0, events=False)["acknowledged_to"] == 1
        talk.say(type="audio", sequence_id=2)
        talk.send(OTHER_WAV)
        assert not talk.hear("ack")["repeated"]
    assert [row.sequence_id for row in minutes.journal()] == [1, 2]


def test_an_input_whose_acknowledgement_was_lost_is_in_the_journal_once(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with raw(live, minutes.session_id, alice.token()) as client:
        client.say(type="hello", events=False)
        client.hear("welcome")
        client.say(type="text", sequence_id=1, text=OPENING)
        wait_until(lambda: minutes.kinds() == ["text"])
        client.break_off()
    with talking(live, minutes.session_id, alice.token()) as talk:
        (accepted,) = talk.welcome(resume=0, events=False)["accepted"]
        assert accepted == {"sequence_id": 1, "content_sha256": minutes.journal()[0].content_sha256}
        talk.say(type="text", sequence_id=1, text=OPENING)
        assert talk.hear("ack")["repeated"]
    assert minutes.kinds() == ["text"]


def test_a_server_that_stops_says_so_and_what_it_acknowledged_stays(minutes: Minutes, alice: Person) -> None:
    with serving() as live, streaming(live, minutes.session_id, alice) as talk:
        for number in range(1, 30):
            talk.say(type="text", sequence_id=number, text=f"{DEBATE} {number}")
        acknowledged = {talk.hear("ack")["sequence_id"]}
        threading.Thread(target=live.stop).start()
        code, _, heard = talk.end()
        assert code == 1012
        acknowledged |= {answer["sequence_id"] for answer in heard if answer["type"] == "ack"}
        live.stop()
    journaled = [row.sequence_id for row in minutes.journal()]
    assert acknowledged <= set(journaled)
    with serving() as live, talking(live, minutes.session_id, alice.token()) as talk:
        known = {item["sequence_id"] for item in talk.welcome(resume=0, events=False)["accepted"]}
        assert known == set(journaled)
        missing = set(range(1, 30)) - known
        for number in sorted(missing):
            talk.say(type="text", sequence_id=number, text=f"{DEBATE} {number}")
        assert {talk.hear("ack")["sequence_id"] for _ in missing} == missing
    assert sorted(row.sequence_id or 0 for row in minutes.journal()) == list(range(1, 30))


def test_the_reference_client_waits_for_a_server_that_restarts(minutes: Minutes, alice: Person) -> None:
    acknowledged: list[int] = []
    with serving() as before:
        port = before.port

        def chunks() -> Iterator[Chunk]:
            for number in range(1, 13):
                if number == 6:
                    before.server.should_exit = True
                yield Chunk(number, encode("flac", 400 + number))

        def send() -> None:
            client = WebSocketClient(f"ws://127.0.0.1:{port}", alice.token)
            acknowledged.extend(one.sequence_id for one in client.stream_chunks(minutes.session_id, chunks()))
            client.close()

        sending = threading.Thread(target=send)
        sending.start()
        before.thread.join(WITHIN_S)
    with serving(port=port):
        sending.join(WITHIN_S)
        assert not sending.is_alive()
    assert acknowledged == list(range(1, 13))
    assert [row.sequence_id for row in minutes.journal()] == acknowledged


def test_a_client_that_says_bye_gets_every_acknowledgement_first(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with streaming(live, minutes.session_id, alice) as talk:
        for number in range(1, 11):
            talk.say(type="text", sequence_id=number, text=f"{DEBATE} {number}")
        talk.say(type="bye", id="last")
        code, reason, heard = talk.end()
    assert (code, reason) == (1000, "bye")
    assert [answer["sequence_id"] for answer in heard[:-1]] == list(range(1, 11))
    assert heard[-1] == {"type": "bye", "id": "last"}


def test_a_client_that_closes_while_its_inputs_are_in_work_leaves_no_trace_of_itself(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with raw(live, minutes.session_id, alice.token()) as client:
        client.say(type="hello", events=True)
        client.hear("welcome")
        client.put(*(frame(TEXT, b'{"type":"text","text":"Se abre %d."}' % turn) for turn in range(20)))
        client.break_off()
    wait_until(nothing_is_open)
    numbers = [row.sequence_id for row in minutes.journal()]
    assert len(numbers) == len(set(numbers))
