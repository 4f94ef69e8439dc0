"""A client of the sockets that says exactly what a test wants said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.people import Person
from tests.realtime.live_server import LiveServer

STREAM, EVENTS = "astra.stream.v1", "astra.events.v1"
WITHIN_S = 15.0


class Talk:
    """One connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, **frame: Any) -> None:
        """Send a JSON frame."""
        self.connection.send(json.dumps(frame))

    def send(self, frame: str | bytes) -> None:
        """Send a frame as it is."""
        self.connection.send(frame)

    def hear(self, kind: str | None = None, **wanted: Any) -> dict[str, Any]:
        """Return the next frame, or the next one of a kind with these members; others are passed over."""
        while True:
            frame: dict[str, Any] = json.loads(self.connection.recv(timeout=WITHIN_S))
            if kind is None or (frame["type"] == kind and wanted.items() <= frame.items()):
                return frame

    def hear_event(self, fits: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
        """Return the next event that fits."""
        while True:
            event: dict[str, Any] = self.hear("event")["event"]
            if fits(event):
                return event

    def welcome(self, **hello: Any) -> dict[str, Any]:
        """Say hello and return the welcome."""
        self.say(type="hello", **hello)
        return self.hear("welcome")

    def end(self) -> tuple[int, str, list[dict[str, Any]]]:
        """Return close code and reason, and what was heard until then."""
        heard: list[dict[str, Any]] = []
        with pytest.raises(ConnectionClosed) as closed:
            self._hear_all(heard)
        last = closed.value.rcvd
        assert last is not None, "the connection broke without a close frame"
        return last.code, last.reason, heard

    def _hear_all(self, heard: list[dict[str, Any]]) -> None:
        while True:
            heard.append(json.loads(self.connection.recv(timeout=WITHIN_S)))


@contextmanager
def talking(
    live: LiveServer,
    session_id: str,
    token: str | None = None,
    *,
    kind: str = "stream",
    subprotocols: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
    query: str = "",
    **options: Any,
) -> Iterator[Talk]:
    """Open a socket on a session; the token goes into the header."""
    sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    with connect(
        f"{live.url}/ws/v1/session/{session_id}/{kind}{query}",
        additional_headers=sent,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        compression=options.pop("compression", None),
        close_timeout=1,
        max_size=None,
        **options,
    ) as connection:
        yield Talk(connection)


@contextmanager
def streaming(live: LiveServer, session_id: str, person: Person, **hello: Any) -> Iterator[Talk]:
    """Open a stream that has been welcomed; without events unless told."""
    with talking(live, session_id, person.token(), subprotocols=(STREAM,)) as talk:
        talk.welcome(**{"events": False, **hello})
        yield talk
