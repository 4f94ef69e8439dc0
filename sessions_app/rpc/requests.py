"""From messages to what the services take; the rules of each field are those of the REST API."""

from __future__ import annotations

from datetime import UTC
from functools import cache
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from rest_framework import serializers

from astra_site.lib.json_input import check_json
from sessions_app.api.append_reading import AppendInput
from sessions_app.api.clones import SessionCloneView
from sessions_app.api.views import SessionBlocksView, SessionContextView, SessionStartView
from sessions_app.errors import InputInvalid, InputTooLarge
from sessions_app.models import Mode
from sessions_app.rpc.generated import session_pb2 as pb
from sessions_app.services.inputs import Captured

_MODES: Final = {pb.MODE_BATCH: Mode.BATCH, pb.MODE_REALTIME: Mode.REALTIME}
MAX_WAIT_S: Final = 30.0
_EXACT: Final = 2**53
_CONTEXT_FIELDS: Final = ("speaker", "topic", "zone", "restricted", "from_sequence_id")


class _SessionId(serializers.Serializer[Any]):
    session_id = serializers.UUIDField()


def session_id_of(text: str) -> UUID:
    """Return the id; raise `ValidationError` (`input_invalid`) for a text that is none."""
    session_id: UUID = _checked(_SessionId, {"session_id": text})["session_id"]
    return session_id


def start_values(request: pb.StartRequest) -> dict[str, Any]:
    """Return the arguments of `start_session`."""
    metadata = plain_json(request.metadata)
    check_json(metadata)
    data: dict[str, Any] = {"client_timezone": request.client_timezone, "metadata": metadata}
    if request.skeleton_id:
        data["skeleton_id"] = request.skeleton_id
    if request.mode:
        data["mode"] = _MODES.get(request.mode, str(request.mode))
    if request.engine_provider:
        data["model_config"] = {"provider": request.engine_provider}
    return _checked(SessionStartView.Input, data)


def input_values(given: pb.Input) -> dict[str, Any]:
    """Return the arguments of `append_audio` (with `audio`) or `append_text` (with `text`), but for the session."""
    data: dict[str, Any] = {"sequence_id": given.sequence_id}
    if given.HasField("duration_ms"):
        data["duration_ms"] = given.duration_ms
    if given.HasField("captured_at"):
        data["captured_at"] = _moment(given.captured_at)
    content = given.WhichOneof("content")
    if content == "text":
        data["text"] = given.text
    values = _checked(AppendInput, data)
    if content is None:
        raise InputInvalid("input_ambiguous", "Send exactly one of audio and text.")
    if len(given.audio) > settings.MAX_CHUNK_BYTES:
        raise InputTooLarge(
            "chunk_too_large",
            f"At most {settings.MAX_CHUNK_BYTES} bytes are accepted here.",
            details={"limit_bytes": settings.MAX_CHUNK_BYTES},
        )
    return {
        "sequence_id": values["sequence_id"],
        "captured": Captured(values["captured_at"], values["duration_ms"]),
        content: given.audio if content == "audio" else values["text"],
    }


def wait_s_of(request: pb.AppendRequest) -> float:
    """Return how long the client wants to wait for the blocks, 0 for not at all; raise `InputInvalid`."""
    if not 0 <= request.wait_s <= MAX_WAIT_S:
        raise InputInvalid("wait_invalid", f"wait_s is a number of seconds from 0 to {MAX_WAIT_S:.0f}.")
    return request.wait_s


def context_values(change: pb.ContextChange) -> dict[str, Any]:
    """Return the arguments of `change_context`, but for the session. An empty text takes a value away."""
    given = {name: getattr(change, name) for name in _CONTEXT_FIELDS if change.HasField(name)}
    data = {name: None if value == "" else value for name, value in given.items()}
    changes = _checked(SessionContextView.Input, data)
    return {"from_sequence_id": changes.pop("from_sequence_id", None), "changes": changes}


def page_of(request: pb.ListBlocksRequest) -> tuple[int, int]:
    """Return the first position and how many."""
    data = {"first": request.first, **({"limit": request.limit} if request.HasField("limit") else {})}
    values = _checked(SessionBlocksView.Input, data)
    return values["first"], values["limit"]


def clone_values(request: pb.CloneRequest) -> dict[str, Any]:
    """Return the arguments of `clone_session`, but for the session."""
    values = _checked(SessionCloneView.Input, {"clone_id": request.clone_id} if request.clone_id else {})
    return {"clone_id": values.get("clone_id")}


class _EventNumber(serializers.Serializer[Any]):
    after = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


def event_number_of(after: int) -> int:
    """Return the number of the last event that is known; raise `ValidationError` for what is none."""
    number: int = _checked(_EventNumber, {"after": after})["after"]
    return number


def plain_json(struct: Struct) -> dict[str, Any]:
    """Return the value that was packed: a Struct knows one kind of number, JSON's whole numbers come back whole."""
    return {name: _plain(value) for name, value in struct.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, Struct):
        return plain_json(value)
    return value if value is None or isinstance(value, bool | float | str) else [_plain(item) for item in value]


def _moment(stamp: Timestamp) -> Any:
    """Return the moment, or a text that the rules of the field refuse."""
    try:
        return stamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        return f"{stamp.seconds} s after 1970"


def _checked(rules: type[serializers.Serializer[Any]], data: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = _made(rules).run_validation(data)
    return values


@cache
def _made(rules: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the rules, made once: validating leaves nothing behind in them, and making them takes longer."""
    return rules()
