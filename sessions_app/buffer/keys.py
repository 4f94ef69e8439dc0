"""The Redis keys of a session: all under one hash tag, so that one script can touch them on a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BufferKeys:
    """Names of the keys of one session's buffer."""

    meta: str
    order: str
    bodies: str
    processing: str
    applied: str

    @classmethod
    def of(cls, session_id: UUID) -> BufferKeys:
        """Return the keys of a session.

        `meta` (hash) counts what the other keys hold, so that one that was lost alone is missed, and notes who works
        on which slot; `order` (ZSET, score = `sequence_id`) lists the slots; `bodies` (hash) holds a slot's blocks as
        JSON, with the revision in front; `processing` (ZSET, score = lease end in ms) lists the slots in work;
        `applied` (bitmap) has a bit for each journal entry that the buffer has seen.
        """
        prefix = f"session:{{{session_id}}}"
        return cls(*(f"{prefix}:{name}" for name in ("meta", "order", "bodies", "processing", "applied")))

    def all(self) -> list[str]:
        """Return the keys in the order in which every script takes them."""
        return [self.meta, self.order, self.bodies, self.processing, self.applied]
