"""The inputs of one socket on their way into the journal: numbered, a few at a time, each answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.conf import settings

from astra_site.lib.threads import in_thread
from sessions_app.errors import InputTooLarge
from sessions_app.realtime.answers import ack_frame
from sessions_app.realtime.closing import REFUSALS, refusal_frame
from sessions_app.realtime.frames import Audio, Text
from sessions_app.realtime.socket import Socket
from sessions_app.realtime.window import Window
from sessions_app.services.inputs import MAX_SEQUENCE_JUMP, Accepted, Captured, append_audio, append_text


class Lane:
    """Accepts the inputs of a socket side by side, as far as its window allows; whoever sends more is read later.

    Memory is bounded by the window: an input leaves it when its answer has been sent. Nothing here outlives the socket;
    an input whose answer did not arrive is sent again by the client and answered as before.
    """

    def __init__(self, socket: Socket, session_id: UUID, actor: str, beside: asyncio.TaskGroup) -> None:
        self._socket, self._session_id, self._actor, self._beside = socket, session_id, actor, beside
        self._window = Window(settings.SOCKET_WINDOW, settings.MAX_CHUNK_BYTES)
        self.next_sequence_id = 1

    async def take_audio(self, header: Audio, audio: bytes) -> None:
        """Take a chunk; waits for room first."""
        number = self._number(header.sequence_id)
        if len(audio) > settings.MAX_CHUNK_BYTES:
            await self._socket.tell(refusal_frame(_too_large(), sequence_id=number, id=header.id))
            return
        captured = Captured(header.captured_at, header.duration_ms)
        call = partial(
            append_audio, self._session_id, sequence_id=number, audio=audio, captured=captured, actor=self._actor
        )
        await self._take(call, number, header.id, len(audio))

    async def take_text(self, frame: Text) -> None:
        """Take typed text; waits for room first."""
        number = self._number(frame.sequence_id)
        captured = Captured(frame.captured_at, frame.duration_ms)
        call = partial(
            append_text, self._session_id, sequence_id=number, text=frame.text, captured=captured, actor=self._actor
        )
        await self._take(call, number, frame.id, len(frame.text))

    async def settled(self) -> None:
        """Wait until every input taken so far is answered."""
        await self._window.empty()

    def _number(self, given: int | None) -> int:
        """Return the number of an input: the given one, else the one after the highest that this socket knows.

        A number that will be refused as too far does not count: it would take those without a number with it.
        """
        number = self.next_sequence_id if given is None else given
        if number < self.next_sequence_id + MAX_SEQUENCE_JUMP:
            self.next_sequence_id = max(self.next_sequence_id, number + 1)
        return number

    async def _take(self, call: Callable[[], Accepted], number: int, frame_id: str | None, size_bytes: int) -> None:
        await self._window.enter(size_bytes)
        self._beside.create_task(self._accept(call, number, frame_id, size_bytes))

    async def _accept(self, call: Callable[[], Accepted], number: int, frame_id: str | None, size_bytes: int) -> None:
        """Acknowledge what the service accepts: then, and only then, it can't be lost."""
        try:
            try:
                answer = ack_frame(await in_thread(call), frame_id)
            except REFUSALS as error:
                answer = refusal_frame(error, sequence_id=number, id=frame_id)
            await self._socket.tell(answer)
        finally:
            await self._window.leave(size_bytes)


def _too_large() -> InputTooLarge:
    limit_bytes = settings.MAX_CHUNK_BYTES
    return InputTooLarge(
        "chunk_too_large", f"At most {limit_bytes} bytes are accepted here.", details={"limit_bytes": limit_bytes}
    )
