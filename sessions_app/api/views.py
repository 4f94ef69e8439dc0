"""The session endpoints. Each view parses, calls one service and translates the answer."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer, extend_schema_view
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from astra_site.lib.api import AstraAPIView, require_scope
from astra_site.lib.json_input import StrictJSONParser
from astra_site.lib.tenancy import get_owned
from sessions_app.api.serializers import ModelConfigInput, SessionOutput
from sessions_app.errors import InputInvalid, InputTooLarge
from sessions_app.models import Mode, Session, State
from sessions_app.services import delivery, inputs
from sessions_app.services.buffering import read_page
from sessions_app.services.finalize import finalize
from sessions_app.services.sessions import change_context, start_session

READ, WRITE = "sessions:read", "sessions:write"


class SessionStartView(AstraAPIView):
    """Start a session."""

    permission_classes = (require_scope(WRITE),)

    @extend_schema_serializer(component_name="SessionStart")
    class Input(serializers.Serializer[Any]):
        """What a session needs to begin."""

        client_timezone = serializers.CharField(max_length=64, help_text="IANA name, e.g. America/Bogota.")
        skeleton_id = serializers.UUIDField(required=False, allow_null=True, help_text="Default: the tenant's.")
        mode = serializers.ChoiceField(choices=Mode.choices, default=Mode.BATCH)
        metadata = serializers.DictField(required=False, default=dict)
        model_config = ModelConfigInput(required=False, default=dict)

    @extend_schema(
        operation_id="session_start",
        summary="Start a session",
        tags=["sessions"],
        request=Input,
        responses={201: SessionOutput},
        examples=[
            OpenApiExample(
                "A live session",
                request_only=True,
                value={
                    "client_timezone": "America/Bogota",
                    "mode": "realtime",
                    "metadata": {"number": "014", "city": "Quibdó", "kind": "Ordinaria"},
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Start a session and pin the configuration, skeleton and engine that it keeps to the end."""
        given = self.Input(data=request.data)
        given.is_valid(raise_exception=True)
        session = start_session(actor=self.actor(request), **given.validated_data)
        return Response(SessionOutput(session).data, status=201)


class SessionDetailView(AstraAPIView):
    """One session."""

    permission_classes = (require_scope(READ),)

    @extend_schema(operation_id="session_detail", summary="A session", tags=["sessions"], responses=SessionOutput)
    def get(self, request: Request, session_id: UUID) -> Response:
        """Say where a session stands; a closed one carries its links."""
        return Response(SessionOutput(get_owned(Session, session_id)).data)


class SessionBlocksView(AstraAPIView):
    """The blocks of a session."""

    permission_classes = (require_scope(READ),)

    @extend_schema_serializer(component_name="SessionBlocksQuery")
    class Input(serializers.Serializer[Any]):
        """Which part."""

        first = serializers.IntegerField(
            min_value=0,
            max_value=2 * inputs.MAX_SEQUENCE_ID,
            default=0,
            help_text="Position of the first input, from 0.",
        )
        limit = serializers.IntegerField(min_value=1, max_value=500, default=100, help_text="Positions at most.")

    @extend_schema_serializer(component_name="SessionBlocks")
    class Output(serializers.Serializer[Any]):
        """Blocks in the order of the document."""

        blocks = serializers.ListField(child=serializers.DictField())
        position_count = serializers.IntegerField()
        processing_count = serializers.IntegerField()

    @extend_schema(
        operation_id="session_blocks",
        summary="A session's blocks",
        tags=["sessions"],
        parameters=[Input],
        responses=Output,
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        """List what is recognised so far, in the order of the session, however it arrived."""
        given = self.Input(data=request.query_params)
        given.is_valid(raise_exception=True)
        session = get_owned(Session, session_id)
        page = read_page(session, given.validated_data["first"], given.validated_data["limit"])
        return Response(
            {"blocks": page.blocks, "position_count": page.slot_count, "processing_count": page.processing_count}
        )


class SessionAppendView(AstraAPIView):
    """Add an input to a session."""

    permission_classes = (require_scope(WRITE),)
    parser_classes = (StrictJSONParser, MultiPartParser)

    @extend_schema_serializer(component_name="SessionAppend")
    class Input(serializers.Serializer[Any]):
        """Audio as base64 in JSON, audio as a multipart file, or text."""

        sequence_id = serializers.IntegerField(min_value=1, max_value=inputs.MAX_SEQUENCE_ID)
        captured_at = serializers.DateTimeField(required=False, allow_null=True, default=None, default_timezone=UTC)
        duration_ms = serializers.IntegerField(
            min_value=0, max_value=86_400_000, required=False, allow_null=True, default=None
        )
        audio_chunk = serializers.CharField(required=False, help_text="base64 (RFC 4648)", trim_whitespace=False)
        audio = serializers.FileField(required=False, allow_empty_file=True, help_text="multipart file")
        text = serializers.CharField(required=False, trim_whitespace=False, allow_blank=True)

    @extend_schema_serializer(component_name="SessionAppended")
    class Output(serializers.Serializer[Any]):
        """The acknowledgement: from now on this input can't be lost."""

        session_id = serializers.UUIDField()
        sequence_id = serializers.IntegerField()
        status = serializers.CharField()
        content_sha256 = serializers.CharField()
        repeated = serializers.BooleanField()

    @extend_schema(
        operation_id="session_append",
        summary="Append audio or text",
        tags=["sessions"],
        request={"application/json": Input, "multipart/form-data": Input},
        responses={202: Output},
        examples=[
            OpenApiExample("Text", request_only=True, value={"sequence_id": 7, "text": "Se abre la sesión."}),
            OpenApiExample("Audio", request_only=True, value={"sequence_id": 8, "audio_chunk": "UklGR…"}),
        ],
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Accept an input: `202` once it is in storage and in the journal. Any order; repeats are harmless."""
        given = self.Input(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        common = {
            "sequence_id": values["sequence_id"],
            "captured": inputs.Captured(values["captured_at"], values["duration_ms"]),
            "actor": self.actor(request),
        }
        if sum(name in values for name in ("audio_chunk", "audio", "text")) != 1:
            raise InputInvalid("input_ambiguous", "Send exactly one of audio_chunk (base64), audio (file) and text.")
        if "text" in values:
            accepted = inputs.append_text(session_id, text=values["text"], **common)
        else:
            accepted = inputs.append_audio(session_id, audio=_audio_bytes(values), **common)
        answer = {
            "session_id": session_id,
            "sequence_id": accepted.row.sequence_id,
            "status": "PROCESSING",
            "content_sha256": accepted.row.content_sha256,
            "repeated": accepted.is_repeat,
        }
        return Response(self.Output(answer).data, status=202)


def _audio_bytes(values: dict[str, Any]) -> bytes:
    """Return the audio of an append; raise for what is too large or no base64."""
    if "audio" in values:
        _check_size(values["audio"].size, settings.MAX_CHUNK_BYTES, "chunk_too_large")
        content: bytes = values["audio"].read()
        return content
    try:
        content = base64.b64decode(values["audio_chunk"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputInvalid("base64_invalid", "audio_chunk is not valid base64 (RFC 4648).") from error
    _check_size(len(content), settings.MAX_CHUNK_BYTES, "chunk_too_large")
    return content


def _check_size(size_bytes: int, limit_bytes: int, code: str) -> None:
    if size_bytes > limit_bytes:
        raise InputTooLarge(
            code, f"At most {limit_bytes} bytes are accepted here.", details={"limit_bytes": limit_bytes}
        )


@extend_schema_view(post=extend_schema(operation_id="session_chunk", summary="Append audio or text (alias)"))
class SessionChunkView(SessionAppendView):
    """The other name of append."""


class SessionContextView(AstraAPIView):
    """Who speaks, about what, where it goes."""

    permission_classes = (require_scope(WRITE),)

    @extend_schema_serializer(component_name="SessionContextChange")
    class Input(serializers.Serializer[Any]):
        """Only the given fields change."""

        speaker = serializers.CharField(max_length=200, required=False, allow_null=True)
        topic = serializers.CharField(max_length=300, required=False, allow_null=True)
        zone = serializers.RegexField(r"^[A-Z][A-Z0-9_]{1,63}$", required=False, allow_null=True)
        restricted = serializers.BooleanField(required=False)
        from_sequence_id = serializers.IntegerField(
            min_value=1,
            max_value=inputs.MAX_SEQUENCE_ID,
            required=False,
            help_text="The first input it holds for, if you send out of order; default: the next new one.",
        )

    @extend_schema_serializer(component_name="SessionContext")
    class Output(serializers.Serializer[Any]):
        """The context in force from `from_sequence_id` on."""

        from_sequence_id = serializers.IntegerField()
        speaker = serializers.CharField(allow_null=True)
        topic = serializers.CharField(allow_null=True)
        zone = serializers.CharField(allow_null=True)
        restricted = serializers.BooleanField()

    @extend_schema(
        operation_id="session_context", summary="Change the context", tags=["sessions"], request=Input, responses=Output
    )
    def patch(self, request: Request, session_id: UUID) -> Response:
        """Set what holds for every input after the ones that were accepted so far."""
        given = self.Input(data=request.data)
        given.is_valid(raise_exception=True)
        changes = dict(given.validated_data)
        start = changes.pop("from_sequence_id", None)
        row = change_context(session_id, actor=self.actor(request), changes=changes, from_sequence_id=start)
        return Response(self.Output(row.payload).data)


class SessionAssetView(AstraAPIView):
    """Add an image to a session."""

    permission_classes = (require_scope(WRITE),)
    parser_classes = (MultiPartParser,)

    @extend_schema_serializer(component_name="SessionImage")
    class Input(serializers.Serializer[Any]):
        """One image."""

        file = serializers.FileField(allow_empty_file=True)
        caption = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
        after_sequence_id = serializers.IntegerField(
            min_value=0, max_value=inputs.MAX_SEQUENCE_ID, required=False, default=None, allow_null=True
        )

    @extend_schema_serializer(component_name="SessionImageStored")
    class Output(serializers.Serializer[Any]):
        """The stored image."""

        asset_id = serializers.UUIDField()
        sha256 = serializers.CharField()
        media_type = serializers.CharField()
        width_px = serializers.IntegerField()
        height_px = serializers.IntegerField()
        after_sequence_id = serializers.IntegerField()
        repeated = serializers.BooleanField()

    @extend_schema(
        operation_id="session_upload_asset",
        summary="Upload an image",
        tags=["sessions"],
        request={"multipart/form-data": Input},
        responses={201: Output},
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Store an image, made small and without metadata, after the inputs that were accepted so far."""
        given = self.Input(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        _check_size(values["file"].size, settings.MAX_ASSET_BYTES, "asset_too_large")
        accepted = inputs.upload_asset(
            session_id,
            image=values["file"].read(),
            caption=values["caption"],
            after_sequence_id=values["after_sequence_id"],
            actor=self.actor(request),
        )
        answer = {**accepted.row.payload, "repeated": accepted.is_repeat}
        return Response(self.Output(answer).data, status=200 if accepted.is_repeat else 201)


class SessionFinalizeView(AstraAPIView):
    """Ask for the minutes."""

    permission_classes = (require_scope(WRITE),)

    @extend_schema_serializer(component_name="SessionFinalize")
    class Input(serializers.Serializer[Any]):
        """How to end."""

        accept_gaps = serializers.BooleanField(default=False, help_text="Go on although numbers are missing.")

    @extend_schema(
        operation_id="session_finalize",
        summary="Finalize a session",
        tags=["sessions"],
        request=Input,
        responses={200: SessionOutput, 202: SessionOutput},
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Drain, build and seal. `202` while it goes on: repeat the call, or poll the session; `200` once closed."""
        given = self.Input(data=request.data)
        given.is_valid(raise_exception=True)
        session = finalize(session_id, actor=self.actor(request), accept_gaps=given.validated_data["accept_gaps"])
        return Response(SessionOutput(session).data, status=200 if session.state == State.CLOSED else 202)


class SessionAuditReportView(AstraAPIView):
    """The audit report of a closed session."""

    permission_classes = (require_scope(READ),)

    @extend_schema(
        operation_id="session_audit_report",
        summary="The audit report",
        tags=["sessions"],
        responses={200: {"type": "object"}},
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        """Return the audit report (`astra.audit-report/1`) that was sealed with the session."""
        return Response(delivery.audit_report(get_owned(Session, session_id)))
