"""Hash values as a type, and the canonical JSON whose bytes are hashed (RFC 8785)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, BinaryIO, Self

import rfc8785

from astra_site.lib.errors import InvalidInput

_TEXT_FORM = re.compile(r"sha256:([0-9a-f]{64})\Z")
_READ_SIZE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, order=True)
class Sha256:
    """A SHA-256 digest. Its text form is `sha256:<64 lower-case hex digits>`, everywhere."""

    digest: bytes

    def __post_init__(self) -> None:
        """Refuse anything but 32 bytes."""
        if len(self.digest) != 32:
            raise InvalidInput("hash_malformed", "A SHA-256 digest has 32 bytes.")

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Hash bytes that are in memory."""
        return cls(hashlib.sha256(data).digest())

    @classmethod
    def of_stream(cls, stream: BinaryIO) -> Self:
        """Hash a stream from its current position to its end, in bounded memory."""
        digest = hashlib.sha256()
        while piece := stream.read(_READ_SIZE_BYTES):
            digest.update(piece)
        return cls(digest.digest())

    @classmethod
    def of_json(cls, value: object) -> Self:
        """Hash the canonical JSON of a value."""
        return cls.of(canonical_json(value))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form; raise `InvalidInput` (`hash_malformed`) for anything else."""
        match = _TEXT_FORM.match(text)
        if match is None:
            raise InvalidInput("hash_malformed", "A hash is written as sha256: and 64 lower-case hex digits.")
        return cls(bytes.fromhex(match.group(1)))

    @property
    def hex(self) -> str:
        """The 64 hex digits alone, for file names and foreign formats."""
        return self.digest.hex()

    def __str__(self) -> str:
        return f"sha256:{self.hex}"


def canonical_json(value: Any) -> bytes:
    """Serialise to the canonical form of RFC 8785: equal content gives equal bytes.

    Raises `InvalidInput` (`json_not_canonical`) for what JSON can't hold (NaN, integers beyond 2**53, other types).
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise InvalidInput("json_not_canonical", f"This value has no canonical JSON form: {error}") from error
