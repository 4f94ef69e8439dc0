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

    @classmethod
    def of(cls, session_id: UUID) -> BufferKeys:
        """Return the keys of a session.

        `meta` (hash) exists exactly while the buffer is complete; `order` (ZSET, score = `sequence_id`) lists the
        slots; `bodies` (hash) holds a slot's blocks as JSON, with the revision in front; `processing` (ZSET, score =
        lease end in ms) lists the slots in work.
        """
        prefix = f"session:{{{session_id}}}"
        return cls(f"{prefix}:meta", f"{prefix}:order", f"{prefix}:bodies", f"{prefix}:processing")

    def all(self) -> list[str]:
        """Return the keys in the order in which every script takes them."""
        return [self.meta, self.order, self.bodies, self.processing]
