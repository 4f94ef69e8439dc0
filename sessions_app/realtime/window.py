"""How much of a socket may be in work at once: the bound of its memory, and what makes a fast client wait."""

from __future__ import annotations

import asyncio


class Window:
    """Counts inputs and their bytes. One input is always let in, however large."""

    def __init__(self, max_inputs: int, max_bytes: int) -> None:
        self._max_inputs, self._max_bytes = max_inputs, max_bytes
        self._inputs = self._bytes = 0
        self._changed = asyncio.Condition()

    async def enter(self, size_bytes: int) -> None:
        """Wait until there is room, and take it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room(size_bytes))
            self._inputs += 1
            self._bytes += size_bytes

    async def leave(self, size_bytes: int) -> None:
        """Give the room back."""
        async with self._changed:
            self._inputs -= 1
            self._bytes -= size_bytes
            self._changed.notify_all()

    async def empty(self) -> None:
        """Wait until nothing is in work."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._inputs == 0)

    def _has_room(self, size_bytes: int) -> bool:
        if self._inputs == 0:
            return True
        return self._inputs < self._max_inputs and self._bytes + size_bytes <= self._max_bytes
