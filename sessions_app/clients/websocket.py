"""The reference client over WebSockets: one socket, opened again where it breaks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from astra_site.lib.clock import iso_utc
from sessions_app.clients.rest import RestClient
from sessions_app.clients.transport import (
    ANSWER_WITHIN_S,
    Acknowledged,
    Chunk,
    ComeBackLater,
    Pending,
    ServerRefused,
    Token,
    over_connections,
)

_SUBPROTOCOL: Final = Subprotocol("astra.stream.v1")
_TRANSIENT_STATUS: Final = frozenset({429, 500, 502, 503, 504})
_PERMANENT: Final = frozenset({1002, 1007, 1008, 1009, 4400, 4401, 4403, 4404, 4408, 4409, 4413, 4415})
"""Close codes after which connecting again changes nothing; 4409 means that another client has taken over."""
_PING_S: Final = 20.0


class WebSocketClient:
    """`sessions_app.clients.transport.SessionClient` over WebSockets."""

    def __init__(self, url: str, token: Token) -> None:
        """Talk to `ws(s)://host:port`; starting a session and asking where it stands go over HTTP there."""
        parts = urlsplit(url.rstrip("/"))
        scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
        self._url = urlunsplit(parts._replace(scheme=scheme))
        self._rest = RestClient(urlunsplit(parts._replace(scheme=scheme.replace("ws", "http", 1))), token)
        self._token = token

    def start(self, client_timezone: str, metadata: Mapping[str, Any]) -> str:
        """Start a live session and return its id."""
        return self._rest.start(client_timezone, metadata)

    def highest_sequence_id(self, session_id: str) -> int:
        """Return the highest number that the session has accepted."""
        return self._rest.highest_sequence_id(session_id)

    def stream_chunks(self, session_id: str, chunks: Iterable[Chunk]) -> Iterator[Acknowledged]:
        """Send chunks over one socket, and over another where it breaks, and yield their acknowledgements."""
        return over_connections(chunks, partial(self._one_socket, session_id))

    def close(self) -> None:
        """Close the connections."""
        self._rest.close()

    def _one_socket(self, session_id: str, pending: Pending) -> Iterator[Acknowledged]:
        """Resume, send what was not acknowledged and what follows, and settle every answer."""
        token = self._token()
        with ExitStack() as held:
            socket = _Socket(self._connect(session_id, token, held), token)
            try:
                yield from _resume(socket, pending)
                for chunk in pending.to_send():
                    socket.send(chunk)
                    while pending.is_full or socket.has_answer():
                        yield _settle(socket, pending)
                while not pending.is_empty:
                    yield _settle(socket, pending)
            except ConnectionClosed as closed:
                raise self._translated(closed, socket) from closed

    def _connect(self, session_id: str, token: str, held: ExitStack) -> ClientConnection:
        """Open a socket that is closed with `held`."""
        options: dict[str, Any] = {
            "additional_headers": {"Authorization": f"Bearer {token}"},
            "subprotocols": [_SUBPROTOCOL],
            "compression": None,
            "open_timeout": ANSWER_WITHIN_S,
            "ping_interval": _PING_S,
            "ping_timeout": _PING_S,
            "close_timeout": 1,
        }
        try:
            opened: ClientConnection = connect(f"{self._url}/ws/v1/session/{session_id}/stream", **options)
            return held.enter_context(opened)
        except InvalidStatus as error:
            raise _refused_handshake(error) from error
        except InvalidURI as error:
            raise ServerRefused("address_invalid", f"This is no address of a server: {error}") from error
        except (OSError, InvalidHandshake) as error:
            raise ComeBackLater("server_unreachable", f"The server does not answer: {error}") from error

    def _translated(self, closed: ConnectionClosed, socket: _Socket) -> ServerRefused | ComeBackLater:
        """Return what the end of a socket means for a client: come back, or give up."""
        told = closed.rcvd
        code = socket.last_error.get("code") or (told.reason if told else "") or "connection_lost"
        message = socket.last_error.get("detail") or f"The connection ended: {closed}"
        if told is None or told.code not in _PERMANENT:
            return ComeBackLater(code, message, socket.last_error.get("retry_after_s"))
        if code == "token_expired" and self._token() != socket.token:
            return ComeBackLater(code, message, 0.0)
        return ServerRefused(code, message, details={"close_code": told.code})


@dataclass
class _Socket:
    """An open socket and the last error that was told on it."""

    connection: ClientConnection
    token: str

    def __post_init__(self) -> None:
        """Nothing was heard yet."""
        self.last_error: dict[str, Any] = {}
        self._heard: list[dict[str, Any]] = []

    def send(self, chunk: Chunk) -> None:
        """Send a chunk: its header, and its audio."""
        captured_at = iso_utc(chunk.captured_at) if chunk.captured_at else None
        header = {"sequence_id": chunk.sequence_id, "captured_at": captured_at, "duration_ms": chunk.duration_ms}
        self.say({"type": "audio", **header})
        self.connection.send(chunk.audio)

    def say(self, frame: Mapping[str, Any]) -> None:
        """Send a frame."""
        self.connection.send(json.dumps(frame))

    def has_answer(self) -> bool:
        """Say whether an answer is there already."""
        try:
            self._heard.append(self._read(0))
        except TimeoutError:
            return False
        return True

    def hear(self) -> dict[str, Any]:
        """Return the next frame; raise `ComeBackLater` when there is none for long."""
        if self._heard:
            return self._heard.pop(0)
        try:
            return self._read(ANSWER_WITHIN_S)
        except TimeoutError as error:
            raise ComeBackLater("server_silent", "The server has not answered for half a minute.") from error

    def _read(self, timeout_s: float) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.connection.recv(timeout=timeout_s))
        if frame["type"] == "error":
            self.last_error = frame
        return frame


def _resume(socket: _Socket, pending: Pending) -> Iterator[Acknowledged]:
    """Say hello, and take the acknowledgements that were lost: what the server has need not be sent again."""
    kept = {chunk.sequence_id: chunk for chunk in pending.unacknowledged}
    resume = {"resume": min(kept) - 1} if kept else {}
    socket.say({"type": "hello", "events": False, **resume})
    welcome = socket.hear()
    while welcome["type"] != "welcome":
        welcome = socket.hear()
    for known in welcome["accepted"]:
        chunk = kept.get(known["sequence_id"])
        if chunk is not None and known["content_sha256"] == f"sha256:{hashlib.sha256(chunk.audio).hexdigest()}":
            pending.acknowledge(chunk.sequence_id)
            yield Acknowledged(chunk.sequence_id, is_repeat=True)


def _settle(socket: _Socket, pending: Pending) -> Acknowledged:
    """Return the next acknowledgement; raise for an input that was refused."""
    answer = socket.hear()
    if answer["type"] == "ack":
        pending.acknowledge(answer["sequence_id"])
        return Acknowledged(answer["sequence_id"], answer["repeated"])
    if "about" not in answer and "sequence_id" not in answer:
        return _settle(socket, pending)  # the reason why the socket is closed next
    if "retry_after_s" in answer:
        raise ComeBackLater(answer["code"], answer["detail"], answer["retry_after_s"])
    raise ServerRefused(answer["code"], answer["detail"], details={"sequence_id": answer.get("sequence_id")})


def _refused_handshake(error: InvalidStatus) -> ServerRefused | ComeBackLater:
    """Return what the answer to a handshake means."""
    response = error.response
    try:
        problem = json.loads(response.body or b"")
        code, message = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        code, message = f"http_{response.status_code}", str(error)
    if response.status_code in _TRANSIENT_STATUS:
        return ComeBackLater(code, message)
    return ServerRefused(code, message, details={"status": response.status_code})
