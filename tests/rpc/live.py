"""A client of the bidirectional stream that does exactly what a test tells it, and no more."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sessions_app.rpc.generated import session_pb2 as pb
from tests.rpc.serving import TIMEOUT_S, Rpc, bearer


class Live:
    """One stream: send a message, read an answer."""

    def __init__(self, rpc: Rpc) -> None:
        self._outgoing: queue.SimpleQueue[pb.StreamRequest | None] = queue.SimpleQueue()
        outgoing: Iterator[pb.StreamRequest] = iter(self._outgoing.get, None)
        self.call: Any = rpc.stub.Stream(outgoing, metadata=bearer(rpc.token), timeout=TIMEOUT_S)

    def send(self, **kind: Any) -> None:
        self._outgoing.put(pb.StreamRequest(**kind))

    def hello(self, session_id: str, **fields: Any) -> pb.StreamWelcome:
        """Say hello and return the welcome."""
        self.send(hello=pb.StreamHello(session_id=session_id, **fields))
        welcome: pb.StreamWelcome = self.read("welcome")
        return welcome

    def say(self, sequence_id: int, text: str) -> None:
        self.send(input=pb.Input(sequence_id=sequence_id, text=text))

    def send_audio(self, sequence_id: int, audio: bytes) -> None:
        self.send(input=pb.Input(sequence_id=sequence_id, audio=audio))

    def set_context(self, **changes: Any) -> None:
        self.send(context=pb.ContextChange(**changes))

    def half_close(self) -> None:
        self._outgoing.put(None)

    def read(self, kind: str) -> Any:
        """Return the next answer, which must be of this kind."""
        answer = next(self.call)
        assert answer.WhichOneof("kind") == kind, answer
        return getattr(answer, kind)

    def rest(self) -> list[Any]:
        """Return the answers to the end of the stream; raises the status that it ends with, but for OK."""
        return list(self.call)


@contextmanager
def live(rpc: Rpc) -> Iterator[Live]:
    """Open a stream; break it off at the end of the block if it is still open."""
    stream = Live(rpc)
    try:
        yield stream
    finally:
        stream.call.cancel()
        stream.half_close()
