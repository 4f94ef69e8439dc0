"""What an append says, in whichever encoding it came: base64 in JSON, a multipart file, a bare body, or text."""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import APIException

from astra_site.lib.json_input import StrictJSONParser
from sessions_app.api.plain_forms import plain_form
from sessions_app.errors import InputInvalid, InputTooLarge
from sessions_app.services import inputs

MAX_WAIT_S = 30.0


class AppendFacts(serializers.Serializer[Any]):
    """What is said about an input; of a bare body it stands in the query."""

    sequence_id = serializers.IntegerField(min_value=1, max_value=inputs.MAX_SEQUENCE_ID)
    captured_at = serializers.DateTimeField(required=False, allow_null=True, default=None, default_timezone=UTC)
    duration_ms = serializers.IntegerField(
        min_value=0, max_value=86_400_000, required=False, allow_null=True, default=None
    )


class Base64Field(serializers.CharField):
    """A text that is decoded later: what is no base64 is found then, so its characters are not looked at one by one."""

    def __init__(self, **options: Any) -> None:
        """Take the place of a `CharField`."""
        super().__init__(trim_whitespace=False, **options)
        self.validators = []


@extend_schema_serializer(component_name="SessionAppend")
class AppendInput(AppendFacts):
    """Audio as base64 in JSON, audio as a multipart file, or text."""

    audio_chunk = Base64Field(required=False, help_text="base64 (RFC 4648)")
    audio = serializers.FileField(required=False, allow_empty_file=True, help_text="multipart file")
    text = serializers.CharField(required=False, trim_whitespace=False, allow_blank=True)


@dataclass(frozen=True, slots=True)
class Append:
    """One input as it is to be accepted: audio or text; `wait_s` is how long the client waits for its blocks."""

    facts: Mapping[str, Any]
    audio: bytes | None
    text: str | None
    wait_s: float

    def accept(self, session_id: UUID, actor: str, *, behind: bool = False) -> inputs.Accepted:
        """Hand it to the service; raises what the service raises."""
        common = {
            "sequence_id": self.facts["sequence_id"],
            "captured": inputs.Captured(self.facts["captured_at"], self.facts["duration_ms"]),
            "actor": actor,
            "behind": behind,
        }
        if self.text is not None:
            return inputs.append_text(session_id, text=self.text, **common)
        return inputs.append_audio(session_id, audio=self.audio or b"", **common)


def append_of_form(values: Mapping[str, Any], query: QueryDict) -> Append:
    """Return the append that a validated `AppendInput` is. Raises `InputInvalid` and `InputTooLarge`."""
    if sum(name in values for name in ("audio_chunk", "audio", "text")) != 1:
        raise InputInvalid("input_ambiguous", "Send exactly one of audio_chunk (base64), audio (file) and text.")
    audio = None if "text" in values else _audio_bytes(values)
    return Append(values, audio, values.get("text"), wait_s_of(query))


def append_of_body(body: bytes, query: QueryDict) -> Append:
    """Return the append whose audio is the body and whose facts stand in the query.

    Raises DRF's `ValidationError`, `InputInvalid` and `InputTooLarge`.
    """
    facts = _FACTS.run_validation(query)
    check_size(len(body), settings.MAX_CHUNK_BYTES, "chunk_too_large")
    return Append(facts, body, None, wait_s_of(query))


def is_bare_audio(content_type: str) -> bool:
    """Say whether a body of this media type is the chunk itself. What it is inside is told from its content."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type.startswith("audio/") or media_type == "application/octet-stream"


def wait_s_of(query: QueryDict) -> float:
    """Return how long the client wants to wait, 0 for not at all. Raises `InputInvalid` (`wait_invalid`)."""
    given = query.get("wait")
    if given is None:
        return 0.0
    try:
        wait_s = float(given)
    except ValueError:
        wait_s = math.nan
    if not 0 < wait_s <= MAX_WAIT_S:
        raise InputInvalid("wait_invalid", f"wait is a number of seconds, more than 0 and at most {MAX_WAIT_S:.0f}.")
    return wait_s


def check_size(size_bytes: int, limit_bytes: int, code: str) -> None:
    """Raise `InputTooLarge` over the limit."""
    if size_bytes > limit_bytes:
        raise InputTooLarge(
            code, f"At most {limit_bytes} bytes are accepted here.", details={"limit_bytes": limit_bytes}
        )


def read_plainly(content_type: str, raw_query: bytes, body: bytes) -> Append | None:
    """Read an append without a request around it; None for what DRF's view has something to say about.

    Never accepts what the view would refuse: parsers and serializers are the view's. Raises `InputInvalid` and
    `InputTooLarge`, as the view does.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        query = QueryDict(raw_query)
        if is_bare_audio(content_type):
            is_whole = len(body) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            return append_of_body(body, query) if is_whole else None
        if media_type == "application/json":
            values = _INPUT.run_validation(StrictJSONParser().parse(io.BytesIO(body), content_type))
        elif media_type == "multipart/form-data":
            values = _INPUT.run_validation(plain_form(content_type, body) or _form(content_type, body))
        else:
            return None
    except (APIException, MultiPartParserError, RequestDataTooBig, SuspiciousOperation):
        return None
    return append_of_form(values, query)


def _form(content_type: str, body: bytes) -> QueryDict:
    about = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
    keepers = [MemoryFileUploadHandler(), TemporaryFileUploadHandler()]
    fields, files = MultiPartParser(about, io.BytesIO(body), keepers, "utf-8").parse()
    form: QueryDict = fields.copy()
    form.update(files)
    return form


def _audio_bytes(values: Mapping[str, Any]) -> bytes:
    """Return the audio of a form; raise for what is too large or no base64."""
    if "audio" in values:
        check_size(values["audio"].size, settings.MAX_CHUNK_BYTES, "chunk_too_large")
        content: bytes = values["audio"].read()
        return content
    try:
        content = base64.b64decode(values["audio_chunk"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputInvalid("base64_invalid", "audio_chunk is not valid base64 (RFC 4648).") from error
    check_size(len(content), settings.MAX_CHUNK_BYTES, "chunk_too_large")
    return content


_FACTS, _INPUT = AppendFacts(), AppendInput()
"""Made once: validating leaves nothing behind in a serializer, and making one takes longer than validating."""
