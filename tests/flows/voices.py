"""One session's client in the same words over every transport."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import httpx

from tests.people import Person
from tests.realtime.live_server import LiveServer
from tests.realtime.talk import Talk, streaming
from tests.rpc.live import Live, live
from tests.rpc.serving import Rpc
from tests.sessions.minutes_client import BASE


class Voice(Protocol):
    """Sends inputs and changes of context and hears that each was accepted, or the code of why not."""

    def say(self, sequence_id: int, text: str) -> str:
        """Send text; return `new`, `repeat` or the code."""
        ...

    def send_audio(self, sequence_id: int, audio: bytes) -> str:
        """Send audio; return `new`, `repeat` or the code."""
        ...

    def set_context(self, **changes: Any) -> str:
        """Change the context; None takes a value away. Return `new` or the code."""
        ...


class RestVoice:
    """One request for each."""

    def __init__(self, http: httpx.Client, session_id: str) -> None:
        self._http = http
        self._address = f"{BASE}/session/{session_id}"

    def say(self, sequence_id: int, text: str) -> str:
        return self._heard("POST", "append", json={"sequence_id": sequence_id, "text": text})

    def send_audio(self, sequence_id: int, audio: bytes) -> str:
        form = {"data": {"sequence_id": str(sequence_id)}, "files": {"audio": ("chunk", audio)}}
        return self._heard("POST", "append", **form)

    def set_context(self, **changes: Any) -> str:
        return self._heard("PATCH", "current-context", json=changes)

    def _heard(self, method: str, verb: str, **request: Any) -> str:
        answer = self._http.request(method, f"{self._address}/{verb}", **request).json()
        return str(answer["code"]) if "code" in answer else _kind(answer.get("repeated", False))


class SocketVoice:
    """Frames of one WebSocket."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def say(self, sequence_id: int, text: str) -> str:
        self._talk.say(type="text", sequence_id=sequence_id, text=text)
        return self._heard()

    def send_audio(self, sequence_id: int, audio: bytes) -> str:
        self._talk.say(type="audio", sequence_id=sequence_id)
        self._talk.send(audio)
        return self._heard()

    def set_context(self, **changes: Any) -> str:
        self._talk.say(type="context", **changes)
        return self._heard()

    def _heard(self) -> str:
        while True:
            answer = self._talk.hear()
            if answer["type"] in ("ack", "context", "error"):
                return str(answer["code"]) if answer["type"] == "error" else _kind(answer.get("repeated", False))


class GrpcVoice:
    """Messages of one bidirectional stream."""

    def __init__(self, stream: Live) -> None:
        self._stream = stream

    def say(self, sequence_id: int, text: str) -> str:
        self._stream.say(sequence_id, text)
        return self._heard()

    def send_audio(self, sequence_id: int, audio: bytes) -> str:
        self._stream.send_audio(sequence_id, audio)
        return self._heard()

    def set_context(self, **changes: Any) -> str:
        self._stream.set_context(**{name: "" if value is None else value for name, value in changes.items()})
        return self._heard()

    def _heard(self) -> str:
        answer = next(self._stream.call)
        return str(answer.error.code) if answer.WhichOneof("kind") == "error" else _kind(answer.ack.is_repeat)


def _kind(is_repeat: bool) -> str:
    return "repeat" if is_repeat else "new"


@contextmanager
def over_rest(web: LiveServer, rpc: Rpc, person: Person, session_id: str) -> Iterator[Voice]:
    headers = {"Authorization": f"Bearer {person.token()}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{web.port}", headers=headers, timeout=30) as http:
        yield RestVoice(http, session_id)


@contextmanager
def over_websocket(web: LiveServer, rpc: Rpc, person: Person, session_id: str) -> Iterator[Voice]:
    with streaming(web, session_id, person) as talk:
        yield SocketVoice(talk)


@contextmanager
def over_grpc(web: LiveServer, rpc: Rpc, person: Person, session_id: str) -> Iterator[Voice]:
    with live(rpc) as stream:
        stream.hello(session_id)
        yield GrpcVoice(stream)


VOICES = {"rest": over_rest, "websocket": over_websocket, "grpc": over_grpc}
