"""Journal lines: the canonical form in which a session's journal is sealed and handed out.

One accepted input, or one result, is one line of `journal.jsonl`: canonical JSON (RFC 8785) without the line break.
The line carries its own hash, so that a reader can tell which line was touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from astra_site.lib.clock import iso_utc
from astra_site.lib.hashing import Sha256, canonical_json
from custody.errors import EvidenceInconsistent

SCHEMA = "astra.journal-entry/1"


def utc_text(moment: datetime) -> str:
    """Write an aware moment as `2026-11-20T14:05:09.123456Z`; raise `EvidenceInconsistent` for a naive one."""
    if moment.tzinfo is None:
        raise EvidenceInconsistent("time_without_zone", "A moment without time zone can't be sealed.")
    return iso_utc(moment)


@dataclass(frozen=True, slots=True)
class AudioRecord:
    """A recording as the journal knows it. `key` is where it lies now (bucket `AUDIO`) and is not sealed."""

    key: str
    sha256: Sha256
    size_bytes: int
    media_type: str
    duration_ms: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The sealed facts: content, not place."""
        return {
            "sha256": str(self.sha256),
            "size_bytes": self.size_bytes,
            "media_type": self.media_type,
            "duration_ms": self.duration_ms,
        }


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One row of a session's journal.

    `number` is its place in the session's journal (1, 2, 3 … without gaps), `sequence_id` the client's number or None,
    `payload` any JSON, `actor` who sent it or None. `sha256` is the hash stored when the row was written: if it is
    given, it has to match.
    """

    number: int
    kind: str
    recorded_at: datetime
    sequence_id: int | None
    payload: Mapping[str, Any]
    audio: AudioRecord | None = None
    actor: str | None = None
    sha256: Sha256 | None = None

    def body(self) -> dict[str, Any]:
        """The facts under the entry's own hash."""
        return {
            "schema": SCHEMA,
            "number": self.number,
            "kind": self.kind,
            "recorded_at": utc_text(self.recorded_at),
            "sequence_id": self.sequence_id,
            "actor": self.actor,
            "payload": dict(self.payload),
            "audio": self.audio.to_json() if self.audio else None,
        }

    def own_hash(self) -> Sha256:
        """SHA-256 of the canonical JSON of `body()`; to be stored with the row when it is written."""
        return Sha256.of_json(self.body())

    def line(self) -> bytes:
        """The line of `journal.jsonl`, without line break.

        Raises `EvidenceInconsistent` (`journal_entry_altered`) if the row no longer has the hash it was written with.
        """
        body = canonical_json(self.body())
        own = Sha256.of(body)
        if self.sha256 is not None and self.sha256 != own:
            raise EvidenceInconsistent(
                "journal_entry_altered",
                f"Journal entry {self.number} does not have the hash it was written with.",
                details={"number": self.number, "expected": str(self.sha256), "found": str(own)},
            )
        # Canonical JSON sorts its members, and `sha256` comes behind all the others: no second serialisation.
        return b'%s,"sha256":"%s"}' % (body[:-1], str(own).encode())


def journal_lines(entries: Sequence[JournalEntry]) -> list[bytes]:
    """All lines in order; raise `EvidenceInconsistent` (`journal_has_gaps`) unless they are numbered 1, 2, 3 …."""
    for expected, entry in enumerate(entries, start=1):
        if entry.number != expected:
            raise EvidenceInconsistent(
                "journal_has_gaps",
                f"The journal's entry {expected} is numbered {entry.number}.",
                details={"expected": expected, "found": entry.number},
            )
    return [entry.line() for entry in entries]


def audio_records(entries: Sequence[JournalEntry]) -> list[AudioRecord]:
    """The recordings of the journal, in its order; the same content sent twice appears twice."""
    return [entry.audio for entry in entries if entry.audio is not None]
