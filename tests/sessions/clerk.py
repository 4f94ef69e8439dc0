"""A clerk at work on the blocks of a session, through the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.sessions.minutes_client import Minutes


@dataclass(frozen=True)
class Clerk:
    """Corrects what she sees: every call is based on the block's present revision unless told otherwise."""

    minutes: Minutes

    def call(self, block_id: str, verb: str, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        """Post an operation as it is."""
        address = self.minutes.url(f"blocks/{block_id}/{verb}")
        return self.minutes.api.post(address, fields, format="json", headers=headers or {})

    def do(self, block_id: str, verb: str, **fields: Any) -> dict[str, Any]:
        """Make a correction that has to work; return the answer."""
        answer = self.call(block_id, verb, **{"revision": self.revision(block_id), **fields})
        assert answer.status_code == 200, answer.content
        done: dict[str, Any] = answer.json()
        return done

    def merge(self, block_id: str, other: str, **fields: Any) -> dict[str, Any]:
        """Put a block and a neighbour together."""
        return self.do(block_id, "merge", other_block_id=other, other_revision=self.revision(other), **fields)

    def block(self, block_id: str) -> dict[str, Any]:
        """One block as it is now."""
        return next(block for block in self.minutes.blocks() if block["block_id"] == block_id)

    def revision(self, block_id: str) -> int:
        """The block's revision now."""
        return int(self.block(block_id)["revision"])

    def ids(self) -> list[str]:
        """The ids of the blocks in the order of the document."""
        return [block["block_id"] for block in self.minutes.blocks()]

    def texts(self) -> list[str]:
        """The texts in the order of the document."""
        return [block["text"] for block in self.minutes.blocks()]

    def history(self, block_id: str) -> Any:
        """What was done to a block."""
        return self.minutes.api.get(self.minutes.url(f"blocks/{block_id}/history"))

    def edits(self, **query: Any) -> Any:
        """The session's corrections."""
        return self.minutes.api.get(self.minutes.url("edits"), query)
