"""`astra.session.v1.SessionService`: the session's verbs over gRPC. See `protos/astra/session/v1/session.proto`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from astra_site.lib.logs import log_context
from astra_site.lib.rpc.auth import current_caller
from astra_site.lib.rpc.behaviour import Call
from astra_site.lib.rpc.lifetime import Lifetime
from astra_site.lib.threads import in_thread
from sessions_app.rpc import verbs
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.generated.session_pb2_grpc import SessionServiceServicer
from sessions_app.rpc.live_stream import LiveStream
from sessions_app.rpc.messages import appended_message
from sessions_app.rpc.requests import event_number_of, session_id_of, wait_s_of
from sessions_app.rpc.telling import tell_events
from sessions_app.services.results import blocks_within

_Answer = TypeVar("_Answer")
_Given = ParamSpec("_Given")


class SessionServicer(SessionServiceServicer):
    """Runs inside the interceptors of `astra_site.lib.rpc`: the caller is known, the tenant scope is open.

    Args:
        stopping: set when the server stops; streams end then, between two messages.
    """

    def __init__(self, stopping: asyncio.Event) -> None:
        """Remember what tells that the server stops."""
        self._stopping = stopping

    async def Start(self, request: pb.StartRequest, context: Call) -> pb.Session:
        """Start a session."""
        return await in_thread(verbs.start, request, current_caller().subject)

    async def Append(self, request: pb.AppendRequest, context: Call) -> pb.AppendResponse:
        """Accept one input; wait for its blocks if asked to."""
        wait_s = wait_s_of(request)
        ack = await _of_session(request.session_id, verbs.append, request.input, current_caller().subject)
        blocks = None
        if wait_s:
            blocks = await blocks_within(session_id_of(request.session_id), ack.sequence_id, wait_s)
        return appended_message(request.session_id, ack, blocks)

    async def Stream(  # type: ignore[override]  # stub: grpc.aio also takes coroutines that write
        self, request_iterator: Any, context: Call
    ) -> None:
        """Accept inputs over one connection."""
        caller = current_caller()
        await LiveStream(context, caller, Lifetime(caller, self._stopping)).run()

    async def SetContext(self, request: pb.SetContextRequest, context: Call) -> pb.Context:
        """Set what holds from the next input on."""
        return await _of_session(request.session_id, verbs.set_context, request.change, current_caller().subject)

    async def Get(self, request: pb.GetRequest, context: Call) -> pb.Session:
        """Say where a session stands."""
        return await _of_session(request.session_id, verbs.get)

    async def ListBlocks(self, request: pb.ListBlocksRequest, context: Call) -> pb.ListBlocksResponse:
        """List a page of blocks."""
        return await _of_session(request.session_id, verbs.list_blocks, request)

    async def Watch(  # type: ignore[override]  # stub: grpc.aio also takes coroutines that write
        self, request: pb.WatchRequest, context: Call
    ) -> None:
        """Tell what happens."""
        session_id = session_id_of(request.session_id)
        lifetime = Lifetime(current_caller(), self._stopping)
        with log_context(session_id=session_id):
            await tell_events(
                session_id,
                event_number_of(request.after),
                lifetime,
                lambda event: lifetime.finish(context.write(event)),
            )

    async def Finalize(self, request: pb.FinalizeRequest, context: Call) -> pb.Session:
        """Drain, build and seal."""
        return await _of_session(request.session_id, verbs.ask_for_minutes, request, current_caller().subject)

    async def Clone(self, request: pb.CloneRequest, context: Call) -> pb.CloneResponse:
        """Start a correction of a closed session."""
        return await _of_session(request.session_id, verbs.clone, request, current_caller().subject)


async def _of_session(
    session_id: str, verb: Callable[Concatenate[UUID, _Given], _Answer], *given: _Given.args, **named: _Given.kwargs
) -> _Answer:
    """Run a verb on a session in a thread, with the session on every log line."""
    found = session_id_of(session_id)
    with log_context(session_id=found):
        return await in_thread(verb, found, *given, **named)
