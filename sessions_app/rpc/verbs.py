"""What each method does: parse, call the service, translate the answer. Blocking; runs in the caller's tenant scope."""

from __future__ import annotations

from uuid import UUID

from astra_site.lib.tenancy import get_owned
from sessions_app.models import Session
from sessions_app.rpc import requests
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.messages import ack_message, context_message, page_message, session_message
from sessions_app.services import inputs, sessions
from sessions_app.services.buffering import read_page
from sessions_app.services.finalize import finalize


def start(request: pb.StartRequest, actor: str) -> pb.Session:
    """Start a session."""
    return session_message(sessions.start_session(actor=actor, **requests.start_values(request)))


def append(session_id: UUID, given: pb.Input, actor: str) -> pb.Ack:
    """Accept one input."""
    values = requests.input_values(given)
    if "text" in values:
        return ack_message(inputs.append_text(session_id, actor=actor, **values))
    return ack_message(inputs.append_audio(session_id, actor=actor, **values))


def set_context(session_id: UUID, change: pb.ContextChange, actor: str) -> pb.Context:
    """Set what holds from the next input on."""
    changes = requests.context_changes(change)
    get_owned(Session, session_id)
    return context_message(sessions.change_context(session_id, actor=actor, changes=changes))


def get(session_id: UUID) -> pb.Session:
    """Say where a session stands."""
    return session_message(get_owned(Session, session_id))


def list_blocks(session_id: UUID, request: pb.ListBlocksRequest) -> pb.ListBlocksResponse:
    """List a page of blocks."""
    first, limit = requests.page_of(request)
    return page_message(read_page(get_owned(Session, session_id), first, limit))


def ask_for_minutes(session_id: UUID, request: pb.FinalizeRequest, actor: str) -> pb.Session:
    """Drain, build and seal."""
    return session_message(finalize(session_id, actor=actor, accept_gaps=request.accept_gaps))
