"""What happens in a session, told over a socket; and `/ws/v1/session/{id}/events`, the socket that does only that."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import ClassVar, Final
from urllib.parse import parse_qs
from uuid import UUID

from django.db import InterfaceError, OperationalError

from astra_site.lib.errors import Unavailable
from astra_site.lib.threads import in_thread
from sessions_app.api.views import READ
from sessions_app.realtime import frames
from sessions_app.realtime.answers import answering, event_frame, token_frame, welcome_frame
from sessions_app.realtime.closing import CloseCode, Closing, closing_on_refusals, malformed
from sessions_app.realtime.consumer import SessionConsumer, read_text
from sessions_app.realtime.socket import Socket
from sessions_app.services.events import watch
from sessions_app.services.standing import standing_of

logger = logging.getLogger(__name__)
_AGAIN_S: Final = 2.0


async def tell_events(socket: Socket, session_id: UUID, after: int) -> None:
    """Tell what followed entry `after`, and then what happens, until the session is closed.

    The client's speed is the pace: the next page of the journal is read when the last one was sent, so nothing piles up
    here and nothing is skipped. Raises `Closing` (4429) for a client that does not read at all.
    """
    last = after
    with closing_on_refusals():
        while True:
            try:
                async with aclosing(watch(session_id, last)) as events:
                    async for event in events:
                        await socket.tell(event_frame(event))
                        last = event.number
                return
            except (Unavailable, OperationalError, InterfaceError) as error:
                logger.warning("Events are not told for a moment: %s", error)
                await asyncio.sleep(_AGAIN_S)


class EventsConsumer(SessionConsumer):
    """Read only: everything that happens in a session, from the entry after `after` on.

    `after` stands in the address, or in the hello of a client that sends one (it must when its token is in there).
    """

    subprotocol: ClassVar[str] = "astra.events.v1"
    token_scope: ClassVar[str] = READ
    wants_hello: ClassVar[bool] = False

    async def converse(self, hello: frames.Hello | None, beside: asyncio.TaskGroup) -> None:
        """Tell everything; what the client says meanwhile is of this connection only."""
        after = hello.events_after if hello and hello.events_after is not None else self._after_in_address()
        standing = await in_thread(standing_of, self.session_id)
        if after > standing.journal_length:
            raise malformed("after_too_far", f"The session has {standing.journal_length} entries.")
        await self.socket.tell(welcome_frame(self.session_id, standing, self.caller.principal))
        beside.create_task(self._listen())
        await tell_events(self.socket, self.session_id, after)
        raise Closing(CloseCode.NORMAL, "session_closed")

    def _after_in_address(self) -> int:
        query = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = query.get("after", ["0"])[-1]
        if not given.isascii() or not given.isdecimal() or len(given) > 9:
            raise malformed("after_invalid", "after is the number of the last event that you have seen: 0, 1, 2 …")
        return int(given)

    async def _listen(self) -> None:
        with closing_on_refusals():
            while True:
                frame = read_text(await self.socket.next())
                match frame:
                    case frames.Ping():
                        await self.socket.tell(answering(frame.id, type="pong"))
                    case frames.Token():
                        await self.caller.renew(frame.token)
                        await self.socket.tell(token_frame(self.caller.principal, frame.id))
                    case frames.Bye():
                        await self.socket.tell(answering(frame.id, type="bye"))
                        raise Closing(CloseCode.NORMAL, "bye")
                    case _:
                        raise malformed("read_only", "This socket takes ping, token and bye. Inputs go to /stream.")
