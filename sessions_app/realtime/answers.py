"""The frames that the server sends (docs/guides/websocket.md)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings

from astra_site.lib.auth_tokens import Principal
from astra_site.lib.clock import iso_utc
from sessions_app.models import JournalRow, Session, State
from sessions_app.services.events import SessionEvent
from sessions_app.services.inputs import MAX_SEQUENCE_JUMP, MAX_TEXT_CHARS, Accepted
from sessions_app.services.standing import Standing
from sessions_app.services.waiting import Drain

_CONTEXT = ("from_sequence_id", "speaker", "topic", "zone", "restricted")
Answer = dict[str, Any]


def welcome_frame(session_id: UUID, standing: Standing, principal: Principal) -> Answer:
    """The first frame of the server: where the session stands, and the limits of this socket."""
    return {
        "type": "welcome",
        "session_id": str(session_id),
        "state": standing.state,
        "highest_sequence_id": standing.highest_sequence_id,
        "acknowledged_to": standing.acknowledged_to,
        "accepted": [{"sequence_id": number, "content_sha256": sha256} for number, sha256 in standing.accepted],
        "event_number": standing.journal_length,
        "token_expires_at": iso_utc(principal.expires_at),
        "limits": {
            "chunk_bytes": settings.MAX_CHUNK_BYTES,
            "text_chars": MAX_TEXT_CHARS,
            "sequence_jump": MAX_SEQUENCE_JUMP,
        },
    }


def ack_frame(accepted: Accepted, frame_id: str | None) -> Answer:
    """From now on this input can't be lost."""
    return answering(
        frame_id,
        type="ack",
        sequence_id=accepted.row.sequence_id,
        status="PROCESSING",
        content_sha256=accepted.row.content_sha256,
        repeated=accepted.is_repeat,
    )


def context_frame(row: JournalRow, frame_id: str | None) -> Answer:
    """What holds from a number on."""
    return answering(frame_id, type="context", **{name: row.payload[name] for name in _CONTEXT})


def finalize_frame(session: Session, drain: Drain, frame_id: str | None) -> Answer:
    """Where the session stands on its way to the minutes."""
    is_draining = session.state == State.DRAINING
    return answering(frame_id, type="finalize", state=session.state, is_draining=is_draining, drain=asdict(drain))


def token_frame(principal: Principal, frame_id: str | None) -> Answer:
    """The fresh token is accepted."""
    return answering(frame_id, type="token", token_expires_at=iso_utc(principal.expires_at))


def event_frame(event: SessionEvent) -> Answer:
    """Something that happened in the session."""
    return {"type": "event", "event": event.to_json()}


def answering(frame_id: str | None, **members: Any) -> Answer:
    """Return an answer, with the id of the client's frame where it had one."""
    return members if frame_id is None else {**members, "id": frame_id}
