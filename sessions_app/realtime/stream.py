"""`/ws/v1/session/{id}/stream`: a live session over one socket (docs/guides/websocket.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, ClassVar, Final

from astra_site.lib.callers import check_scope
from astra_site.lib.threads import in_thread
from sessions_app.api.views import READ, WRITE, SessionContextView
from sessions_app.realtime import frames
from sessions_app.realtime.answers import (
    Answer,
    answering,
    context_frame,
    finalize_frame,
    token_frame,
    welcome_frame,
)
from sessions_app.realtime.closing import REFUSALS, CloseCode, Closing, malformed, refusal_frame
from sessions_app.realtime.consumer import SessionConsumer
from sessions_app.realtime.intake import Intake
from sessions_app.realtime.live_events import tell_events
from sessions_app.realtime.takeover import give_way
from sessions_app.services.finalize import finalize
from sessions_app.services.sessions import change_context
from sessions_app.services.standing import standing_of
from sessions_app.services.waiting import what_is_left

_UNANNOUNCED: Final = frames.Audio(type="audio")
_SKIPPED: Final = frames.Audio(type="audio")
"""Stands for a header that was refused: the audio that follows it is dropped."""


class StreamConsumer(SessionConsumer):
    """Inputs in, acknowledgements and events out. The newest stream of a session replaces the one before.

    A frame is read when the one before it is answered. So the order sent is the order of the journal, a context holds
    for what follows it, one socket keeps one thread busy at most, and a client that is too fast, or does not read, is
    held up by TCP: what waits here is one frame in work and one that was read ahead.
    """

    subprotocol: ClassVar[str] = "astra.stream.v1"
    token_scope: ClassVar[str] = WRITE
    wants_hello: ClassVar[bool] = True
    _intake: Intake
    _header: frames.Audio | None = None
    _tells_events: bool = False

    async def converse(self, hello: frames.Hello | None, beside: asyncio.TaskGroup) -> None:
        """Welcome the client and answer its frames, one after the other, until somebody ends it."""
        if hello is None:
            raise malformed("hello_expected", "The first frame must be a hello.")
        standing = await in_thread(standing_of, self.session_id, hello.resume)
        self._intake = Intake(self.session_id, self.caller.principal.subject, standing.highest_sequence_id)
        beside.create_task(give_way(self.session_id))
        await self.socket.tell(welcome_frame(self.session_id, standing, self.caller.principal))
        self._tells_events = self._wants_events(hello)
        if self._tells_events:
            after = standing.journal_length if hello.events_after is None else hello.events_after
            beside.create_task(tell_events(self.socket, self.session_id, after))
        while True:
            await self._take(await self.socket.next())

    def _wants_events(self, hello: frames.Hello) -> bool:
        """Events are for those who may read; a client that only writes need not say that it wants none."""
        if hello.events:
            check_scope(self.caller.principal, READ)
        return READ in self.caller.principal.scopes and hello.events is not False

    async def _take(self, given: str | bytes) -> None:
        if isinstance(given, bytes):
            header, self._header = self._header or _UNANNOUNCED, None
            if header is not _SKIPPED:
                number = self._intake.number(header.sequence_id)
                work = in_thread(self._intake.accept_audio, number, header, given)
                await self._tell(work, sequence_id=number, id=header.id)
            return
        try:
            frame = frames.read_frame(given)
        except frames.FrameRefused as refused:
            self._check_place(refused.kind)
            if refused.kind == "audio":
                self._header = _SKIPPED
            await self.socket.tell(refusal_frame(refused.error, about=refused.kind, id=refused.frame_id))
            return
        self._check_place(frame.type)
        await self._answer(frame)

    def _check_place(self, kind: str) -> None:
        """Only what has no place in the order may stand between the header of a chunk and its audio."""
        if self._header is not None and kind not in ("ping", "token"):
            raise malformed("audio_expected", "After the frame audio comes the binary frame that it announces.")

    async def _answer(self, frame: frames.Frame) -> None:
        match frame:
            case frames.Audio():
                self._header = frame
            case frames.Text():
                number = self._intake.number(frame.sequence_id)
                work = in_thread(self._intake.accept_text, number, frame)
                await self._tell(work, sequence_id=number, id=frame.id)
            case frames.Context():
                await self._tell(in_thread(self._change_context, frame), about=frame.type, id=frame.id)
            case frames.Finalize():
                await self._tell(in_thread(self._finalize, frame), about=frame.type, id=frame.id)
            case frames.Token():
                await self._tell(self._renew(frame), about=frame.type, id=frame.id)
            case frames.Ping():
                await self.socket.tell(answering(frame.id, type="pong"))
            case frames.Bye():
                await self.socket.tell(answering(frame.id, type="bye"))
                raise Closing(CloseCode.NORMAL, "bye")
            case frames.Hello():
                raise malformed("hello_repeated", "Hello is said once.")

    async def _tell(self, work: Awaitable[Answer], **about: Any) -> None:
        """Tell what a piece of work answers, or why it was refused; the conversation goes on either way."""
        try:
            answer = await work
        except REFUSALS as error:
            answer = refusal_frame(error, **about)
        await self.socket.tell(answer)

    def _change_context(self, frame: frames.Context) -> Answer:
        """Let a context hold from the number that it names, else from the one after the highest that was sent here.

        That may be one that was refused: what is sent again was said before the context.
        """
        given = SessionContextView.Input(data=frame.fields())
        given.is_valid(raise_exception=True)
        changes = dict(given.validated_data)
        row = change_context(
            self.session_id,
            actor=self.caller.principal.subject,
            from_sequence_id=changes.pop("from_sequence_id", None),
            not_before=self._intake.next_sequence_id,
            changes=changes,
        )
        return context_frame(row, frame.id)

    def _finalize(self, frame: frames.Finalize) -> Answer:
        actor = self.caller.principal.subject
        session = finalize(self.session_id, actor=actor, accept_gaps=frame.accept_gaps)
        return finalize_frame(session, what_is_left(session), frame.id)

    async def _renew(self, frame: frames.Token) -> Answer:
        await self.caller.renew(frame.token, *([READ] if self._tells_events else []))
        return token_frame(self.caller.principal, frame.id)
