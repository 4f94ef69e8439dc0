"""The session buffer: a complete, disposable picture of a session's blocks in Redis.

The journal is the truth. The buffer can vanish at any moment; whoever finds it missing rebuilds it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
from redis.exceptions import RedisError

from astra_site.lib.errors import Unavailable
from sessions_app.buffer.keys import BufferKeys
from sessions_app.buffer.scripts import READ, WRITE

Block = Mapping[str, Any]
PAGE_LIMIT = 500


class BufferMissing(Unavailable):
    """There is no buffer for this session; rebuild it from the journal."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The blocks of one input.

    `revision` is the number of the journal entry that they come from; `leased_until_ms` is the end of the lease of
    work in progress, None when the blocks are final. Slots sort by (`sequence_id`, name): the score is the sequence.
    """

    name: str
    sequence_id: int
    revision: int
    blocks: Sequence[Block]
    leased_until_ms: int | None = None

    def arguments(self) -> list[str | int]:
        """Return revision, slot, score, body, lease, as the scripts take them."""
        body = json.dumps(list(self.blocks), ensure_ascii=False, separators=(",", ":"))
        return [self.revision, self.name, self.sequence_id, body, self.leased_until_ms or 0]


@dataclass(frozen=True, slots=True)
class Page:
    """Blocks of a range of slots, in order, with the counts of the whole buffer."""

    blocks: list[dict[str, Any]]
    slot_count: int
    processing_count: int


def slot_name(sequence_id: int, *, piece: int = 0, asset_number: int | None = None) -> str:
    """Name a slot so that names of one score sort in the order of the document (Redis breaks ties by name)."""
    if asset_number is not None:
        return f"{sequence_id:010d}a{asset_number:06d}"
    return f"{sequence_id:010d}-{piece:06d}" if piece else f"{sequence_id:010d}"


class SessionBuffer:
    """The buffer of one session."""

    def __init__(self, client: redis.Redis, session_id: UUID, ttl_s: int) -> None:
        """Bind to a session; nothing is read yet."""
        self._client = client
        self._keys = BufferKeys.of(session_id)
        self._ttl_s = ttl_s
        self._write = client.register_script(WRITE)
        self._read = client.register_script(READ)

    def put(self, slots: Sequence[Slot]) -> int:
        """Write slots, all or none, unless newer revisions are there; return how many were written.

        Raises `BufferMissing`, and `Unavailable` (`redis_unavailable`) when Redis does not answer.
        """
        written = self._written(slots, "")
        if written == -1:
            raise BufferMissing("buffer_missing", "The session's buffer is gone; it is rebuilt from the journal.")
        return written

    def load(self, slots: Iterable[Slot], loaded_at: str) -> int:
        """Write all slots and mark the buffer complete, in one step; newer slots that are there stay.

        Returns how many were written. Raises `Unavailable`.
        """
        return self._written(slots, loaded_at)

    def _written(self, slots: Iterable[Slot], loaded_at: str) -> int:
        arguments: list[str | int] = [self._ttl_s, loaded_at]
        for slot in slots:
            arguments += slot.arguments()
        with _redis_errors():
            return int(self._write(keys=self._keys.all(), args=arguments))

    def page(self, first: int = 0, limit: int = PAGE_LIMIT) -> Page:
        """Return the blocks of `limit` slots from position `first`. Raises `BufferMissing` and `Unavailable`."""
        last = first + min(limit, PAGE_LIMIT) - 1
        with _redis_errors():
            found = self._read(keys=self._keys.all(), args=[first, last, self._ttl_s])
        if found is None:
            raise BufferMissing("buffer_missing", "The session's buffer is gone; it is rebuilt from the journal.")
        slot_count, processing_count, *bodies = found
        blocks = [block for body in bodies for block in json.loads(body.split("|", 1)[1])]
        return Page(blocks, int(slot_count), int(processing_count))

    def drop(self) -> None:
        """Remove the buffer; the journal keeps everything."""
        with _redis_errors():
            self._client.delete(*self._keys.all())


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise Unavailable("redis_unavailable", "Redis does not answer; nothing is lost. Try again.") from error
