"""Before a session is sealed: do its parts tell the same story? Pure; every contradiction has its own code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard
from uuid import UUID

from astra_site.lib.errors import InvalidInput
from astra_site.lib.hashing import Sha256, canonical_json
from custody.errors import EvidenceInconsistent
from custody.journal import AudioRecord, JournalEntry

DUMP_SCHEMA = "astra.session-dump/1"


def parse_dump(data: bytes, *, tenant_id: UUID, session_id: UUID) -> dict[str, Any]:
    """Read a dump, which is canonical JSON, and check that it is about this session.

    Raises `EvidenceInconsistent`: `dump_malformed`, `dump_of_another_session`.
    """
    try:
        dump = json.loads(data)
        canonical = canonical_json(dump)
    except (ValueError, RecursionError, InvalidInput) as error:
        raise EvidenceInconsistent("dump_malformed", "The session dump is not JSON that can be sealed.") from error
    if canonical != data or not isinstance(dump, dict) or dump.get("schema") != DUMP_SCHEMA:
        raise EvidenceInconsistent("dump_malformed", f"The session dump is no canonical {DUMP_SCHEMA}.")
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


def check_journal_length(entries: Sequence[JournalEntry], expected: int | None) -> None:
    """The journal has no fewer entries than the session counted: none was cut off at its end. None leaves that open.

    Raises `EvidenceInconsistent` (`journal_incomplete`).
    """
    if expected is not None and len(entries) < expected:
        raise EvidenceInconsistent(
            "journal_incomplete",
            f"The session counted {expected} journal entries, {len(entries)} were handed over.",
            details={"expected": expected, "found": len(entries)},
        )


def check_blocks(dump: Mapping[str, Any], entries: Sequence[JournalEntry]) -> None:
    """Every block has its id, type and status, and its trace, if any, is a span inside a recording of the journal.

    As strict as the step `traces` of `docs/evidence-bundle.md`: what is sealed has to pass everybody's verifier.

    Raises `EvidenceInconsistent` (`dump_malformed`, `trace_without_recording`, `trace_outside_recording`).
    """
    blocks = dump.get("blocks")
    if not isinstance(blocks, list) or not all(_is_block(block) for block in blocks):
        raise EvidenceInconsistent("dump_malformed", "The session dump has blocks without id, type or status.")
    known = {(str(entry.audio.sha256), entry.sequence_id): entry.audio for entry in entries if entry.audio}
    for block in blocks:
        for trace in _traces_of(block):
            _check_trace(block, trace, known)


def _is_block(block: object) -> bool:
    return isinstance(block, dict) and all(isinstance(block.get(name), str) for name in ("block_id", "type", "status"))


def _traces_of(block: Mapping[str, Any]) -> list[Any]:
    """Return the traces of a block: none, one, or several where words of different places were put together."""
    first, several = block.get("audio"), block.get("audio_spans")
    if several is None:
        return [] if first is None else [first]
    if not isinstance(several, list) or len(several) < 2 or several[0] != first:
        raise EvidenceInconsistent(
            "dump_malformed",
            "A block's traces do not begin with its first one.",
            details={"block_id": block["block_id"]},
        )
    return several


def _check_trace(block: Mapping[str, Any], trace: Any, known: Mapping[tuple[str, int | None], AudioRecord]) -> None:
    if not isinstance(trace, dict) or not isinstance(trace.get("sha256"), str):
        raise EvidenceInconsistent("dump_malformed", "A block's trace names no recording.")
    sequence_id = trace.get("sequence_id")
    details = {"block_id": block["block_id"], "sequence_id": sequence_id}
    if sequence_id is not None and not _is_count(sequence_id):
        raise EvidenceInconsistent("dump_malformed", "A block's trace has no usable number.", details=details)
    recording = known.get((trace["sha256"], sequence_id))
    if recording is None:
        raise EvidenceInconsistent(
            "trace_without_recording",
            "A block leads to a recording that the journal does not have under that number.",
            details=details,
        )
    start_ms, end_ms = trace.get("start_ms"), trace.get("end_ms")
    if not (_is_count(start_ms) and _is_count(end_ms) and _is_inside(start_ms, end_ms, recording)):
        raise EvidenceInconsistent(
            "trace_outside_recording",
            "A block's trace is no span of its recording.",
            details={**details, "start_ms": start_ms, "end_ms": end_ms, "duration_ms": recording.duration_ms},
        )


def _is_inside(start_ms: int, end_ms: int, recording: AudioRecord) -> bool:
    # An end a little beyond is a recogniser's rounding; a beginning beyond leads nowhere.
    return start_ms <= end_ms and (recording.duration_ms is None or start_ms <= recording.duration_ms)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
