"""A published configuration as the service hands it out: pure values, checked by their hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from astra_site.lib.errors import InvalidInput
from astra_site.lib.hashing import Sha256


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which content a version of a tenant's has. A number never changes its content."""

    tenant_id: UUID
    number: int
    sha256: Sha256

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.number} {self.sha256}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read the text form; None for anything else."""
        parts = text.split(" ")
        if len(parts) != 3 or not (parts[1].isascii() and parts[1].isdigit()):
            return None
        try:
            return cls(UUID(parts[0]), int(parts[1]), Sha256.parse(parts[2]))
        except (ValueError, InvalidInput):
            return None


@dataclass(frozen=True, slots=True)
class Config:
    """A version and its content.

    `body` is the canonical JSON whose SHA-256 is the pointer's. `content` is what it says, shared by everybody who asks
    in this process: never change it.
    """

    pointer: Pointer
    body: bytes
    content: Mapping[str, Any]

    @classmethod
    def checked(cls, pointer: Pointer, body: bytes) -> Self | None:
        """Return the version with a content that came from somewhere; None unless its hash is the pointer's."""
        if Sha256.of(body) != pointer.sha256:
            return None
        return cls(pointer, body, json.loads(body))

    @property
    def number(self) -> int:
        """The version's number."""
        return self.pointer.number

    @property
    def sha256(self) -> Sha256:
        """The hash of `body`."""
        return self.pointer.sha256
