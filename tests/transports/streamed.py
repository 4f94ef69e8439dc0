"""Lines over one connection that stays open: what every such transport has in common."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.transports.line import PATIENCE_S, Given, Refused, Site, Unanswered


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: to which message (None: to the oldest that waits), and what it says.

    `outcome` is whether it is a repetition, or why it was refused or has to be sent again.
    """

    ticket: int | None
    outcome: bool | Refused | Unanswered


class StreamedLine(ABC):
    """Sends messages as they come and matches the answers; a broken connection is opened again.

    Whoever waits for an answer when the connection breaks gets `Unanswered`, and sends the same again on a new one.
    """

    def __init__(self, site: Site, session_id: str) -> None:
        self.site = site
        self.session_id = session_id
        self._tickets = count(1)
        self._waiting: dict[int, asyncio.Future[bool]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def say(self, given: Given, *, within_s: float = PATIENCE_S) -> bool:
        """See `Line.say`. Impatience breaks the connection off, and with it everything that was on its way."""
        return await self._ask(given, within_s)

    async def set_context(self, changes: Mapping[str, Any]) -> None:
        """See `Line.set_context`."""
        await self._ask(changes, PATIENCE_S)

    async def close(self) -> None:
        """See `Line.close`."""
        await self._hang_up("closed")

    async def _ask(self, what: Given | Mapping[str, Any], within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                async with self._opening:
                    if self._reading is None:
                        await self.connect()
                        self._reading = asyncio.create_task(self._read())
                    ticket = next(self._tickets)
                    answer = self._waiting[ticket] = asyncio.get_running_loop().create_future()
                    await self.send(ticket, what)
                return await asyncio.shield(answer)
        except TimeoutError as error:
            await self._hang_up("hung up")
            raise Unanswered("timeout") from error

    async def _read(self) -> None:
        try:
            while True:
                answer = await self.receive()
                ticket = next(iter(self._waiting), 0) if answer.ticket is None else answer.ticket
                waiting = self._waiting.pop(ticket, None)
                if waiting is None or waiting.done():
                    continue
                if isinstance(answer.outcome, Exception):
                    waiting.set_exception(answer.outcome)
                else:
                    waiting.set_result(answer.outcome)
        except Unanswered as silence:
            self._reading = None
            self._break_off(silence)

    async def _hang_up(self, why: str) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        await self.disconnect()
        self._break_off(Unanswered(why))

    def _break_off(self, silence: Unanswered) -> None:
        while self._waiting:
            _, answer = self._waiting.popitem()
            if not answer.done():
                answer.set_exception(Unanswered(silence.why, silence.retry_after_s))
                answer.exception()  # somebody who has stopped waiting does not ask for it any more

    @abstractmethod
    async def connect(self) -> None:
        """Open the connection up to the server's welcome. Raises `Unanswered` and `Refused`."""

    @abstractmethod
    async def send(self, ticket: int, what: Given | Mapping[str, Any]) -> None:
        """Send a message. Raises `Unanswered` when the connection is broken."""

    @abstractmethod
    async def receive(self) -> Answer:
        """Return the next answer; raise `Unanswered` when the connection is broken."""

    @abstractmethod
    async def disconnect(self) -> None:
        """Break the connection off, if there is one."""
