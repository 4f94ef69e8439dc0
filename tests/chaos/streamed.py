"""Lines over one connection that stays open: what every such transport has in common, and gRPC."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

import grpc
import grpc.aio

from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.generated.session_pb2_grpc import SessionServiceStub
from tests.chaos.lines import PATIENCE_S, Refused, Site, Unanswered
from tests.chaos.script import Context, Said


class StreamedLine(ABC):
    """Sends messages as they come and matches the answers by their order; a broken connection is opened again.

    Whoever waits for an answer when the connection breaks gets `Unanswered`, and sends the same again on a new one.
    """

    def __init__(self, site: Site, session_id: str) -> None:
        self.site = site
        self.session_id = session_id
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._reading: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def say(self, said: Said, *, within_s: float = PATIENCE_S) -> bool:
        """See `Line.say`. Impatience breaks the connection off, and with it everything that was on its way."""
        return bool(await self._ask(self.input_message(said), within_s))

    async def set_context(self, context: Context) -> None:
        """See `Line.set_context`."""
        await self._ask(self.context_message(context), PATIENCE_S)

    async def close(self) -> None:
        """See `Line.close`."""
        await self._hang_up("closed")

    async def _ask(self, message: Any, within_s: float) -> Any:
        try:
            async with asyncio.timeout(within_s):
                async with self._opening:
                    if self._reading is None:
                        await self.connect()
                        self._reading = asyncio.create_task(self._read())
                    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                    self._waiting.append(answer)
                    await self.send(message)
                return await asyncio.shield(answer)
        except TimeoutError as error:
            await self._hang_up("hung up")
            raise Unanswered("timeout") from error
        except Unanswered:
            await self._hang_up("broken")
            raise

    async def _read(self) -> None:
        try:
            while True:
                outcome = await self.receive()
                if self._waiting and not (answer := self._waiting.popleft()).done():
                    if isinstance(outcome, Exception):
                        answer.set_exception(outcome)
                    else:
                        answer.set_result(outcome)
        except Unanswered as silence:
            self._reading = None
            self._break_off(silence.why)

    async def _hang_up(self, why: str) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        await self.disconnect()
        self._break_off(why)

    def _break_off(self, why: str) -> None:
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(Unanswered(why))
                answer.exception()  # somebody who has stopped waiting does not ask for it any more

    @abstractmethod
    def input_message(self, said: Said) -> Any:
        """Return what sends an input."""

    @abstractmethod
    def context_message(self, context: Context) -> Any:
        """Return what changes the context."""

    @abstractmethod
    async def connect(self) -> None:
        """Open the connection up to the server's welcome. Raises `Unanswered` and `Refused`."""

    @abstractmethod
    async def send(self, message: Any) -> None:
        """Send a message. Raises `Unanswered` when the connection is broken."""

    @abstractmethod
    async def receive(self) -> Any:
        """Return the next answer, True for a repetition, or its `Refused` or `Unanswered`; raise `Unanswered` when the
        connection is broken."""

    @abstractmethod
    async def disconnect(self) -> None:
        """Break the connection off, if there is one."""


class GrpcLine(StreamedLine):
    """The live stream over gRPC."""

    _call: Any = None

    def input_message(self, said: Said) -> pb.StreamRequest:
        """See `StreamedLine`."""
        given = pb.Input(sequence_id=said.sequence_id)
        if said.audio is None:
            given.text = said.text or ""
        else:
            given.audio = said.audio
        return pb.StreamRequest(input=given)

    def context_message(self, context: Context) -> pb.StreamRequest:
        """See `StreamedLine`."""
        return pb.StreamRequest(context=pb.ContextChange(speaker=context.speaker, topic=context.topic))

    async def connect(self) -> None:
        """See `StreamedLine`."""
        stub: Any = SessionServiceStub(self.site.grpc_channel())
        self._call = stub.Stream(metadata=(("authorization", f"Bearer {self.site.token}"),))
        await self.send(pb.StreamRequest(hello=pb.StreamHello(session_id=self.session_id)))
        answer = await self._answer()
        if answer.WhichOneof("kind") != "welcome":
            raise Unanswered("no welcome")

    async def send(self, message: pb.StreamRequest) -> None:
        """See `StreamedLine`."""
        if self._call is None:
            raise Unanswered("hung up")
        try:
            await self._call.write(message)
        except (grpc.RpcError, asyncio.InvalidStateError) as error:
            raise await self._what_broke(error) from error

    async def receive(self) -> Any:
        """See `StreamedLine`."""
        answer = await self._answer()
        if answer.WhichOneof("kind") == "error":
            if answer.error.HasField("retry_after_s"):
                return Unanswered(f"grpc {answer.error.code}", answer.error.retry_after_s)
            return Refused(0, answer.error.code, answer.error.message)
        return answer.WhichOneof("kind") == "ack" and answer.ack.is_repeat

    async def disconnect(self) -> None:
        """See `StreamedLine`."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    async def _answer(self) -> Any:
        call = self._call
        if call is None:
            raise Unanswered("hung up")
        try:
            answer = await call.read()
        except grpc.RpcError as error:
            raise await self._what_broke(error) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling() or not call.cancelled():
                raise
            raise Unanswered("hung up") from error  # somebody else on this line was impatient
        if answer is grpc.aio.EOF:
            raise Unanswered(f"grpc {await self._status()}")
        return answer

    async def _what_broke(self, error: Exception) -> Unanswered | Refused:
        """Return what ended the stream: the status that the server gave it, or that there is no server."""
        if isinstance(error, grpc.aio.AioRpcError):
            told = dict(error.trailing_metadata() or ())
            code = str(told.get("astra-error-code", error.code().name.lower()))
            if "retry-after-s" not in told and error.code() in _FINAL:
                return Refused(0, code, error.details() or "")
            return Unanswered(f"grpc {code}")
        return Unanswered(f"grpc {await self._status()}")

    async def _status(self) -> str:
        return str((await self._call.code()).name.lower()) if self._call is not None else "hung up"


_FINAL = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
}
