"""Handing over what is sealed, and only that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import get_owned
from custody.models import Snapshot
from custody.services import audit_report_of
from sessions_app.errors import SessionStateConflict
from sessions_app.models import Session, State

LINK_TTL_S = 15 * 60


@dataclass(frozen=True, slots=True)
class Delivery:
    """Links that work for a quarter of an hour, and the hash to keep."""

    download_url: str
    evidence_url: str
    integrity_hash: str
    audit_report: str


def delivery_of(session: Session) -> Delivery:
    """Return the links of a closed session. Raises `SessionStateConflict` (`session_not_closed`) for any other."""
    snapshot = _snapshot(session)
    store = object_store()
    return Delivery(
        download_url=store.presigned_get(Bucket.DOCUMENTS, snapshot.document_key, LINK_TTL_S),
        evidence_url=store.presigned_get(Bucket.DOCUMENTS, snapshot.evidence_key, LINK_TTL_S),
        integrity_hash=snapshot.integrity_hash,
        audit_report=f"/v1/orchestrator/session/{session.id}/audit-report",
    )


def audit_report(session: Session) -> dict[str, Any]:
    """Return the audit report that was sealed with the session. Raises as `delivery_of`."""
    return audit_report_of(_snapshot(session))


def _snapshot(session: Session) -> Snapshot:
    if session.state != State.CLOSED or session.snapshot_id is None:
        raise SessionStateConflict(
            "session_not_closed",
            f"The session is {session.state}: there is nothing sealed to hand over yet.",
            details={"state": session.state},
        )
    return get_owned(Snapshot, session.snapshot_id)
