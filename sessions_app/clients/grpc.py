"""The reference client over gRPC: one bidirectional stream, opened again where it breaks."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from sessions_app.clients.transport import (
    ANSWER_WITHIN_S,
    Acknowledged,
    Chunk,
    ComeBackLater,
    Pending,
    ServerRefused,
    Token,
    over_connections,
    patience,
)
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.generated.session_pb2_grpc import SessionServiceStub

_OPTIONS: Final = [
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
]
_BROKEN: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)
_Answers = queue.SimpleQueue["pb.StreamResponse | ServerRefused | ComeBackLater"]


class GrpcClient:
    """`sessions_app.clients.transport.SessionClient` over gRPC."""

    def __init__(self, url: str, token: Token) -> None:
        """Make a channel to `grpc://host:port`, or `grpcs://host:port` with TLS; it connects when it is used."""
        parts = urlsplit(url if "://" in url else f"grpc://{url}")
        if parts.scheme == "grpcs":
            self._channel = grpc.secure_channel(parts.netloc, grpc.ssl_channel_credentials(), _OPTIONS)
        else:
            self._channel = grpc.insecure_channel(parts.netloc, _OPTIONS)
        self._stub = SessionServiceStub(self._channel)
        self._token = token

    def start(self, client_timezone: str, metadata: Mapping[str, Any]) -> str:
        """Start a live session and return its id."""
        described = Struct()
        described.update(metadata)
        request = pb.StartRequest(client_timezone=client_timezone, mode=pb.MODE_REALTIME, metadata=described)
        return str(self._patiently(self._stub.Start, request).session_id)

    def highest_sequence_id(self, session_id: str) -> int:
        """Return the highest number that the session has accepted."""
        return int(self._patiently(self._stub.Get, pb.GetRequest(session_id=session_id)).highest_sequence_id)

    def stream_chunks(self, session_id: str, chunks: Iterable[Chunk]) -> Iterator[Acknowledged]:
        """Send chunks over one stream, and over another where it breaks, and yield their acknowledgements."""
        return over_connections(chunks, partial(self._one_stream, session_id))

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _one_stream(self, session_id: str, pending: Pending) -> Iterator[Acknowledged]:
        outgoing: queue.SimpleQueue[pb.StreamRequest | None] = queue.SimpleQueue()
        token = self._token()
        call: Any = self._stub.Stream(iter(outgoing.get, None), metadata=_bearer(token))
        answers: _Answers = queue.SimpleQueue()
        reading = threading.Thread(target=self._read, args=(call, token, answers), daemon=True)
        reading.start()
        try:
            outgoing.put(pb.StreamRequest(hello=pb.StreamHello(session_id=session_id)))
            for chunk in pending.to_send():
                outgoing.put(pb.StreamRequest(input=_input(chunk)))
                while pending.is_full or not answers.empty():
                    yield from _settle(answers, pending)
            while not pending.is_empty:
                yield from _settle(answers, pending)
        finally:
            call.cancel()
            outgoing.put(None)
            reading.join()

    def _read(self, call: Any, token: str, answers: _Answers) -> None:
        try:
            for answer in call:
                answers.put(answer)
            answers.put(ComeBackLater("stream_ended", "The server ended the stream."))
        except grpc.RpcError as error:
            answers.put(self._translated(error, token))

    def _patiently(self, method: Any, request: Any) -> Any:
        for attempt in patience():
            with attempt:
                token = self._token()
                try:
                    return method(request, metadata=_bearer(token), timeout=ANSWER_WITHIN_S)
                except grpc.RpcError as error:
                    raise self._translated(error, token) from error
        raise AssertionError("patience() raises the last error")

    def _translated(self, error: Any, token: str) -> ServerRefused | ComeBackLater:
        """Return what an error means for a client: come back, or give up."""
        told = dict(error.trailing_metadata() or ())
        code = str(told.get("astra-error-code", f"grpc_{error.code().name.lower()}"))
        message = str(error.details() or "The server does not answer.")
        if "retry-after-s" in told:
            return ComeBackLater(code, message, float(told["retry-after-s"]))
        if error.code() in _BROKEN:
            return ComeBackLater(code, message)
        if code == "token_expired" and self._token() != token:
            return ComeBackLater(code, message, 0.0)
        return ServerRefused(code, message, details=_details_of(told))


def _settle(answers: _Answers, pending: Pending) -> Iterator[Acknowledged]:
    """Wait for the next answer and settle it; yield the acknowledgement that it is."""
    try:
        answer = answers.get(timeout=ANSWER_WITHIN_S)
    except queue.Empty as error:
        raise ComeBackLater("server_silent", "The server has not answered for half a minute.") from error
    if isinstance(answer, ServerRefused | ComeBackLater):
        raise answer
    kind = answer.WhichOneof("kind")
    if kind == "ack":
        pending.acknowledge(answer.ack.sequence_id)
        yield Acknowledged(answer.ack.sequence_id, answer.ack.is_repeat)
    elif kind == "error" and answer.error.HasField("retry_after_s"):
        raise ComeBackLater(answer.error.code, answer.error.message, answer.error.retry_after_s)
    elif kind == "error":
        raise ServerRefused(answer.error.code, answer.error.message, details={"sequence_id": answer.error.sequence_id})


def _input(chunk: Chunk) -> pb.Input:
    return pb.Input(
        sequence_id=chunk.sequence_id,
        audio=chunk.audio,
        captured_at=_stamp(chunk.captured_at) if chunk.captured_at else None,
        duration_ms=chunk.duration_ms,
    )


def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def _details_of(told: Mapping[str, str | bytes]) -> dict[str, object]:
    problem = json.loads(told.get("astra-problem-bin", b"{}"))
    return {name: problem[name] for name in ("details", "errors", "trace_id") if name in problem}
