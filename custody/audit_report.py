"""The audit report (`astra.audit-report/1`): what a sceptical reader asks first, from the sealed facts alone.

A pure function of the dump, the journal, the custody records and the signed snapshot: equal input, equal report. All
of it but the `seal` is sealed itself: the snapshot holds the hash of the body.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from astra_site.lib.hashing import Sha256
from custody.chain import SignedSnapshot
from custody.journal import JournalEntry, utc_text

SCHEMA = "astra.audit-report/1"
LOCAL_PROTECTION = "local-readonly"
_PENDING_STATUSES = {"PROCESSING", "PENDING", "ERROR_PENDING_REVIEW"}


@dataclass(frozen=True, slots=True)
class HeldAudio:
    """Where a recording is kept, and how strongly. `protection` is the store's own word for it."""

    sha256: Sha256
    size_bytes: int
    key: str
    version_id: str | None
    protection: str
    retained_until: datetime
    verified_at: datetime


def report_body(dump: Mapping[str, Any], entries: Sequence[JournalEntry], held: Sequence[HeldAudio]) -> dict[str, Any]:
    """Build the report without its seal, as JSON; the hash of its canonical form goes into the snapshot.

    `entries` are the session's whole journal, `held` one record per distinct recording. The hashes of the entries are
    taken as they are stored: `journal_lines`, which is called before, has compared them with the content.
    """
    blocks: Sequence[Mapping[str, Any]] = dump["blocks"]
    return {
        "schema": SCHEMA,
        "session": _session(dump),
        "journal": [_journal_row(entry) for entry in entries],
        "blocks": _block_figures(blocks),
        "pending": [_block_row(block) for block in blocks if _is_pending(block)],
        "restricted": [_block_row(block) for block in blocks if block.get("restricted")],
        "needs_review": [_block_row(block) for block in blocks if block.get("needs_review")],
        "audio": _audio_rows(entries, blocks, held),
        "engines": _engines(entries),
        "custody": _custody(held),
    }


def sealed_report(body: Mapping[str, Any], snapshot: SignedSnapshot) -> dict[str, Any]:
    """The whole report: the body with the seal that holds its hash."""
    return {**body, "seal": _seal(snapshot)}


def _session(dump: Mapping[str, Any]) -> dict[str, Any]:
    session = dump["session"]
    named = (
        *("id", "tenant_id", "tenant_name", "mode", "client_timezone", "started_at"),
        *("parent_session_id", "parent_snapshot_id"),
    )
    return {name: session.get(name) for name in named} | {"config_number": dump["config"].get("number")}


def _seal(snapshot: SignedSnapshot) -> dict[str, Any]:
    payload = snapshot.payload
    taken = (
        "snapshot_id",
        "number",
        "previous_snapshot",
        "parent_snapshot_id",
        "hashes",
        "merkle",
        "sealed_at",
        "key_id",
    )
    return {"integrity_hash": str(snapshot.integrity_hash)} | {name: payload[name] for name in taken}


def _journal_row(entry: JournalEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "recorded_at": utc_text(entry.recorded_at),
        "kind": entry.kind,
        "sequence_id": entry.sequence_id,
        "actor": entry.actor,
        "sha256": str(entry.sha256 or entry.own_hash()),
        "audio_sha256": str(entry.audio.sha256) if entry.audio else None,
    }


def _is_pending(block: Mapping[str, Any]) -> bool:
    return block["type"] == "AUDIO_PENDING" or block["status"] in _PENDING_STATUSES


def _block_row(block: Mapping[str, Any]) -> dict[str, Any]:
    named = ("block_id", "type", "status", "intent", "confidence", "audio")
    return {name: block.get(name) for name in named}


def _block_figures(blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "total": len(blocks),
        "by_type": dict(Counter(str(block["type"]) for block in blocks)),
        "by_intent": dict(Counter(str(block["intent"]) for block in blocks if block.get("intent"))),
        "with_audio_trace": sum(1 for block in blocks if block.get("audio")),
    }


def _audio_rows(
    entries: Sequence[JournalEntry], blocks: Sequence[Mapping[str, Any]], held: Sequence[HeldAudio]
) -> list[dict[str, Any]]:
    custody = {str(record.sha256): record for record in held}
    spoken: dict[str, list[str]] = {}
    for block in blocks:
        traces = block.get("audio_spans") or ([block["audio"]] if block.get("audio") else [])
        for sha256 in dict.fromkeys(trace["sha256"] for trace in traces):
            spoken.setdefault(sha256, []).append(block["block_id"])
    rows = []
    for entry in entries:
        if entry.audio is None:
            continue
        digest = str(entry.audio.sha256)
        record = custody.get(digest)
        rows.append(
            {
                "journal_number": entry.number,
                "sequence_id": entry.sequence_id,
                **entry.audio.to_json(),
                "block_ids": spoken.get(digest, []),
                "held": _held_row(record) if record else None,
            }
        )
    return rows


def _held_row(record: HeldAudio) -> dict[str, Any]:
    return {
        "key": record.key,
        "version_id": record.version_id,
        "protection": record.protection,
        "retained_until": utc_text(record.retained_until),
        "verified_at": utc_text(record.verified_at),
    }


def _engines(entries: Sequence[JournalEntry]) -> list[dict[str, Any]]:
    found = Counter(pair for entry in entries for pair in _engine_of(entry.payload))
    return [{"engine": engine, "model": model, "results": found[engine, model]} for engine, model in sorted(found)]


def _engine_of(payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for place in (payload, payload.get("transcript")):
        if isinstance(place, Mapping) and place.get("engine"):
            yield str(place["engine"]), str(place.get("model") or "")


def _custody(held: Sequence[HeldAudio]) -> dict[str, Any]:
    protections = sorted({record.protection for record in held})
    weak = LOCAL_PROTECTION in protections
    return {
        "recordings": len(held),
        "total_bytes": sum(record.size_bytes for record in held),
        "protections": protections,
        "retained_until": utc_text(min(record.retained_until for record in held)) if held else None,
        "weaker_than_object_lock": weak,
        "warning": (
            "The recordings are read-only files on a local disk. Whoever administers that disk can still remove or "
            "replace them; only an object store with Object Lock or bucket lock rules prevents that."
            if weak
            else None
        ),
    }
