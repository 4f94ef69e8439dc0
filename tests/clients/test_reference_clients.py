"""The reference clients: every chunk arrives once, over connections that break and servers that restart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from astra_site.lib.clock import utc_now
from jobs.transcription.chunks import encode_chunk
from jobs.transcription.containers import Container
from sessions_app.clients import transport
from sessions_app.clients.grpc import GrpcClient
from sessions_app.clients.rest import RestClient
from sessions_app.clients.transport import Chunk, ComeBackLater, Pending, ServerRefused, SessionClient, Token
from sessions_app.clients.websocket import WebSocketClient
from tests.clients.cutting import wire
from tests.people import Person, client_for
from tests.realtime.live_server import LiveServer
from tests.rpc.serving import Serving, serving
from tests.sessions.minutes_client import Minutes
from tests.sessions.test_bad_tokens import signed
from tests.transcription.encodings import tone

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 12
MAKE: dict[str, Callable[[int, Token], SessionClient]] = {
    "rest": lambda port, token: RestClient(f"http://127.0.0.1:{port}", token),
    "websocket": lambda port, token: WebSocketClient(f"ws://127.0.0.1:{port}", token),
    "grpc": lambda port, token: GrpcClient(f"grpc://127.0.0.1:{port}", token),
}


@pytest.fixture(params=list(MAKE))
def kind(request: pytest.FixtureRequest) -> str:
    """Which client."""
    return str(request.param)


@pytest.fixture
def port(kind: str, request: pytest.FixtureRequest) -> int:
    """Where its server listens."""
    if kind in ("rest", "websocket"):
        web: LiveServer = request.getfixturevalue("web")
        return web.port
    server: Serving = request.getfixturevalue("server")
    return server.server.ports[0]


def chunks(count: int = COUNT, first: int = 1) -> Iterator[Chunk]:
    began = utc_now()
    for number in range(first, first + count):
        audio = encode_chunk(tone(400 + number), Container.FLAC)
        yield Chunk(number, audio, began + timedelta(milliseconds=400 * number), 400 + number)


def accepted(minutes: Minutes) -> list[int | None]:
    return sorted((row.sequence_id for row in minutes.journal() if row.kind == "audio"), key=lambda number: number or 0)


def test_chunks_arrive_with_their_times_and_a_second_run_repeats_them(kind: str, port: int, alice: Person) -> None:
    client = MAKE[kind](port, alice.token)
    minutes = Minutes(client_for(alice), client.start("America/Bogota", {"number": "014"}))
    assert client.highest_sequence_id(minutes.session_id) == 0
    first = list(client.stream_chunks(minutes.session_id, chunks()))
    again = list(client.stream_chunks(minutes.session_id, chunks()))
    assert [one.sequence_id for one in first] == [one.sequence_id for one in again] == list(range(1, COUNT + 1))
    assert (any(one.is_repeat for one in first), all(one.is_repeat for one in again)) == (False, True)
    assert client.highest_sequence_id(minutes.session_id) == COUNT
    client.close()
    assert minutes.show()["metadata"] == {"number": "014"}
    rows = minutes.journal()
    assert [row.payload["captured_duration_ms"] for row in rows] == [400 + number for number in range(1, COUNT + 1)]
    assert all(row.payload["captured_at"] for row in rows)


def test_a_connection_that_is_cut_again_and_again_loses_and_doubles_nothing(
    kind: str, port: int, alice: Person
) -> None:
    with wire(port, 9_000, 20_000, 30_000) as lossy:
        client = MAKE[kind](lossy.port, alice.token)
        minutes = Minutes.start(alice, mode="realtime")
        acknowledged = [one.sequence_id for one in client.stream_chunks(minutes.session_id, chunks())]
        client.close()
        assert lossy.cuts >= 2
    assert sorted(set(acknowledged)) == accepted(minutes) == list(range(1, COUNT + 1))
    assert len(acknowledged) == COUNT


def test_a_server_that_restarts_in_the_middle_is_waited_for(alice: Person, transactional_db: None) -> None:
    stopped = threading.Event()
    with serving() as before:
        port = before.server.ports[0]

        def with_a_restart() -> Iterator[Chunk]:
            for chunk in chunks():
                if chunk.sequence_id == 6:
                    before.begin_to_stop()
                    stopped.set()
                yield chunk

        minutes = Minutes.start(alice, mode="realtime")
        client = GrpcClient(f"127.0.0.1:{port}", alice.token)
        acknowledged: list[int] = []

        def send() -> None:
            acknowledged.extend(one.sequence_id for one in client.stream_chunks(minutes.session_id, with_a_restart()))

        sending = threading.Thread(target=send)
        sending.start()
        assert stopped.wait(20)
    with serving(f"127.0.0.1:{port}"):
        sending.join(30)
        assert not sending.is_alive()
        client.close()
    assert acknowledged == accepted(minutes) == list(range(1, COUNT + 1))


def test_a_token_that_expires_on_the_way_is_replaced(kind: str, port: int, alice: Person) -> None:
    old = signed(alice, exp=utc_now() - timedelta(hours=1))
    tokens = iter([old, *[alice.token()] * 50])
    client = MAKE[kind](port, lambda: next(tokens))
    minutes = Minutes.start(alice, mode="realtime")
    assert len(list(client.stream_chunks(minutes.session_id, chunks(2)))) == 2
    client.close()
    assert accepted(minutes) == [1, 2]


def test_what_the_server_refuses_for_good_is_not_tried_again(kind: str, port: int, alice: Person) -> None:
    minutes = Minutes.start(alice)
    cases: dict[str, tuple[Token, str, Any]] = {
        "token_expired": (lambda: signed(alice, exp=utc_now() - timedelta(hours=1)), minutes.session_id, chunks(1)),
        "scope_missing": (lambda: alice.token("sessions:read"), minutes.session_id, chunks(1)),
        "audio_unreadable": (alice.token, minutes.session_id, [Chunk(1, b"nonsense" * 9)]),
        "input_invalid": (alice.token, minutes.session_id, [Chunk(0, b"nonsense")]),
        "session_not_found": (alice.token, "01960000-0000-7000-8000-000000000000", chunks(1)),
    }
    old = cases["token_expired"][0]()
    cases["token_expired"] = (lambda: old, *cases["token_expired"][1:])
    for code, (token, session_id, sent) in cases.items():
        client = MAKE[kind](port, token)
        with pytest.raises(ServerRefused) as refused:
            list(client.stream_chunks(session_id, sent))
        client.close()
        assert refused.value.code == code
    assert minutes.kinds() == []


def test_a_server_that_is_not_there_ends_the_patience(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "GIVE_UP_AFTER_S", 0.3)
    client = MAKE[kind](1, lambda: "token")
    with pytest.raises(ComeBackLater):
        client.start("America/Bogota", {})
    with pytest.raises(ComeBackLater):
        list(client.stream_chunks("01960000-0000-7000-8000-000000000000", chunks(1)))
    client.close()


@pytest.mark.parametrize("scheme", ["http", "grpcs"])
def test_what_listens_there_but_speaks_otherwise_is_not_our_server(
    scheme: str, alice: Person, server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain HTTP to a gRPC port, and TLS to a plain one."""
    monkeypatch.setattr(transport, "GIVE_UP_AFTER_S", 0.2)
    url = f"{scheme}://127.0.0.1:{server.server.ports[0]}"
    client: SessionClient = RestClient(url, alice.token) if scheme == "http" else GrpcClient(url, alice.token)
    with pytest.raises(ComeBackLater):
        client.start("America/Bogota", {})
    client.close()


def test_no_more_than_the_window_is_kept_and_what_is_not_acknowledged_is_sent_again() -> None:
    taken: list[int] = []

    def source() -> Iterator[Chunk]:
        for chunk in chunks(6):
            taken.append(chunk.sequence_id)
            yield chunk

    pending = Pending(source(), window=3)
    sending = pending.to_send()
    assert [next(sending).sequence_id for _ in range(3)] == [1, 2, 3] == taken
    assert pending.is_full
    pending.acknowledge(2)
    pending.acknowledge(2)
    assert (pending.is_full, pending.acknowledged_count) == (False, 1)
    again = pending.to_send()
    assert [chunk.sequence_id for chunk in again] == [1, 3, 4, 5, 6]
    for number in (1, 3, 4, 5, 6):
        assert not pending.is_done
        pending.acknowledge(number)
    assert pending.is_done
