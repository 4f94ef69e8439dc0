"""Whose minutes these are, in their own words: shown first, so that a proof is never read as one about others."""

from __future__ import annotations

from typing import Any

from astra_verify.evidence import Evidence
from astra_verify.findings import Disproved


def about(evidence: Evidence) -> dict[str, str | None]:
    """What the evidence says of itself; None where it says nothing. Worth what the steps prove, and no more.

    Tenant id, session id, number in the chain, corrected snapshot and moment are of the signed payload; the council's
    name and the minutes' number are of the dump, which the payload holds by its hash.
    """
    payload = evidence.payload
    try:
        session = _record(evidence.dump.get("session"))
    except Disproved:
        session = {}
    return {
        "tenant_name": _words(session.get("tenant_name")),
        "tenant_id": _words(payload.get("tenant_id")),
        "session_id": _words(payload.get("session_id")),
        "minutes_number": _words(_record(session.get("metadata")).get("number")),
        "snapshot_number": _words(payload.get("number")),
        "corrects_snapshot": _words(payload.get("parent_snapshot_id")),
        "sealed_at": _words(payload.get("sealed_at")),
        "integrity_hash": _words(evidence.signed.get("integrity_hash")),
        "key_id": _words(payload.get("key_id")),
    }


def heading(about_evidence: dict[str, str | None]) -> list[str]:
    """The same as lines for a person."""
    lines = ["The evidence says of itself (the steps below say what of it is proven):"]
    lines += [f"  {label}: {about_evidence[name] or '(not said)'}" for name, label in _LABELS.items()]
    if about_evidence["corrects_snapshot"]:
        lines.append(f"  corrects the snapshot: {about_evidence['corrects_snapshot']}")
    return lines


_LABELS = {
    "tenant_name": "council",
    "tenant_id": "tenant",
    "session_id": "session",
    "minutes_number": "number of the minutes",
    "sealed_at": "sealed",
}


def _record(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _words(value: Any) -> str | None:
    """Text or a number as one short line; anything else says nothing."""
    return str(value)[:200] if isinstance(value, str | int) and not isinstance(value, bool) else None
