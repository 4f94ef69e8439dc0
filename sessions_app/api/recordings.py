"""The batch path: upload a recording, then ask for its transcription."""

from __future__ import annotations

from typing import IO, Any, cast
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from astra_site.lib.api import AstraAPIView, require_scope
from astra_site.lib.tenancy import get_owned
from jobs.api.serializers import JobOutput
from jobs.api.views import JobListView
from jobs.models import Job
from sessions_app.api.serializers import ModelConfigInput
from sessions_app.services import inputs
from sessions_app.services.uploads import upload_recording


class SessionRecordingView(AstraAPIView):
    """Upload a recording."""

    permission_classes = (require_scope("sessions:write"),)

    @extend_schema_serializer(component_name="SessionRecording")
    class Output(serializers.Serializer[Any]):
        """What to give to `POST jobs`."""

        audio_url = serializers.CharField()
        sha256 = serializers.CharField()
        size_bytes = serializers.IntegerField()
        duration_ms = serializers.IntegerField()

    @extend_schema(
        operation_id="session_upload_recording",
        summary="Upload a recording",
        tags=["sessions"],
        request={"audio/*": OpenApiTypes.BINARY},
        responses={201: Output},
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        """Store the body as a recording of the session, in flat memory. It becomes an input with `POST jobs`."""
        # The request itself is the stream, with or without an announced length; `request.data` would need one.
        return Response(self.Output(upload_recording(session_id, cast(IO[bytes], request))).data, status=201)


class JobCollectionView(JobListView):
    """The tenant's jobs; posting one asks for the transcription of an uploaded recording."""

    @extend_schema_serializer(component_name="JobCreate")
    class JobInput(serializers.Serializer[Any]):
        """Which recording of which session."""

        session_id = serializers.UUIDField()
        audio_url = serializers.CharField(max_length=500)
        model_config = ModelConfigInput(required=False, default=dict)

    def get_permissions(self) -> list[Any]:
        """Reading wants one scope, posting another."""
        scope = "jobs:write" if self.request.method == "POST" else "jobs:read"
        return [require_scope(scope)()]

    @extend_schema(
        operation_id="job_create",
        summary="Transcribe a recording",
        tags=["jobs"],
        request=JobInput,
        responses={202: JobOutput},
        examples=[
            OpenApiExample(
                "A recording",
                request_only=True,
                value={
                    "session_id": "01960000-0000-7000-8000-000000000000",
                    "audio_url": "astra://audio/…/recording-…",
                    "model_config": {"provider": "whisper"},
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Make an uploaded recording the next input of its session and transcribe it. Repeats return the first job."""
        given = self.JobInput(data=request.data)
        given.is_valid(raise_exception=True)
        accepted = inputs.submit_recording(actor=self.actor(request), **given.validated_data)
        job = get_owned(Job, UUID(str(accepted.job_id)))
        return Response(JobOutput(job).data, status=202)
