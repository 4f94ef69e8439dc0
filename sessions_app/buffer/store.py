"""The session buffer: a disposable picture of a session's blocks in Redis that knows which entries it has seen.

The journal is the truth. The buffer can vanish at any moment, whole or in part; whoever meets one that is behind the
journal brings it up to date (docs/adr/0012-buffer-knows-what-it-has-seen.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from astra_site.lib.errors import Unavailable
from astra_site.lib.redis_client import REDIS_FAILURES, SessionRedis
from sessions_app.buffer import scripts
from sessions_app.buffer.keys import BufferKeys
from sessions_app.buffer.slots import Block, Page, Slot

__all__ = ["Block", "BufferBehind", "Page", "SessionBuffer", "Slot", "Standing"]

PAGE_LIMIT = 500
READ_BYTES = 256 * 1024
"""What one call reads at most, unless a single slot is larger."""
WRITE_BYTES = 256 * 1024
REBUILD_LEASE_MS = 15_000
_EXPIRED_LISTED = 100


class BufferBehind(Unavailable):
    """The buffer is missing or has not seen every entry of the journal; bring it up to date, or read the journal."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a buffer stands: it has seen all entries up to `complete_to` (0: it is missing, or was damaged).

    `expired` names slots in work whose lease ran out: work to look at.
    """

    complete_to: int
    slot_count: int
    processing_count: int
    expired: list[str] = field(default_factory=list)

    def is_drained(self, journal_length: int) -> bool:
        """Say whether nothing is in work any more; False as long as the buffer is behind the journal."""
        return self.complete_to >= journal_length and self.processing_count == 0


class SessionBuffer:
    """The buffer of one session. Every method raises `Unavailable` (`redis_unavailable`) when Redis does not answer."""

    def __init__(self, client: SessionRedis, session_id: UUID, ttl_s: int) -> None:
        """Bind to a session; nothing is read yet. Every use lets the buffer live for another `ttl_s`."""
        self._client = client
        self._keys = BufferKeys.of(session_id).all()
        self._ttl_s = ttl_s

    def apply(self, first: int, last: int, slots: Iterable[Slot], channel: str = "") -> int:
        """Write what the entries `first` to `last` did, note them as seen, and publish on `channel` if one is given.

        In any order, any number of times. One round trip, or one for every `WRITE_BYTES`; the entries are noted with
        the last. Returns how many slots were written: none of an entry that the buffer has seen already.
        """
        return self._write(slots, "", first, last, channel)

    def rebuild(self, slots: Iterable[Slot], upto: int, now_ms: int) -> int:
        """Start over from all slots that the journal's first `upto` entries make; return how many were written.

        Raises `BufferBehind` where somebody else is at it, or overtook this one.
        """
        token = uuid4().hex
        if not self._run(scripts.begin, token, now_ms, now_ms + REBUILD_LEASE_MS, self._ttl_s):
            raise _behind()
        return self._write(slots, token, 1, upto, "")

    def _write(self, slots: Iterable[Slot], token: str, first: int, last: int, channel: str) -> int:
        written = 0
        pending: list[str | int] | None = None
        for batch in _batches(slots):
            if pending is not None:
                written += self._write_once(["", token, 0, 0, *pending])
            pending = batch
        return written + self._write_once([channel, token, first, last, *(pending or ())])

    def _write_once(self, arguments: Sequence[str | int]) -> int:
        written = int(self._run(scripts.apply, self._ttl_s, *arguments))
        if written < 0:
            raise _behind()
        return written

    def page(self, first: int = 0, limit: int = PAGE_LIMIT, journal_length: int = 0) -> Page:
        """Return the blocks of at most `limit` slots from position `first`, read in pieces of `READ_BYTES`.

        Raises `BufferBehind` unless the buffer has seen the journal's first `journal_length` entries.
        """
        last = first + min(limit, PAGE_LIMIT)
        blocks: list[dict[str, Any]] = []
        while True:
            found = self._run(scripts.read, journal_length, first, last - first, READ_BYTES, self._ttl_s)
            complete_to, slot_count, processing_count, *bodies = found
            if complete_to < journal_length:
                raise _behind()
            for body in bodies:
                blocks += json.loads(body.split("|", 1)[1])
            first += len(bodies)
            if not bodies or first >= min(last, slot_count):
                return Page(blocks, slot_count, processing_count)

    def standing(self, now_ms: int = 0) -> Standing:
        """Return where the buffer stands, in constant time; looking is no use that lets it live longer."""
        complete_to, slots, working, *expired = self._run(scripts.standing, now_ms, _EXPIRED_LISTED)
        return Standing(complete_to, slots, working, expired)

    def missing(self, journal_length: int, ranges: int = 100) -> list[tuple[int, int]]:
        """Return the first entries that the buffer has not seen, as ranges with both ends included."""
        numbers = self._run(scripts.missing, journal_length, ranges)
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    def claim(self, slot: str, worker: str, until_ms: int, now_ms: int) -> bool:
        """Take a slot in work, or keep it for longer; False where it is finished, or another's whose lease holds.

        A lease is advice that saves double work. It is lost with Redis, and results are journaled once without it.
        """
        return bool(self._run(scripts.lease, slot, worker, until_ms, now_ms))

    def release(self, slot: str, worker: str, now_ms: int) -> bool:
        """Give a slot back: it is work to look at from now on. False where it is not the worker's."""
        return bool(self._run(scripts.lease, slot, worker, 0, now_ms))

    def drop(self) -> None:
        """Remove the buffer; the journal keeps everything."""
        self._run(scripts.drop)

    def _run(self, script: scripts.LuaScript, *arguments: str | int) -> Any:
        with _redis_errors():
            return script(self._client, self._keys, arguments)


def _batches(slots: Iterable[Slot]) -> Iterator[list[str | int]]:
    """Put slots together to arguments of bounded size."""
    batch: list[str | int] = []
    size_bytes = 0
    for slot in slots:
        arguments = slot.arguments()
        body_bytes = len(str(arguments[3]))
        if batch and size_bytes + body_bytes > WRITE_BYTES:
            yield batch
            batch, size_bytes = [], 0
        batch += arguments
        size_bytes += body_bytes
    if batch:
        yield batch


def _behind() -> BufferBehind:
    return BufferBehind("buffer_behind", "The session's buffer is not up to date; it follows from the journal.")


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except REDIS_FAILURES as error:
        raise Unavailable("redis_unavailable", "Redis does not answer; nothing is lost. Try again.") from error
