"""Before a session is sealed: do its parts tell the same story? Pure; every contradiction has its own code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from astra_site.lib.errors import InvalidInput
from astra_site.lib.hashing import Sha256
from custody.errors import EvidenceInconsistent
from custody.journal import JournalEntry

DUMP_SCHEMA = "astra.session-dump/1"


def parse_dump(data: bytes, *, tenant_id: UUID, session_id: UUID) -> dict[str, Any]:
    """Read a dump and check that it is about this session.

    Raises `EvidenceInconsistent`: `dump_malformed`, `dump_of_another_session`.
    """
    try:
        dump = json.loads(data)
    except ValueError as error:
        raise EvidenceInconsistent("dump_malformed", "The session dump is not JSON.") from error
    if not isinstance(dump, dict) or dump.get("schema") != DUMP_SCHEMA:
        raise EvidenceInconsistent("dump_malformed", f"The session dump is not of the kind {DUMP_SCHEMA}.")
    session = dump.get("session") or {}
    if (session.get("id"), session.get("tenant_id")) != (str(session_id), str(tenant_id)):
        raise EvidenceInconsistent("dump_of_another_session", "The session dump is about another session.")
    return dump


def check_content(part: str, content: bytes, expected: Sha256) -> None:
    """The stored bytes of `part` (`skeleton`, `dump`, `document`) are the ones that were stored at the time.

    Raises `EvidenceInconsistent`: `skeleton_altered`, `dump_altered`, `document_altered`.
    """
    found = Sha256.of(content)
    if found != expected:
        raise EvidenceInconsistent(
            f"{part}_altered",
            f"The stored {part} does not have the hash it is pinned by: it was replaced or damaged in the store.",
            details={"expected": str(expected), "found": str(found)},
        )


def pinned_hash(dump: Mapping[str, Any], part: str) -> Sha256:
    """The hash of the `config` or `skeleton` that the dump names. Raises `EvidenceInconsistent` (`dump_malformed`)."""
    try:
        return Sha256.parse(dump[part]["sha256"])
    except (KeyError, TypeError, InvalidInput) as error:
        raise EvidenceInconsistent("dump_malformed", f"The session dump names no hash for its {part}.") from error


def check_pins(dump: Mapping[str, Any], *, config: object, skeleton: Sha256) -> None:
    """The dump was made with the session's pinned configuration and skeleton, and the configuration is whole.

    Raises `EvidenceInconsistent` (`config_altered`, `skeleton_altered`).
    """
    pinned = pinned_hash(dump, "config")
    for content in (dump["config"].get("content"), config):
        found = Sha256.of_json(content)
        if found != pinned:
            raise EvidenceInconsistent(
                "config_altered",
                "The configuration does not have the hash it is pinned by.",
                details={"expected": str(pinned), "found": str(found)},
            )
    named = pinned_hash(dump, "skeleton")
    if named != skeleton:
        raise EvidenceInconsistent(
            "skeleton_altered",
            "The dump was made with another skeleton than the session's.",
            details={"expected": str(skeleton), "found": str(named)},
        )


def check_traces(dump: Mapping[str, Any], entries: Sequence[JournalEntry]) -> None:
    """Every block with a trace leads to a recording in the journal, by content and sequence number.

    Raises `EvidenceInconsistent` (`trace_without_recording`).
    """
    known = {(str(entry.audio.sha256), entry.sequence_id) for entry in entries if entry.audio}
    for block in dump["blocks"]:
        trace = block.get("audio")
        if trace and (trace.get("sha256"), trace.get("sequence_id")) not in known:
            raise EvidenceInconsistent(
                "trace_without_recording",
                "A block leads to a recording that the journal does not have under that number.",
                details={"block_id": block.get("block_id"), "sequence_id": trace.get("sequence_id")},
            )
