"""A live session over one bidirectional stream: nothing lost, nothing doubled, each mistake said."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import grpc
import pytest
from grpc import StatusCode as Status
from pytest_django import Settings

from astra_site.lib.clock import utc_now
from sessions_app.rpc import live_stream
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.scopes import SERVICE
from tests.people import Person, client_for
from tests.rpc.live import Live, live
from tests.rpc.serving import Rpc, Serving, bearer, refused, serving
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import OTHER_WAV, WAV
from tests.sessions.test_bad_tokens import signed


@pytest.fixture
def minutes(rpc: Rpc, alice: Person) -> Minutes:
    """A live session, seen through REST."""
    return Minutes(client_for(alice), rpc.start(mode=pb.MODE_REALTIME))


def accepted(minutes: Minutes) -> list[int]:
    return sorted(row.sequence_id or 0 for row in minutes.journal() if row.kind in ("text", "audio"))


def test_inputs_and_context_are_answered_in_the_order_sent(rpc: Rpc, minutes: Minutes) -> None:
    with live(rpc) as stream:
        welcome = stream.hello(minutes.session_id)
        assert (welcome.state, welcome.highest_sequence_id) == (pb.SESSION_STATE_OPEN, 0)
        assert welcome.max_audio_bytes == 8 * 1024 * 1024
        stream.say(1, OPENING)
        stream.set_context(speaker="Concejala María Ospina")
        stream.say(2, DEBATE)
        stream.send_audio(3, WAV)
        stream.half_close()
        answers = [(answer.WhichOneof("kind"), answer.ack.sequence_id) for answer in stream.rest()]
        assert answers == [("ack", 1), ("context", 0), ("ack", 2), ("ack", 3)]
        assert stream.call.code() == Status.OK
    assert minutes.kinds() == ["text", "context", "text", "audio"]
    finish_jobs()
    assert [block["speaker"] for block in minutes.blocks()[:2]] == [None, "Concejala María Ospina"]


def test_any_order_and_any_repetition_make_the_same_session(rpc: Rpc, minutes: Minutes) -> None:
    texts = {1: OPENING, 2: DEBATE, 3: VOTE, 4: CLOSING}
    with live(rpc) as stream:
        stream.hello(minutes.session_id)
        for number in (3, 1, 3, 4, 2, 1):
            stream.say(number, texts[number])
        acks = [stream.read("ack") for _ in range(6)]
    assert [ack.is_repeat for ack in acks] == [False, False, True, False, False, True]
    finish_jobs()
    assert [block["text"] for block in minutes.blocks()] == list(texts.values())


def test_what_is_sent_again_keeps_the_context_that_it_was_sent_in(rpc: Rpc, minutes: Minutes) -> None:
    with live(rpc) as stream:
        stream.hello(minutes.session_id)
        stream.send_audio(1, b"nonsense")
        assert stream.read("error").code == "audio_unreadable"
        stream.say(400_000, DEBATE)
        assert stream.read("error").code == "sequence_id_too_far"
        stream.set_context(speaker="Ana Ruiz")
        assert stream.read("context").from_sequence_id == 2
        stream.set_context(topic="Acueducto", from_sequence_id=5)
        assert stream.read("context").from_sequence_id == 5
        for number in (1, 2):
            stream.say(number, DEBATE)
            stream.read("ack")
    finish_jobs()
    assert [block["speaker"] for block in minutes.blocks()] == [None, "Ana Ruiz"]


def test_a_broken_connection_is_resumed_without_loss(rpc: Rpc, minutes: Minutes) -> None:
    with live(rpc) as stream:
        stream.hello(minutes.session_id)
        stream.say(1, OPENING)
        stream.say(3, VOTE)
        assert [stream.read("ack").sequence_id, stream.read("ack").sequence_id] == [1, 3]
        stream.say(4, CLOSING)
    with live(rpc) as again:
        welcome = again.hello(minutes.session_id)
        assert welcome.highest_sequence_id in (3, 4)
        assert (list(welcome.missing), welcome.missing_count, welcome.acknowledged_to) == ([2], 1, 1)
        assert welcome.last_event == len(minutes.journal())
        for number, text in ((2, DEBATE), (3, VOTE), (4, CLOSING)):
            again.say(number, text)
        acks = [again.read("ack") for _ in range(3)]
        assert [(ack.sequence_id, ack.is_repeat) for ack in acks][:2] == [(2, False), (3, True)]
    assert accepted(minutes) == [1, 2, 3, 4]


def test_an_input_that_is_refused_does_not_end_the_stream(
    rpc: Rpc, minutes: Minutes, subtests: pytest.Subtests
) -> None:
    bad: dict[str, pb.Input] = {
        "audio_unreadable": pb.Input(sequence_id=3, audio=b"nonsense" * 99),
        "audio_empty": pb.Input(sequence_id=3, audio=b""),
        "audio_truncated": pb.Input(sequence_id=3, audio=WAV[:-1000]),
        "input_ambiguous": pb.Input(sequence_id=3),
        "input_invalid": pb.Input(sequence_id=-1, text=DEBATE),
        "sequence_id_too_far": pb.Input(sequence_id=500_000, text=DEBATE),
        "sequence_conflict": pb.Input(sequence_id=1, text=CLOSING),
        "text_invalid": pb.Input(sequence_id=3, text="  "),
    }
    with live(rpc) as stream:
        stream.hello(minutes.session_id)
        stream.say(1, OPENING)
        stream.send_audio(2, WAV)
        assert [stream.read("ack").sequence_id for _ in range(2)] == [1, 2]
        for code, given in bad.items():
            with subtests.test(code):
                stream.send(input=given)
                error = stream.read("error")
                assert (error.code, error.sequence_id) == (code, given.sequence_id)
                assert error.message
                assert not error.HasField("retry_after_s")
        stream.send_audio(2, OTHER_WAV)
        assert stream.read("error").details["sequence_id"] == 2
        stream.set_context(zone="{{ZONA}}")
        assert (stream.read("error").code, stream.call.is_active()) == ("input_invalid", True)
        stream.say(3, CLOSING)
        assert stream.read("ack").sequence_id == 3
    assert accepted(minutes) == [1, 2, 3]


def test_a_finalized_session_is_told_of_and_answers_repeats(rpc: Rpc, minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    minutes.close()
    with live(rpc) as stream:
        assert stream.hello(minutes.session_id).state == pb.SESSION_STATE_CLOSED
        stream.say(1, OPENING)
        assert stream.read("ack").is_repeat
        stream.say(2, CLOSING)
        assert stream.read("error").code == "session_not_open"


def test_an_input_that_nobody_could_store_says_when_to_come_back(
    rpc: Rpc, minutes: Minutes, settings: Settings
) -> None:
    """The object store fails for one chunk, and is there again for the next try."""
    working = settings.OBJECT_STORE_URL
    with live(rpc) as stream:
        stream.hello(minutes.session_id)
        settings.OBJECT_STORE_URL = "s3://key:secret@127.0.0.1:1/astra?tls=0"
        stream.send_audio(1, WAV)
        assert stream.read("error").retry_after_s > 0
        settings.OBJECT_STORE_URL = working
        stream.send_audio(1, WAV)
        assert stream.read("ack").sequence_id == 1


def breach(stream: Live, session_id: str, name: str) -> None:
    """Do what no client may."""
    if name == "input before hello":
        stream.say(1, OPENING)
    elif name == "context before hello":
        stream.set_context(speaker="x")
    elif name == "nothing before hello":
        stream.send()
    elif name == "no message at all":
        stream.half_close()
    else:
        stream.hello(session_id)
        stream.send(**({"hello": pb.StreamHello(session_id=session_id)} if name == "second hello" else {}))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("input before hello", "hello_missing"),
        ("context before hello", "hello_missing"),
        ("nothing before hello", "hello_missing"),
        ("no message at all", "hello_missing"),
        ("second hello", "hello_repeated"),
        ("empty message", "message_empty"),
    ],
)
def test_a_breach_of_the_order_ends_the_stream(rpc: Rpc, minutes: Minutes, name: str, code: str) -> None:
    with live(rpc) as stream, refused(code, Status.INVALID_ARGUMENT):
        breach(stream, minutes.session_id, name)
        stream.rest()
    assert minutes.kinds() == []


def test_who_says_nothing_is_not_waited_for(rpc: Rpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_stream, "HELLO_WITHIN_S", 0.2)
    with live(rpc) as stream, refused("hello_missing", Status.INVALID_ARGUMENT):
        stream.rest()


def test_bytes_that_are_no_message_end_the_stream(rpc: Rpc, minutes: Minutes) -> None:
    call: Any = rpc.channel.stream_stream(f"/{SERVICE}/Stream")
    hello = pb.StreamRequest(hello=pb.StreamHello(session_id=minutes.session_id)).SerializeToString()
    for messages in ([b"\xff\xff\xff"], [hello, b"\xff\xff\xff"]):
        with refused("message_malformed", Status.INVALID_ARGUMENT):
            list(call(iter(messages), metadata=bearer(rpc.token), timeout=20))
    assert minutes.kinds() == []


@pytest.mark.parametrize("session_id", ["", "014", "not-a-uuid"])
def test_a_hello_without_a_session_is_invalid(rpc: Rpc, session_id: str) -> None:
    with live(rpc) as stream, refused("input_invalid", Status.INVALID_ARGUMENT):
        stream.hello(session_id)


def test_a_message_over_the_limit_ends_the_stream_and_is_not_stored(
    settings: Settings, alice: Person, transactional_db: None
) -> None:
    settings.MAX_CHUNK_BYTES = 60_000
    with serving() as server, grpc.insecure_channel(server.target) as channel:
        rpc = Rpc(channel, alice.token())
        minutes = Minutes(client_for(alice), rpc.start())
        with live(rpc) as stream:
            assert stream.hello(minutes.session_id).max_audio_bytes == 60_000
            stream.send_audio(1, bytes(60_001))
            assert stream.read("error").code == "chunk_too_large"
            stream.send_audio(1, bytes(200_000))
            with pytest.raises(grpc.RpcError):
                stream.rest()
            assert stream.call.code() == Status.RESOURCE_EXHAUSTED
        assert minutes.kinds() == []


def test_a_stream_ends_when_its_token_expires_and_nothing_is_lost(rpc: Rpc, minutes: Minutes, alice: Person) -> None:
    """Accepted until ten seconds after `exp`: this one has two or three seconds left."""
    short = Rpc(rpc.channel, signed(alice, exp=utc_now() - timedelta(seconds=7.5)))
    with live(short) as stream:
        stream.hello(minutes.session_id, events=True)
        stream.say(1, OPENING)
        began = time.monotonic()
        with refused("token_expired", Status.UNAUTHENTICATED):
            stream.rest()
        assert time.monotonic() - began < 6
    with live(rpc) as again:
        assert again.hello(minutes.session_id).highest_sequence_id == 1


def test_a_watch_ends_when_its_token_expires(rpc: Rpc, minutes: Minutes, alice: Person) -> None:
    token = signed(alice, exp=utc_now() - timedelta(seconds=8.5))
    with refused("token_expired", Status.UNAUTHENTICATED):
        list(rpc.stub.Watch(pb.WatchRequest(session_id=minutes.session_id), metadata=bearer(token), timeout=20))


def test_a_council_that_is_switched_off_is_refused_at_its_next_input(rpc: Rpc, minutes: Minutes, alice: Person) -> None:
    with live(rpc) as stream:
        stream.hello(minutes.session_id)
        stream.say(1, OPENING)
        stream.read("ack")
        type(alice.council).objects.filter(pk=alice.tenant_id).update(is_active=False)
        stream.say(2, CLOSING)
        with refused("tenant_inactive", Status.PERMISSION_DENIED):
            stream.rest()
    assert accepted(minutes) == [1]


def test_a_watch_of_a_council_that_is_switched_off_ends(
    rpc: Rpc, minutes: Minutes, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("astra_site.lib.rpc.lifetime._TENANT_AGAIN_S", 0.1)
    minutes.say(1, OPENING)
    request = pb.WatchRequest(session_id=minutes.session_id)
    call = rpc.stub.Watch(request, metadata=bearer(rpc.token), timeout=20)
    next(call)
    type(alice.council).objects.filter(pk=alice.tenant_id).update(is_active=False)
    with refused("tenant_inactive", Status.PERMISSION_DENIED):
        list(call)


def test_events_come_between_the_answers_and_are_resumed_where_they_broke_off(rpc: Rpc, minutes: Minutes) -> None:
    with live(rpc) as stream:
        stream.hello(minutes.session_id, events=True)
        stream.say(1, OPENING)
        seen: list[Any] = []
        while not any(answer.WhichOneof("kind") == "event" and answer.event.number == 1 for answer in seen):
            seen.append(next(stream.call))
    finish_jobs()
    with live(rpc) as again:
        again.hello(minutes.session_id, events=True, events_after=1)
        told = [again.read("event"), again.read("event")]
        blocks = next(event for event in told if event.type == "blocks")
        assert (blocks.number, blocks.sequence_id) == (2, 1)
        assert blocks.blocks[0].text == OPENING


def test_events_want_the_scope_of_reading(rpc: Rpc, minutes: Minutes, alice: Person) -> None:
    writer = rpc.as_person(alice, "sessions:write")
    with live(writer) as stream, refused("scope_missing", Status.PERMISSION_DENIED):
        stream.hello(minutes.session_id, events=True)
    with live(writer) as stream:
        stream.hello(minutes.session_id)


def test_a_reader_that_does_not_read_holds_up_itself_and_loses_nothing(
    server: Serving, rpc: Rpc, minutes: Minutes, alice: Person
) -> None:
    """Its events fill the transport; then the server reads no more of its inputs. Another client goes on meanwhile."""
    options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 16_384)]
    count = 60
    with grpc.insecure_channel(server.target, options) as channel, live(Rpc(channel, alice.token())) as stream:
        stream.hello(minutes.session_id, events=True)
        for number in range(1, count + 1):
            stream.say(number, f"{number} " + "palabra " * 2_400)
        other = rpc.start()
        for number in range(1, count + 1):
            rpc.say(other, number, OPENING)
        held_up_at = len(accepted(minutes))
        assert held_up_at < count
        stream.half_close()
        answers = stream.rest()
    acks = [answer.ack.sequence_id for answer in answers if answer.WhichOneof("kind") == "ack"]
    assert acks == list(range(1, count + 1)) == accepted(minutes)


def test_a_client_that_vanishes_leaves_what_was_acknowledged(rpc: Rpc, minutes: Minutes) -> None:
    for number in range(1, 6):
        with live(rpc) as stream:
            stream.hello(minutes.session_id, events=True)
            stream.say(number, DEBATE)
            while next(stream.call).WhichOneof("kind") != "ack":
                pass
    assert accepted(minutes) == [1, 2, 3, 4, 5]


def test_a_stopping_server_ends_streams_between_two_messages_and_says_so(transactional_db: None, alice: Person) -> None:
    with serving() as server, grpc.insecure_channel(server.target) as channel:
        rpc = Rpc(channel, alice.token())
        minutes = Minutes(client_for(alice), rpc.start())
        with live(rpc) as stream:
            stream.hello(minutes.session_id)
            stream.say(1, OPENING)
            stream.read("ack")
            server.begin_to_stop()
            with refused("server_stopping", Status.UNAVAILABLE) as said:
                stream.rest()
        assert said["retry-after-s"] == "1"
    assert accepted(minutes) == [1]
