"""The frames that a client may send, and how they are read.

A text frame is one JSON object with a known `type`. What is no such object breaks the protocol and ends the connection;
a known frame with wrong fields costs only itself.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from rest_framework import exceptions as drf

from astra_site.lib.errors import InvalidInput, TooLarge
from astra_site.lib.json_input import check_json
from sessions_app.services.inputs import MAX_SEQUENCE_ID

MAX_TEXT_FRAME_CHARS: Final = 256 * 1024
"""Room for the longest text of an input, however it is escaped."""
_MAX_LISTED_ERRORS: Final = 10
_MAX_NUMBER: Final = 2**31 - 1
_MAX_ID_CHARS: Final = 64


def _in_utc(moment: datetime) -> datetime:
    """Read a time without an offset as UTC, as the REST API does; refuse one that UTC has no date for."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("lies beyond the calendar") from error


class _Frame(BaseModel):
    """What all have: an `id` of the client's choice, which stands in the answer.

    Unknown fields are refused: a misspelt `sequence_id` must not become "the next number".
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: Annotated[str, Field(max_length=_MAX_ID_CHARS)] | None = None


class _Captured(_Frame):
    sequence_id: Annotated[int, Field(ge=1, le=MAX_SEQUENCE_ID)] | None = None
    captured_at: Annotated[datetime, AfterValidator(_in_utc)] | None = None
    duration_ms: Annotated[int, Field(ge=0, le=86_400_000)] | None = None


class Hello(_Frame):
    """The first frame. `resume` is the number up to which the client holds every acknowledgement.

    The token stands here when the handshake has none; else it is not looked at.
    """

    type: Literal["hello"]
    token: str | None = None
    resume: Annotated[int, Field(ge=0, le=_MAX_NUMBER)] | None = None
    events: bool | None = None
    events_after: Annotated[int, Field(ge=0, le=_MAX_NUMBER)] | None = None


class Audio(_Captured):
    """Announces the binary frame that follows."""

    type: Literal["audio"]


class Text(_Captured):
    """Typed text in the place of audio."""

    type: Literal["text"]
    text: str


class Context(_Frame):
    """What holds for the inputs that follow, or from a number on. Only the given fields change; null takes one away."""

    type: Literal["context"]
    speaker: str | None = None
    topic: str | None = None
    zone: str | None = None
    restricted: bool | None = None
    from_sequence_id: Annotated[int, Field(ge=1, le=MAX_SEQUENCE_ID)] | None = None

    def fields(self) -> dict[str, Any]:
        """Return the fields that were given."""
        return self.model_dump(exclude_unset=True, exclude={"type", "id"})


class Finalize(_Frame):
    """Asks for the minutes, once everything sent before is settled."""

    type: Literal["finalize"]
    accept_gaps: bool = False


class Ping(_Frame):
    """For clients that can't see the protocol's own pings (browsers)."""

    type: Literal["ping"]


class Token(_Frame):
    """A fresh token of the same caller."""

    type: Literal["token"]
    token: str


class Bye(_Frame):
    """Asks for an end in order: after the last acknowledgement."""

    type: Literal["bye"]


Frame = Hello | Audio | Text | Context | Finalize | Ping | Token | Bye
_KINDS: Final[dict[str, type[Frame]]] = {
    "hello": Hello,
    "audio": Audio,
    "text": Text,
    "context": Context,
    "finalize": Finalize,
    "ping": Ping,
    "token": Token,
    "bye": Bye,
}


class Malformed(InvalidInput):
    """No frame of this protocol: the client is broken, the connection ends."""


class FrameRefused(Exception):
    """A frame of a known type with wrong fields: it is answered with an error, and the connection goes on."""

    def __init__(self, kind: str, frame_id: str | None, error: drf.APIException) -> None:
        super().__init__(kind)
        self.kind, self.frame_id, self.error = kind, frame_id, error


def read_frame(text: str) -> Frame:
    """Return the frame that a text is; raise `Malformed`, `TooLarge` (`frame_too_large`) or `FrameRefused`."""
    if len(text) > MAX_TEXT_FRAME_CHARS:
        raise TooLarge(
            "frame_too_large",
            f"A text frame may have {MAX_TEXT_FRAME_CHARS} characters.",
            details={"limit_chars": MAX_TEXT_FRAME_CHARS},
        )
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("frame_malformed", "A text frame must be a JSON object.") from error
    if not isinstance(value, dict) or not isinstance(value.get("type"), str) or value["type"] not in _KINDS:
        raise Malformed("frame_unknown", f"A text frame needs a type: one of {', '.join(_KINDS)}.")
    kind, given_id = value["type"], value.get("id")
    frame_id = given_id if isinstance(given_id, str) and len(given_id) <= _MAX_ID_CHARS else None
    try:
        check_json(value)
        return _KINDS[kind].model_validate_json(text)
    except drf.ParseError as error:
        raise FrameRefused(kind, frame_id, error) from error
    except ValidationError as error:
        raise FrameRefused(kind, frame_id, _input_invalid(error)) from error


def _input_invalid(error: ValidationError) -> drf.ValidationError:
    """Say field by field what is wrong, in the form of the REST API, without repeating what was sent."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:_MAX_LISTED_ERRORS]
    return drf.ValidationError({".".join(str(part) for part in item["loc"])[:64]: [item["msg"]] for item in found})
