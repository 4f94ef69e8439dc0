"""Slots: what the buffer is made of. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Block = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """Blocks that are written and replaced together, under the name of their place in the order.

    `revision` is the number of the journal entry that they come from: of two writers of one slot the later entry
    stands, whoever comes first. `leased_until_ms` is the end of the lease of work in progress, None when the blocks are
    final. `is_gone` says that the entry left the place empty. Slots sort by (`sequence_id`, `name`).
    """

    name: str
    sequence_id: int
    revision: int
    blocks: Sequence[Block]
    leased_until_ms: int | None = None
    is_gone: bool = False

    def arguments(self) -> list[str | int]:
        """Return revision, name, score, body, lease, as the scripts take them; the body of an empty place is empty."""
        body = "" if self.is_gone else json.dumps(list(self.blocks), ensure_ascii=False, separators=(",", ":"))
        return [self.revision, self.name, self.sequence_id, body, self.leased_until_ms or 0]


@dataclass(frozen=True, slots=True)
class Page:
    """Blocks of a range of slots, in order, with the counts of the whole buffer."""

    blocks: list[dict[str, Any]]
    slot_count: int
    processing_count: int
