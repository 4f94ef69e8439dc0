"""The append endpoint as DRF's view: its description, its refusals, and its answers where no ASGI server runs.

On an ASGI server `sessions_app.api.append_front` answers the plain requests before Django sees them, with the same
reading, the same service and the same answers.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from astra_site.lib.api import AstraAPIView, require_scope
from astra_site.lib.json_input import StrictJSONParser
from sessions_app.api.append_reading import AppendInput, append_of_body, append_of_form, is_bare_audio
from sessions_app.services.inputs import Accepted
from sessions_app.services.results import blocks_within, status_of

APPEND_SCOPE = "sessions:write"
_OF_A_BODY = "Of a bare body (audio/*, application/octet-stream); elsewhere it is a field."


@extend_schema_serializer(component_name="SessionAppended")
class AppendOutput(serializers.Serializer[Any]):
    """The acknowledgement: from now on this input can't be lost."""

    session_id = serializers.UUIDField()
    sequence_id = serializers.IntegerField()
    status = serializers.CharField(help_text="PROCESSING; with blocks READY, or what keeps them from it.")
    content_sha256 = serializers.CharField()
    repeated = serializers.BooleanField()
    blocks = serializers.ListField(child=serializers.DictField(), required=False, help_text="Only with ?wait=.")


def answer_of(
    session_id: UUID, accepted: Accepted, blocks: list[dict[str, Any]] | None
) -> tuple[int, dict[str, object]]:
    """Return the status and the body of an acknowledgement: `202`, or `200` with blocks that were waited for."""
    body: dict[str, object] = {
        "session_id": str(session_id),
        "sequence_id": accepted.row.sequence_id,
        "status": "PROCESSING" if blocks is None else status_of(blocks),
        "content_sha256": accepted.row.content_sha256,
        "repeated": accepted.is_repeat,
    }
    return (202, body) if blocks is None else (200, {**body, "blocks": blocks})


class SessionAppendView(AstraAPIView):
    """Add an input to a session."""

    permission_classes = (require_scope(APPEND_SCOPE),)
    parser_classes = (StrictJSONParser, MultiPartParser)

    @extend_schema(
        operation_id="session_append",
        summary="Append audio or text",
        tags=["sessions"],
        parameters=[
            OpenApiParameter("wait", float, description="Seconds to wait for the blocks, more than 0, at most 30."),
            OpenApiParameter("sequence_id", int, description=_OF_A_BODY),
            OpenApiParameter("captured_at", OpenApiTypes.DATETIME, description=_OF_A_BODY),
            OpenApiParameter("duration_ms", int, description=_OF_A_BODY),
        ],
        request={
            "application/json": AppendInput,
            "multipart/form-data": AppendInput,
            "audio/*": OpenApiTypes.BINARY,
            "application/octet-stream": OpenApiTypes.BINARY,
        },
        responses={200: AppendOutput, 202: AppendOutput},
        examples=[
            OpenApiExample("Text", request_only=True, value={"sequence_id": 7, "text": "Se abre la sesión."}),
            OpenApiExample("Audio", request_only=True, value={"sequence_id": 8, "audio_chunk": "UklGR…"}),
        ],
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Accept an input: `202` once it is in storage and in the journal. Any order; repeats are harmless.

        With `?wait=` the acknowledgement waits for the blocks of this input: `200` with them if they come in time.
        `429` asks a client that is too fast, or workers that are behind, for patience: send it again after
        `Retry-After` seconds.
        """
        if is_bare_audio(request.content_type):
            given = append_of_body(request.body, request.query_params)
        else:
            form = AppendInput(data=request.data)
            form.is_valid(raise_exception=True)
            given = append_of_form(form.validated_data, request.query_params)
        accepted = given.accept(session_id, self.actor(request))
        blocks = None
        if given.wait_s:
            blocks = async_to_sync(blocks_within)(session_id, accepted.row.sequence_id or 0, given.wait_s)
        status, body = answer_of(session_id, accepted, blocks)
        return Response(body, status=status)


@extend_schema_view(post=extend_schema(operation_id="session_chunk", summary="Append audio or text (alias)"))
class SessionChunkView(SessionAppendView):
    """The other name of append."""
