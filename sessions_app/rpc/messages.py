"""From what the services return to messages: the same members as the REST API's answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import ParseDict

from astra_site.lib.problems import Problem
from sessions_app.api.serializers import SessionOutput
from sessions_app.buffer.store import Page
from sessions_app.models import JournalRow, Session
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.services.events import SessionEvent
from sessions_app.services.inputs import Accepted
from sessions_app.services.results import status_of
from sessions_app.services.standing import Standing
from sessions_app.services.waiting import what_is_left


def session_message(session: Session) -> pb.Session:
    """Return the session as it stands now."""
    shown = dict(SessionOutput(session).data)
    shown["state"] = _state_name(session.state)
    shown["mode"] = f"MODE_{session.mode.upper()}"
    return ParseDict(shown, pb.Session(), ignore_unknown_fields=True)


def appended_message(session_id: str, ack: pb.Ack, blocks: list[dict[str, Any]] | None) -> pb.AppendResponse:
    """Return the answer to an append; `blocks` are those that were waited for, None where they are not there yet."""
    message = pb.AppendResponse(session_id=session_id, ack=ack)
    if blocks is not None:
        message.ack.status = status_of(blocks)
        message.blocks.extend(block_message(block) for block in blocks)
    return message


def ack_message(accepted: Accepted) -> pb.Ack:
    """Return the acknowledgement of an input."""
    row = accepted.row
    return pb.Ack(
        sequence_id=row.sequence_id or 0,
        status="PROCESSING",
        content_sha256=row.content_sha256,
        is_repeat=accepted.is_repeat,
    )


def context_message(row: JournalRow) -> pb.Context:
    """Return the context that an entry of the journal set."""
    return ParseDict(dict(row.payload), pb.Context(), ignore_unknown_fields=True)


def welcome_message(session: Session, standing: Standing, max_audio_bytes: int) -> pb.StreamWelcome:
    """Return where a session stands, for a client that sends (again)."""
    left = what_is_left(session)
    return pb.StreamWelcome(
        session_id=str(session.id),
        state=pb.SessionState.Value(_state_name(standing.state)),
        highest_sequence_id=standing.highest_sequence_id,
        acknowledged_to=standing.acknowledged_to,
        last_event=standing.journal_length,
        missing=left.missing,
        missing_count=left.missing_count,
        max_audio_bytes=max_audio_bytes,
    )


def page_message(page: Page) -> pb.ListBlocksResponse:
    """Return a page of blocks."""
    return pb.ListBlocksResponse(
        blocks=[block_message(block) for block in page.blocks],
        position_count=page.slot_count,
        processing_count=page.processing_count,
    )


def block_message(block: Mapping[str, Any]) -> pb.Block:
    """Return a block."""
    return ParseDict(dict(block), pb.Block(), ignore_unknown_fields=True)


def event_message(event: SessionEvent) -> pb.SessionEvent:
    """Return an event. Blocks and state have fields of their own, the rest of the payload stays together."""
    payload = dict(event.payload)
    blocks, removed = payload.pop("blocks", []), payload.pop("removed", [])
    state = payload.pop("state", None) if event.type == "state" else None
    message = pb.SessionEvent(
        number=event.number,
        type=event.type,
        kind=event.kind,
        state=pb.SessionState.Value(_state_name(state)) if state else pb.SESSION_STATE_UNSPECIFIED,
        blocks=[block_message(block) for block in blocks],
        removed=removed,
    )
    if event.sequence_id is not None:
        message.sequence_id = event.sequence_id
    if payload:
        ParseDict(payload, message.payload)
    return message


def error_message(sequence_id: int, problem: Problem) -> pb.StreamError:
    """Return why an input of a stream was refused."""
    body = problem.body
    message = pb.StreamError(
        sequence_id=sequence_id,
        code=str(body["code"]),
        message=str(body["detail"]),
        retry_after_s=problem.retry_after_s,
    )
    details = body.get("details", body.get("errors"))
    if details:
        ParseDict(json.loads(json.dumps(details, default=str)), message.details)
    return message


def _state_name(state: str) -> str:
    return f"SESSION_STATE_{state}"
