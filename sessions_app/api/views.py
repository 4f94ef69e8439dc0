"""The session endpoints. Each view parses, calls one service and translates the answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from astra_site.lib.api import AstraAPIView, require_scope
from astra_site.lib.tenancy import get_owned
from sessions_app.api.append_reading import check_size
from sessions_app.api.serializers import ModelConfigInput, SessionOutput
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
        check_size(values["file"].size, settings.MAX_ASSET_BYTES, "asset_too_large")
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
