"""Hash values as a type, and the canonical JSON whose bytes are hashed (RFC 8785)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import Any, BinaryIO, Self

import rfc8785

from astra_site.lib.errors import InvalidInput

_TEXT_FORM = re.compile(r"sha256:([0-9a-f]{64})\Z")
_READ_SIZE_BYTES = 1024 * 1024
_INTEGER_BOUND = 2**53


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
    parts: list[str] = []
    try:
        _write(value, parts.append)
        return "".join(parts).encode()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise InvalidInput("json_not_canonical", f"This value has no canonical JSON form: {error}") from error


def _write(value: Any, out: Callable[[str], None]) -> None:
    """Write the plain types, which are nearly everything, and leave the rest to `rfc8785`.

    That library is right and slow: it wrote two thirds of the time of sealing. A test holds the two together.
    """
    kind = type(value)
    if kind in _SCALARS:
        out(_SCALARS[kind](value))
    elif kind is dict:
        before = "{"
        for key, written in _members(tuple(value)):
            item = value[key]
            scalar = _SCALARS.get(type(item))
            out(before + written + (scalar(item) if scalar else ""))
            if scalar is None:
                _write(item, out)
            before = ","
        out("}" if value else "{}")
    elif kind is list or kind is tuple:
        before = "["
        for item in value:
            out(before)
            _write(item, out)
            before = ","
        out("]" if value else "[]")
    else:
        out(rfc8785.dumps(value).decode())


@lru_cache(maxsize=1024)
def _members(keys: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    """Return keys, each with how it is written, in the order of their UTF-16 (of ASCII: of their characters).

    Remembered, as thousands of objects have the same members.
    """
    try:
        ordered = sorted(keys) if all(map(str.isascii, keys)) else sorted(keys, key=_utf16)
    except TypeError as error:
        raise rfc8785.CanonicalizationError("object keys must be strings") from error
    return tuple((key, _quoted(key) + ":") for key in ordered)


def _integer(value: int) -> str:
    if -_INTEGER_BOUND < value < _INTEGER_BOUND:
        return str(value)
    raise rfc8785.CanonicalizationError(f"{value} exceeds the integers that JSON can hold")


def _number(value: float) -> str:
    written = repr(value)
    if "e" in written or "n" in written or value == 0:
        return rfc8785.dumps(value).decode()
    return written.removesuffix(".0")


def _utf16(key: str) -> bytes:
    return key.encode("utf-16be")


_SCALARS: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    int: _integer,
    float: _number,
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
}
