"""What no client should send: the socket ends with a clear code, or the frame is refused and the next one works."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from tests.people import Person
from tests.realtime.live_server import LiveServer, serving
from tests.realtime.raw import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame, raw
from tests.realtime.talk import streaming, talking
from tests.sessions.minutes_client import OPENING, Minutes
from tests.sessions.samples import SILENT_WAV_HEADER, WAV

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1024**2


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice, mode="realtime")


BEFORE_HELLO: dict[str, tuple[str | bytes, str]] = {
    "binary": (WAV, "binary_unexpected"),
    "text": (json.dumps({"type": "text", "text": OPENING}), "hello_expected"),
    "ping": ('{"type": "ping"}', "hello_expected"),
    "bye": ('{"type": "bye"}', "hello_expected"),
    "array": ("[]", "frame_unknown"),
    "nothing": ("", "frame_malformed"),
    "empty": (b"", "binary_unexpected"),
}


def test_anything_before_hello_ends_the_socket(
    live: LiveServer, minutes: Minutes, alice: Person, subtests: pytest.Subtests
) -> None:
    for name, (said, expected) in BEFORE_HELLO.items():
        for token in (alice.token(), None):
            with subtests.test(name), talking(live, minutes.session_id, token) as talk:
                talk.send(said)
                code, reason, heard = talk.end()
                assert (code, reason) == (4400, expected)
                assert [answer["code"] for answer in heard] == [reason]
    assert minutes.kinds() == []


WRONG_HELLOS: list[dict[str, Any]] = [
    {"resume": -1}, {"resume": 1.5}, {"resume": "3"}, {"resume": 2**63}, {"events_after": -1}, {"events": 1},
    {"token": 7}, {"window": 9}, {"resume": None, "id": "x" * 65}, {"events_after": True},
]  # fmt: skip


def test_a_wrong_hello_ends_the_socket(
    live: LiveServer, minutes: Minutes, alice: Person, subtests: pytest.Subtests
) -> None:
    for hello in WRONG_HELLOS:
        with subtests.test(str(hello)), talking(live, minutes.session_id, alice.token()) as talk:
            talk.say(type="hello", **hello)
            code, reason, _ = talk.end()
            assert (code, reason in {"input_invalid", "parse_error"}) == (4400, True)


ENDS = [
    ("", 4400, "frame_malformed"),
    ("{", 4400, "frame_malformed"),
    ("null", 4400, "frame_unknown"),
    ('"ping"', 4400, "frame_unknown"),
    ("[1]", 4400, "frame_unknown"),
    ("{}", 4400, "frame_unknown"),
    ('{"type": 5}', 4400, "frame_unknown"),
    ('{"type": ["ping"]}', 4400, "frame_unknown"),
    ('{"type": "nonsense"}', 4400, "frame_unknown"),
    ('{"type": "welcome"}', 4400, "frame_unknown"),
    ('{"type": "__class__"}', 4400, "frame_unknown"),
    ('{"type": "hello"}', 4400, "hello_repeated"),
    ("[" * 100_000, 4400, "frame_malformed"),
    ('{"type":' * 20_000, 4400, "frame_malformed"),
    ('{"type": "ping", "n": ' + "9" * 5000 + "}", 4400, "frame_malformed"),
    (json.dumps({"type": "text", "text": "x" * 300_000}), 4413, "frame_too_large"),
    (json.dumps({"type": "ping", "id": "x" * 300_000}), 4413, "frame_too_large"),
]


def test_a_text_frame_that_is_none_of_ours_ends_the_socket(
    live: LiveServer, minutes: Minutes, alice: Person, subtests: pytest.Subtests
) -> None:
    for text, code, reason in ENDS:
        with subtests.test(text[:40]), streaming(live, minutes.session_id, alice) as talk:
            talk.send(text)
            assert talk.end()[:2] == (code, reason)
    assert minutes.kinds() == []


NUMBERS = [
    (-1, "input_invalid"), (0, "input_invalid"), (2**31, "input_invalid"),
    (1_000_001, "input_invalid"), (10_001, "sequence_id_too_far"), (2**53, "parse_error"),
    (2**63, "parse_error"), (-(2**63), "parse_error"), (1.0, "input_invalid"), (1.5, "input_invalid"),
    ("1", "input_invalid"), (True, "input_invalid"), ([1], "input_invalid"), ({}, "input_invalid"),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["text", "audio"])
def test_a_wrong_number_costs_its_input_and_nothing_else(
    live: LiveServer, minutes: Minutes, alice: Person, kind: str
) -> None:
    with streaming(live, minutes.session_id, alice) as talk:
        for number, code in NUMBERS:
            if kind == "text":
                talk.say(type="text", sequence_id=number, text=OPENING, id="n")
            else:
                talk.say(type="audio", sequence_id=number, id="n")
                talk.send(WAV)
            error = talk.hear()
            assert (error["type"], error["code"], error["id"]) == ("error", code, "n"), number
        talk.send(WAV)
        ack = talk.hear()
        assert (ack["type"], ack["sequence_id"]) == ("ack", 1)
    assert minutes.kinds() == ["audio"]


WRONG_FIELDS: list[str] = [
    *(json.dumps(fields)[1:-1] for fields in (
        {"text": ""}, {"text": " \n"}, {"text": "a\0b"}, {"text": "\ud800"}, {"text": "x" * 20_001}, {"text": 5}, {},
        {"text": "x", "captured_at": "yesterday"}, {"text": "x", "captured_at": 5}, {"text": "x", "duration_ms": -1},
        {"text": "x", "duration_ms": 1e9}, {"text": "x", "duration_ms": 2**40}, {"text": "x", "more": 1},
        {"text": "x", "id": 5}, {"text": "x", "id": ["x"]}, {"text": "x", "captured_at": "0001-01-01T00:00:00+23:00"},
        {"text": "x", "captured_at": "9999-12-31T23:59:59-23:00"},
    )),
    '"text": "x", "duration_ms": NaN',
    '"text": "x", "id": ' + "[" * 900 + "]" * 900,
]  # fmt: skip


def test_a_wrong_field_costs_its_input_and_nothing_else(
    live: LiveServer, minutes: Minutes, alice: Person, subtests: pytest.Subtests
) -> None:
    with streaming(live, minutes.session_id, alice) as talk:
        for fields in WRONG_FIELDS:
            with subtests.test(fields[:60]):
                talk.send('{"type": "text", "sequence_id": 1' + (f", {fields}" if fields else "") + "}")
                error = talk.hear()
                assert error["type"] == "error"
                assert error["code"] in {"input_invalid", "text_invalid", "parse_error"}
                assert "retry_after_s" not in error
        talk.say(type="text", sequence_id=1, text=OPENING)
        assert talk.hear()["type"] == "ack"
    assert minutes.kinds() == ["text"]


def test_audio_that_is_none_is_refused_and_the_next_chunk_is_taken(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with streaming(live, minutes.session_id, alice) as talk:
        for audio in (b"", b"x", b"x" * 5000, WAV[:-500], SILENT_WAV_HEADER):
            talk.say(type="audio", sequence_id=1)
            talk.send(audio)
            error = talk.hear()
            assert (error["type"], error["sequence_id"]) == ("error", 1)
            assert error["code"].startswith("audio_")
        talk.say(type="audio", sequence_id=1)
        talk.send(WAV)
        assert talk.hear()["type"] == "ack"


def test_after_a_header_comes_its_audio(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    for second in ({"type": "audio"}, {"type": "text", "text": "x"}, {"type": "context"}, {"type": "bye"}):
        with streaming(live, minutes.session_id, alice) as talk:
            talk.say(type="audio", sequence_id=1)
            talk.say(**second)
            assert talk.end()[:2] == (4400, "audio_expected")
    assert minutes.kinds() == []


def test_a_chunk_over_the_limit_is_refused_by_the_application(
    live: LiveServer, minutes: Minutes, alice: Person, settings: Settings
) -> None:
    settings.MAX_CHUNK_BYTES = 50_000
    with streaming(live, minutes.session_id, alice) as talk:
        talk.send(b"x" * 50_001)
        error = talk.hear()
        assert (error["code"], error["details"]) == ("chunk_too_large", {"limit_bytes": 50_000})
        talk.say(type="audio", sequence_id=1)
        talk.send(WAV)
        assert talk.hear()["type"] == "ack"


def test_a_frame_over_the_limit_of_the_server_ends_the_socket_before_it_is_read(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    too_large = django_settings.MAX_CHUNK_BYTES + MIB
    with raw(live, minutes.session_id, alice.token()) as client:
        client.put(frame(BINARY, length=too_large)[:14])
        assert client.end()[0] == 1009
    with raw(live, minutes.session_id, alice.token()) as client:
        client.put(frame(BINARY, length=2**63 - 1)[:14])
        assert client.end()[0] == 1009
    with raw(live, minutes.session_id, alice.token()) as client:
        client.say(type="hello")
        client.put(frame(BINARY, b"x" * MIB, fin=False))
        with pytest.raises((OSError, StopIteration)):  # noqa: PT012 - it breaks somewhere on the way
            while True:
                client.put(frame(CONT, b"x" * MIB, fin=False))


BROKEN: dict[str, Callable[[], bytes]] = {
    "unmasked": lambda: frame(TEXT, b'{"type": "ping"}', masked=False),
    "unknown opcode": lambda: frame(0x3, b"x"),
    "unknown control opcode": lambda: frame(0xB, b"x"),
    "reserved bit": lambda: frame(TEXT, b'{"type": "ping"}', rsv=0x40),
    "continuation of nothing": lambda: frame(CONT, b"x"),
    "text within a message": lambda: frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"),
    "fragmented ping": lambda: frame(PING, b"x", fin=False),
    "long ping": lambda: frame(PING, b"x" * 126),
    "close of one byte": lambda: frame(CLOSE, b"x"),
    "close with a reserved code": lambda: frame(CLOSE, b"\x03\xed"),
    "negative length": lambda: b"\x82\xff" + b"\xff" * 8 + b"mask",
}


NO_UTF_8 = [b"\xff\xfe", b'{"type": "ping", "id": "\xc3"}', b"\xed\xa0\x80", b"\xf8\x88\x80\x80"]


def test_a_breach_of_the_protocol_ends_the_socket(
    live: LiveServer, minutes: Minutes, alice: Person, subtests: pytest.Subtests
) -> None:
    cases = [(name, make(), {1002, 1009}) for name, make in BROKEN.items()]
    cases += [(repr(text), frame(TEXT, text), {1007}) for text in NO_UTF_8]
    for name, sent, codes in cases:
        with subtests.test(name), raw(live, minutes.session_id, alice.token()) as client:
            client.say(type="hello", events=False)
            client.hear("welcome")
            client.put(sent)
            assert client.end()[0] in codes
    assert minutes.kinds() == []


def test_a_chunk_may_come_in_fragments_with_pings_between_them(
    live: LiveServer, minutes: Minutes, alice: Person
) -> None:
    with raw(live, minutes.session_id, alice.token()) as client:
        client.say(type="hello", events=False)
        client.hear("welcome")
        client.put(frame(BINARY, WAV[:100], fin=False), frame(PING, b"p"))
        pieces = [WAV[start : start + 1000] for start in range(100, len(WAV), 1000)]
        client.put(*(frame(CONT, piece, fin=False) for piece in pieces), frame(CONT, b""))
        assert client.next() == (PONG, b"p")
        assert client.hear("ack")["sequence_id"] == 1
    assert minutes.journal()[0].audio_size_bytes == len(WAV)


def test_a_thousand_tiny_frames_are_each_answered(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    with raw(live, minutes.session_id, alice.token()) as client:
        client.say(type="hello", events=False)
        client.put(*(frame(TEXT, b'{"type":"ping","id":"%d"}' % turn) for turn in range(1000)))
        client.put(*(frame(BINARY, b"x") for _ in range(100)))
        client.put(frame(BINARY, WAV))
        assert [client.hear("pong")["id"] for _ in range(1000)] == [str(turn) for turn in range(1000)]
        refused = [client.hear("error")["sequence_id"] for _ in range(100)]
        assert refused == list(range(1, 101))
        assert client.hear("ack")["sequence_id"] == 101


def deflated(size: int) -> bytes:
    """A message of zeros as permessage-deflate writes it."""
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (press.compress(b"\0" * size) + press.flush(zlib.Z_SYNC_FLUSH))[:-4]


ASKS_FOR_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"


def test_compression_is_not_offered(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    with raw(live, minutes.session_id, alice.token(), headers=ASKS_FOR_DEFLATE) as client:
        assert b"permessage-deflate" not in client.handshake
        client.put(frame(BINARY, deflated(30 * MIB), rsv=0x40))
        assert client.end()[0] == 1002


def test_a_compressed_bomb_is_not_inflated_where_compression_is_on(minutes: Minutes, alice: Person) -> None:
    with (
        serving(ws_per_message_deflate=True) as lenient,
        raw(lenient, minutes.session_id, alice.token(), headers=ASKS_FOR_DEFLATE) as client,
    ):
        assert b"permessage-deflate" in client.handshake
        client.put(frame(BINARY, deflated(30 * MIB), rsv=0x40))
        assert client.end()[0] == 1009


def test_the_events_socket_takes_no_inputs(live: LiveServer, minutes: Minutes, alice: Person) -> None:
    for said, reason in (
        (WAV, "binary_unexpected"),
        ('{"type": "text", "text": "x"}', "read_only"),
        ('{"type": "finalize"}', "read_only"),
        ('{"type": "ping", "x": 1}', "input_invalid"),
    ):
        with talking(live, minutes.session_id, alice.token(), kind="events") as talk:
            talk.send(said)
            assert talk.end()[:2] == (4400, reason)
    assert minutes.kinds() == []


NO_NUMBERS = ["-1", "1.5", "x", "", "9" * 30, "%00", "%D9%A1", "1e3", "+1", " 1"]


def test_events_after_something_that_is_no_number_of_the_session(
    live: LiveServer, minutes: Minutes, alice: Person, subtests: pytest.Subtests
) -> None:
    for after in [*NO_NUMBERS, "99"]:
        query = f"?after={after}".replace(" ", "%20").replace("+", "%2B")
        with subtests.test(after), talking(live, minutes.session_id, alice.token(), kind="events", query=query) as talk:
            assert talk.end()[:2] == (4400, "after_too_far" if after == "99" else "after_invalid")
