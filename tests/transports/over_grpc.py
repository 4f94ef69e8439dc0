"""The live stream over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
import grpc.aio

from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.generated.session_pb2_grpc import SessionServiceStub
from tests.transports.line import Given, Refused, Unanswered
from tests.transports.streamed import Answer, StreamedLine

_FINAL = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
}


class GrpcLine(StreamedLine):
    """Answers come in the order sent."""

    _call: Any = None

    async def connect(self) -> None:
        """See `StreamedLine`."""
        stub: Any = SessionServiceStub(self.site.grpc_channel())
        self._call = stub.Stream(metadata=(("authorization", f"Bearer {self.site.token}"),))
        await self._write(pb.StreamRequest(hello=pb.StreamHello(session_id=self.session_id)))
        if (await self._next()).WhichOneof("kind") != "welcome":
            raise Unanswered("no welcome")

    async def send(self, ticket: int, what: Given | Mapping[str, Any]) -> None:
        """See `StreamedLine`."""
        if not isinstance(what, Given):
            change: dict[str, Any] = {name: "" if value is None else value for name, value in what.items()}
            await self._write(pb.StreamRequest(context=pb.ContextChange(**change)))
            return
        given = pb.Input(sequence_id=what.sequence_id)
        if what.audio is None:
            given.text = what.text or ""
        else:
            given.audio = what.audio
        await self._write(pb.StreamRequest(input=given))

    async def receive(self) -> Answer:
        """See `StreamedLine`."""
        answer = await self._next()
        if answer.WhichOneof("kind") != "error":
            return Answer(None, answer.WhichOneof("kind") == "ack" and answer.ack.is_repeat)
        if answer.error.HasField("retry_after_s"):
            return Answer(None, Unanswered(f"grpc {answer.error.code}", answer.error.retry_after_s))
        return Answer(None, Refused(0, answer.error.code, answer.error.message))

    async def disconnect(self) -> None:
        """See `StreamedLine`."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    async def _write(self, message: pb.StreamRequest) -> None:
        call = self._call
        if call is None:
            raise Unanswered("hung up")
        try:
            await call.write(message)
        except (grpc.RpcError, asyncio.InvalidStateError, asyncio.CancelledError) as error:
            raise await _what_broke(call, error) from error

    async def _next(self) -> Any:
        call = self._call
        if call is None:
            raise Unanswered("hung up")
        try:
            answer = await call.read()
        except (grpc.RpcError, asyncio.CancelledError) as error:
            raise await _what_broke(call, error) from error
        if answer is grpc.aio.EOF:
            raise Unanswered(f"grpc {(await call.code()).name.lower()}")
        return answer


async def _what_broke(call: Any, error: BaseException) -> BaseException:
    """Return what ended a stream: the status that the server gave it, that there is no server, or somebody here."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        if task is None or task.cancelling() or not call.cancelled():
            return error
        return Unanswered("hung up")  # somebody else on this line was impatient
    if isinstance(error, grpc.aio.AioRpcError):
        told = dict(error.trailing_metadata() or ())
        code = str(told.get("astra-error-code", error.code().name.lower()))
        if "retry-after-s" not in told and error.code() in _FINAL:
            return Refused(0, code, error.details() or "")
        return Unanswered(f"grpc {code}")
    return Unanswered(f"grpc {(await call.code()).name.lower()}")
