"""The evidence as the checks see it: parsed once, every part optional until a check asks for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from astra_verify import canonical
from astra_verify.bundle import Bundle
from astra_verify.findings import Disproved

HASH = re.compile(r"sha256:[0-9a-f]{64}\Z")
_LARGEST = 2**53 - 1


def text(value: Any, what: str) -> str:
    """The value, if it is text; else `Disproved`."""
    if not isinstance(value, str):
        raise Disproved(f"{what} is not text.")
    return value


def whole(value: Any, what: str) -> int:
    """The value, if it is a whole number from 0 that a double holds exactly; else `Disproved`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise Disproved(f"{what} is not a whole number from 0.")
    return value


def number_or_none(value: Any, what: str) -> int | None:
    """A sequence number, or None where there is none; else `Disproved`."""
    return None if value is None else whole(value, f"{what}: the sequence number")


def hash_text(value: Any, what: str) -> str:
    """The value, if it is `sha256:<64 hex digits>`; else `Disproved`."""
    if not isinstance(value, str) or not HASH.match(value):
        raise Disproved(f"{what} is not a hash in the form sha256:<64 hex digits>.")
    return value


def record(value: Any, what: str) -> dict[str, Any]:
    """The value, if it is a JSON object; else `Disproved`."""
    if not isinstance(value, dict):
        raise Disproved(f"{what} is not a JSON object.")
    return value


def rows(value: Any, what: str) -> list[dict[str, Any]]:
    """The value, if it is an array of JSON objects; else `Disproved`."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Disproved(f"{what} is not an array of JSON objects.")
    return value


def schema(value: dict[str, Any], known: str, what: str) -> None:
    """Refuse a part of a kind or version that this verifier was not written for."""
    if value.get("schema") != known:
        raise Disproved(f"{what} is not of the kind {known}, the only one that this verifier knows.")


def members(value: dict[str, Any], known: frozenset[str], what: str) -> None:
    """Refuse other members than these in a part that nobody signed: a reader could take them for proven."""
    if set(value) != known:
        raise Disproved(f"{what} has other members than {', '.join(sorted(known))}.")


@dataclass(frozen=True)
class Outside:
    """What the verifying person brings along.

    Keys from elsewhere, the chain's snapshot before this one, the hash of the document that the person holds.
    """

    trusted_keys: frozenset[bytes] | None = None
    previous: dict[str, Any] | None = None
    document_sha256: str | None = None


class Evidence:
    """A bundle with its parts parsed on demand; a malformed part raises `Disproved` in the check that needs it."""

    def __init__(self, bundle: Bundle, outside: Outside) -> None:
        """Nothing is read yet."""
        self.bundle = bundle
        self.outside = outside

    @cached_property
    def signed(self) -> dict[str, Any]:
        """`snapshot.json`."""
        return record(self.bundle.json("snapshot.json"), "snapshot.json")

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The sealed payload of `snapshot.json`."""
        return record(self.signed.get("payload"), "The snapshot's payload")

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """`manifest.json`, which nobody signed."""
        return record(self.bundle.json("manifest.json"), "manifest.json")

    @cached_property
    def dump(self) -> dict[str, Any]:
        """`session_dump.json`."""
        return record(self.bundle.json("session_dump.json"), "session_dump.json")

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines of `journal.jsonl`, without their line breaks."""
        data = self.bundle.read("journal.jsonl")
        if data and not data.endswith(b"\n"):
            raise Disproved("journal.jsonl does not end with a line break: it was cut off.")
        return data.split(b"\n")[:-1]

    @cached_property
    def journal(self) -> list[dict[str, Any]]:
        """The journal's entries, shape checked, hashes not."""
        return [self._entry(number, line) for number, line in enumerate(self.lines, start=1)]

    @cached_property
    def journal_audio(self) -> list[tuple[int | None, dict[str, Any]]]:
        """(sequence_id, audio) of every entry with a recording, in the journal's order."""
        found = []
        for number, entry in enumerate(self.journal, start=1):
            if entry.get("audio") is not None:
                audio = record(entry["audio"], f"The recording of journal line {number}")
                hash_text(audio.get("sha256"), f"The recording's hash in journal line {number}")
                found.append((number_or_none(entry.get("sequence_id"), f"Journal line {number}"), audio))
        return found

    def sealed_hash(self, name: str) -> str:
        """One of the snapshot's `hashes`."""
        hashes = record(self.payload.get("hashes"), "The snapshot's hashes")
        return hash_text(hashes.get(name), f"The snapshot's hash of the {name}")

    def sealed(self, name: str) -> dict[str, Any]:
        """One of the payload's objects (`merkle`, `audio`)."""
        return record(self.payload.get(name), f"The snapshot's field {name}")

    def _entry(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            return record(canonical.parse(line), f"Journal line {number}")
        except canonical.NotJson as error:
            raise Disproved(f"Journal line {number} is not strict JSON: {error}.") from error
