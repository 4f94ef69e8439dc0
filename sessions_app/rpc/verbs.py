"""What each method does: parse, call the service, translate the answer. Blocking; runs in the caller's tenant scope."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from astra_site.lib.tenancy import get_owned
from sessions_app.models import Session
from sessions_app.rpc import requests
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.rpc.messages import ack_message, context_message, page_message, session_message, welcome_message
from sessions_app.services import inputs, sessions
from sessions_app.services.buffering import read_page
from sessions_app.services.clone import clone_session
from sessions_app.services.finalize import finalize
from sessions_app.services.standing import standing_of


def start(request: pb.StartRequest, actor: str) -> pb.Session:
    """Start a session."""
    return session_message(sessions.start_session(actor=actor, **requests.start_values(request)))


def append(session_id: UUID, given: pb.Input, actor: str) -> pb.Ack:
    """Accept one input."""
    values = requests.input_values(given)
    if "text" in values:
        return ack_message(inputs.append_text(session_id, actor=actor, **values))
    return ack_message(inputs.append_audio(session_id, actor=actor, **values))


def set_context(session_id: UUID, change: pb.ContextChange, actor: str, not_before: int = 1) -> pb.Context:
    """Set what holds from the next input on, and from no earlier number than `not_before`."""
    values = requests.context_values(change)
    return context_message(sessions.change_context(session_id, actor=actor, not_before=not_before, **values))


def welcome(session_id: UUID) -> pb.StreamWelcome:
    """Say where a session stands to a client that sends (again)."""
    session = get_owned(Session, session_id)
    return welcome_message(session, standing_of(session_id), settings.MAX_CHUNK_BYTES)


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


def clone(session_id: UUID, request: pb.CloneRequest, actor: str) -> pb.CloneResponse:
    """Start a correction."""
    cloned = clone_session(session_id, actor=actor, **requests.clone_values(request))
    return pb.CloneResponse(session=session_message(cloned.session), is_repeat=cloned.is_repeat)
