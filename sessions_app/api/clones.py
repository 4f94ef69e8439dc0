"""Correcting closed minutes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from astra_site.lib.api import AstraAPIView, require_scope
from sessions_app.api.serializers import SessionOutput
from sessions_app.services.clone import clone_session


class SessionCloneView(AstraAPIView):
    """Begin a correction."""

    permission_classes = (require_scope("sessions:write"),)

    @extend_schema_serializer(component_name="SessionClone")
    class Input(serializers.Serializer[Any]):
        """What the client calls it."""

        clone_id = serializers.CharField(
            max_length=64,
            required=False,
            help_text="Your own name for this correction: sent again, it returns the session that it made. The header "
            "Idempotency-Key does as well.",
        )

    @extend_schema(
        operation_id="session_clone",
        summary="Correct closed minutes",
        tags=["corrections"],
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request=Input,
        responses={200: SessionOutput, 201: SessionOutput},
        examples=[OpenApiExample("A correction", request_only=True, value={"clone_id": "acta-014-v2"})],
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Open a new session with all that the closed one was sealed with. The closed one stays as it is."""
        given = self.Input(data=request.data)
        given.is_valid(raise_exception=True)
        clone_id = given.validated_data.get("clone_id") or request.headers.get("Idempotency-Key")
        cloned = clone_session(session_id, actor=self.actor(request), clone_id=clone_id)
        return Response(SessionOutput(cloned.session).data, status=200 if cloned.is_repeat else 201)
