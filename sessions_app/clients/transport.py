"""What a client is on every transport: chunks go out, acknowledgements come back, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import stamina

from astra_site.lib.errors import AstraError, Unavailable

WINDOW: Final = 8
"""Chunks that may be on their way at the same time: what a client must keep to send it again."""
GIVE_UP_AFTER_S: Final = 60.0
ANSWER_WITHIN_S: Final = 30.0
_SOONEST_S: Final = 0.05

Token = Callable[[], str]
"""Gives the token to use now; asked for every connection, so that an expired one can be replaced."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of audio with its number, and when it was captured."""

    sequence_id: int
    audio: bytes
    captured_at: datetime | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server can't lose this input any more. `is_repeat`: it had it before."""

    sequence_id: int
    is_repeat: bool


class ServerRefused(AstraError):
    """The server refused, and would refuse again; `code` and message are the server's."""


class ComeBackLater(Unavailable):
    """The server is not there, is busy, or broke off; the same may succeed later."""

    def __init__(self, code: str, message: str, retry_after_s: float | None = None) -> None:
        """Keep when to come back; None leaves it to the client's patience."""
        super().__init__(code, message)
        self.retry_after_s = retry_after_s


class SessionClient(Protocol):
    """A client of one server. Every method raises `ServerRefused`, and `ComeBackLater` when its patience has ended."""

    def start(self, client_timezone: str, metadata: Mapping[str, Any]) -> str:
        """Start a live session and return its id."""
        ...

    def highest_sequence_id(self, session_id: str) -> int:
        """Return the highest number that the session has accepted; 0 for none."""
        ...

    def stream_chunks(self, session_id: str, chunks: Iterable[Chunk]) -> Iterator[Acknowledged]:
        """Send chunks and yield their acknowledgements.

        After a broken connection it connects again and sends again what was not acknowledged, for as long as there is
        progress every minute. A chunk is taken from `chunks` when there is room for it, so that memory stays flat.
        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def patience() -> Iterator[Any]:
    """Return the tries of one call: with growing pauses and jitter, or when the server says, for a minute."""
    return iter(
        stamina.retry_context(
            on=_come_back, attempts=None, timeout=GIVE_UP_AFTER_S, wait_initial=0.1, wait_max=5.0, wait_jitter=0.5
        )
    )


def _come_back(error: Exception) -> bool | float:
    if not isinstance(error, ComeBackLater):
        return False
    return True if error.retry_after_s is None else max(error.retry_after_s, _SOONEST_S)


class Pending:
    """The chunks on their way: kept until they are acknowledged, in the order of their source."""

    def __init__(self, chunks: Iterable[Chunk], window: int = WINDOW) -> None:
        """Take nothing yet."""
        self._source = iter(chunks)
        self._window = window
        self._unacknowledged: dict[int, Chunk] = {}
        self._source_ended = False
        self.acknowledged_count = 0

    @property
    def is_full(self) -> bool:
        """Whether something must be acknowledged before another chunk may go out."""
        return len(self._unacknowledged) >= self._window

    @property
    def unacknowledged(self) -> list[Chunk]:
        """What was taken and is not acknowledged, in its order."""
        return list(self._unacknowledged.values())

    @property
    def is_empty(self) -> bool:
        """Whether everything that was taken is acknowledged."""
        return not self._unacknowledged

    @property
    def is_done(self) -> bool:
        """Whether everything is acknowledged and nothing follows."""
        return self._source_ended and self.is_empty

    def to_send(self) -> Iterator[Chunk]:
        """Yield what a new connection must send: first again what was not acknowledged, then what follows."""
        yield from list(self._unacknowledged.values())
        for chunk in self._source:
            self._unacknowledged[chunk.sequence_id] = chunk
            yield chunk
        self._source_ended = True

    def acknowledge(self, sequence_id: int) -> None:
        """Let go of a chunk."""
        if self._unacknowledged.pop(sequence_id, None) is not None:
            self.acknowledged_count += 1


def over_connections(
    chunks: Iterable[Chunk], over_one: Callable[[Pending], Iterator[Acknowledged]]
) -> Iterator[Acknowledged]:
    """Send chunks `over_one` connection, and over another where it breaks (`ComeBackLater`), until all are there.

    What a connection achieved before it broke makes the patience new.
    """
    pending = Pending(chunks)
    while not pending.is_done:
        for attempt in patience():
            with attempt:
                before = pending.acknowledged_count
                try:
                    yield from over_one(pending)
                except ComeBackLater:
                    if pending.acknowledged_count == before:
                        raise
                break
