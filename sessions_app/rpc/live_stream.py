"""One live session over one bidirectional stream: hello, welcome, then an answer to each message."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import UUID

import grpc
from django.db import DataError, InterfaceError, OperationalError
from rest_framework.exceptions import APIException

from astra_site.lib.auth_tokens import Principal
from astra_site.lib.callers import check_active, check_scope
from astra_site.lib.errors import AstraError, InvalidInput
from astra_site.lib.logs import log_context
from astra_site.lib.problems import problem_of
from astra_site.lib.rpc.behaviour import Call, readable
from astra_site.lib.rpc.lifetime import Lifetime
from astra_site.lib.threads import in_thread
from sessions_app.api.views import READ
from sessions_app.rpc import requests, verbs
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.messages import error_message
from sessions_app.rpc.telling import tell_events
from sessions_app.services.inputs import MAX_SEQUENCE_JUMP

HELLO_WITHIN_S: Final = 10.0
_ENDS_THE_STREAM: Final = (401, 403)
_REFUSALS: Final = (AstraError, APIException, DataError, OperationalError, InterfaceError)


class LiveStream:
    """Answers the messages of one stream one by one.

    The next message is read when the last one is stored and answered, so the order of inputs and changes of context is
    the order sent, and neither a fast sender nor a slow reader makes memory grow: gRPC's flow control holds them up.
    """

    def __init__(self, call: Call, caller: Principal, lifetime: Lifetime) -> None:
        """Bind to a call; nothing is read yet."""
        self._call = call
        self._caller = caller
        self._lifetime = lifetime
        self._writing = asyncio.Lock()
        self._next_sequence_id = 1

    async def run(self) -> None:
        """Serve the stream to its end: the client half-closes, the token expires, or the server stops."""
        hello = await self._hello()
        session_id = requests.session_id_of(hello.session_id)
        after = requests.event_number_of(hello.events_after)
        if hello.events:
            check_scope(self._caller, READ)
        with log_context(session_id=session_id):
            welcome = await in_thread(verbs.welcome, session_id)
            self._next_sequence_id = welcome.highest_sequence_id + 1
            await self._send(pb.StreamResponse(welcome=welcome))
            try:
                async with asyncio.TaskGroup() as tasks:
                    telling = tasks.create_task(self._tell(session_id, after)) if hello.events else None
                    await self._answer_all(session_id)
                    if telling is not None:
                        telling.cancel()
            except BaseExceptionGroup as several:
                raise several.exceptions[0] from None

    async def _hello(self) -> pb.StreamHello:
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                first = await self._lifetime.next(self._call.read())
        except TimeoutError:
            first = grpc.aio.EOF
        first = readable(first)
        if not isinstance(first, pb.StreamRequest) or first.WhichOneof("kind") != "hello":
            raise InvalidInput("hello_missing", "The first message of a stream is hello, with the session's id.")
        return first.hello

    async def _tell(self, session_id: UUID, after: int) -> None:
        await tell_events(session_id, after, self._lifetime, lambda event: self._send(pb.StreamResponse(event=event)))

    async def _answer_all(self, session_id: UUID) -> None:
        while True:
            request: Any = readable(await self._lifetime.next(self._call.read()))
            if request is grpc.aio.EOF:
                return
            await self._send(await self._answer(session_id, request))

    async def _answer(self, session_id: UUID, request: pb.StreamRequest) -> pb.StreamResponse:
        """Return the answer to a message; raise for what ends the stream."""
        kind = request.WhichOneof("kind")
        if kind == "hello":
            raise InvalidInput("hello_repeated", "A stream has one hello. Open another stream for another session.")
        if kind is None:
            raise InvalidInput("message_empty", "A message holds an input or a change of context.")
        try:
            return await in_thread(self._do, session_id, request)
        except _REFUSALS as error:
            problem = problem_of(error)
            if problem is None or problem.status in _ENDS_THE_STREAM:
                raise
            return pb.StreamResponse(error=error_message(request.input.sequence_id, problem))

    def _do(self, session_id: UUID, request: pb.StreamRequest) -> pb.StreamResponse:
        check_active(self._caller)
        actor = self._caller.subject
        if request.HasField("context"):
            changed = verbs.set_context(session_id, request.context, actor, not_before=self._next_sequence_id)
            return pb.StreamResponse(context=changed)
        number = request.input.sequence_id
        if number < self._next_sequence_id + MAX_SEQUENCE_JUMP:
            # A number that was refused counts too: sent again, it belongs to the context that it was sent in.
            self._next_sequence_id = max(self._next_sequence_id, number + 1)
        return pb.StreamResponse(ack=verbs.append(session_id, request.input, actor))

    async def _send(self, answer: pb.StreamResponse) -> None:
        async with self._writing:
            await self._lifetime.finish(self._call.write(answer))
