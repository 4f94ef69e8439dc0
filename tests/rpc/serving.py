"""A real gRPC server in a thread of this process, on a free loopback port, and a client of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from astra_site.grpc_server import GrpcServer
from astra_site.lib.errors import AstraError
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.generated.session_pb2_grpc import SessionServiceStub
from tests.people import Person

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Serving:
    """A server that runs. `loop` is its event loop."""

    server: GrpcServer
    loop: asyncio.AbstractEventLoop
    stop_event: asyncio.Event

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.server.ports[0]}"

    def begin_to_stop(self) -> None:
        """Tell it to drain, and go on; it may have ended already."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.stop_event.set)


@contextmanager
def serving(*addresses: str) -> Iterator[Serving]:
    """Run a server until the end of the block. Raises what its start raises."""
    started: Future[Serving] = Future()

    async def run() -> None:
        stop_event = asyncio.Event()
        try:
            async with GrpcServer(addresses or ("127.0.0.1:0",)) as server:
                started.set_result(Serving(server, asyncio.get_running_loop(), stop_event))
                await stop_event.wait()
        except AstraError as error:
            started.set_exception(error)

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="grpc-server")
    thread.start()
    running = started.result(TIMEOUT_S)
    try:
        yield running
    finally:
        running.begin_to_stop()
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@dataclass(frozen=True)
class Rpc:
    """A client app: a channel and a token."""

    channel: grpc.Channel
    token: str

    @property
    def stub(self) -> SessionServiceStub:
        return SessionServiceStub(self.channel)

    def call(self, method: str, request: Any) -> Any:
        """Call a unary method."""
        return getattr(self.stub, method)(request, metadata=bearer(self.token), timeout=TIMEOUT_S)

    def start(self, **fields: Any) -> str:
        """Start a session and return its id."""
        fields = {"client_timezone": "America/Bogota", **fields}
        return str(self.call("Start", pb.StartRequest(**fields)).session_id)

    def say(self, session_id: str, sequence_id: int, text: str) -> Any:
        """Append text."""
        given = pb.Input(sequence_id=sequence_id, text=text)
        return self.call("Append", pb.AppendRequest(session_id=session_id, input=given))

    def as_person(self, person: Person, *scopes: str) -> Rpc:
        """The same channel with somebody's token."""
        return Rpc(self.channel, person.token(*scopes))


def problem_of(error: grpc.RpcError) -> dict[str, Any]:
    """Return the problem that an error carries; check that its parts agree."""
    assert isinstance(error, grpc.Call)
    trailing: dict[str, Any] = dict(error.trailing_metadata() or ())
    problem: dict[str, Any] = json.loads(trailing["astra-problem-bin"])
    assert trailing["astra-error-code"] == problem["code"]
    assert trailing["x-trace-id"] == problem["trace_id"]
    assert error.details() == problem["detail"]
    return {**problem, "retry-after-s": trailing.get("retry-after-s")}


@contextmanager
def refused(code: str, status: grpc.StatusCode) -> Iterator[dict[str, Any]]:
    """Expect a call to be refused in this way; yields what the problem says, filled in at the end."""
    said: dict[str, Any] = {}
    with pytest.raises(grpc.RpcError) as raised:
        yield said
    said.update(problem_of(raised.value))
    assert (said["code"], raised.value.code()) == (code, status), said
