"""List, look at, cancel and retry jobs. Each view parses, calls one service or query, and answers."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from uuid import UUID

from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from astra_site.lib.api import AstraAPIView, require_scope
from astra_site.lib.tenancy import get_owned
from jobs import services
from jobs.api.examples import JOB, JOB_EVENT
from jobs.api.serializers import JobEventOutput, JobOutput
from jobs.models import Job, JobEvent, Status

_MAX_EVENTS_PER_PAGE = 200
_EVENT_NUMBER = re.compile(r"[0-9]{1,9}")


class CheckedCursorPagination(CursorPagination, ABC):
    """DRF's pages, with a `404` also for a cursor whose position is no value of the ordering column."""

    @staticmethod
    @abstractmethod
    def is_position(text: str) -> bool:
        """Tell whether the text is a value of the first ordering column."""

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return where the page begins; raise `NotFound` for a cursor that was not handed out here."""
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not self.is_position(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class JobPages(CheckedCursorPagination):
    """Newest first; `cursor` goes on where the last page ended, whatever was added meanwhile."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = ("-created_at", "-id")

    @staticmethod
    def is_position(text: str) -> bool:
        """Tell whether it is a point in time, with its zone."""
        try:
            moment = parse_datetime(text)
        except ValueError:
            return False
        return moment is not None and moment.tzinfo is not None


class JobEventPages(CheckedCursorPagination):
    """Oldest first."""

    page_size = _MAX_EVENTS_PER_PAGE
    ordering = ("number",)

    @staticmethod
    def is_position(text: str) -> bool:
        """Tell whether it is the number of an event."""
        return _EVENT_NUMBER.fullmatch(text) is not None


class JobListView(AstraAPIView):
    """The tenant's jobs."""

    permission_classes = (require_scope("jobs:read"),)

    class Input(serializers.Serializer[object]):
        """What to look for."""

        session_id = serializers.UUIDField(required=False, help_text="Only the jobs of this session.")
        status = serializers.ChoiceField(choices=Status.choices, required=False, help_text="Only jobs in this state.")
        cursor = serializers.CharField(required=False, help_text="From `next` or `previous` of another page.")
        page_size = serializers.IntegerField(required=False, min_value=1, max_value=JobPages.max_page_size)

    @extend_schema_serializer(component_name="JobPage")
    class Output(serializers.Serializer[object]):
        """One page."""

        next = serializers.URLField(allow_null=True)
        previous = serializers.URLField(allow_null=True)
        results = JobOutput(many=True)

    @extend_schema(
        operation_id="job_list", summary="List jobs", tags=["jobs"], parameters=[Input], responses=Output, filters=False
    )
    def get(self, request: Request) -> Response:
        """List the tenant's jobs, newest first, of one session or in one state if asked."""
        given = self.Input(data=request.query_params)
        given.is_valid(raise_exception=True)
        wanted = {name: given.validated_data[name] for name in ("session_id", "status") if name in given.validated_data}
        pages = JobPages()
        rows: Sequence[Job] | None = pages.paginate_queryset(Job.objects.filter(**wanted), request, view=self)
        return pages.get_paginated_response(JobOutput(rows, many=True).data)


class JobDetailView(AstraAPIView):
    """One job."""

    permission_classes = (require_scope("jobs:read"),)

    @extend_schema(operation_id="job_detail", summary="A job", tags=["jobs"], responses=JobOutput, examples=[JOB])
    def get(self, request: Request, job_id: UUID) -> Response:
        """Say where a job stands."""
        return Response(JobOutput(get_owned(Job, job_id)).data)


class JobEventListView(AstraAPIView):
    """A job's history."""

    permission_classes = (require_scope("jobs:read"),)

    @extend_schema_serializer(component_name="JobEventPage")
    class Output(serializers.Serializer[object]):
        """One page."""

        next = serializers.URLField(allow_null=True)
        previous = serializers.URLField(allow_null=True)
        results = JobEventOutput(many=True)

    @extend_schema(
        operation_id="job_events",
        summary="A job's events",
        tags=["jobs"],
        responses=Output,
        examples=[JOB_EVENT],
        filters=False,
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """List what happened to a job, oldest first."""
        job = get_owned(Job, job_id)
        pages = JobEventPages()
        rows: Sequence[JobEvent] | None = pages.paginate_queryset(JobEvent.objects.filter(job=job), request, view=self)
        return pages.get_paginated_response(JobEventOutput(rows, many=True).data)


class JobCancelView(AstraAPIView):
    """End a job."""

    permission_classes = (require_scope("jobs:write"),)

    @extend_schema(
        operation_id="job_cancel",
        summary="Cancel a job",
        tags=["jobs"],
        request=None,
        responses=JobOutput,
        examples=[JOB],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """End a waiting or running job; idempotent, `409` when it has ended otherwise."""
        services.cancel(get_owned(Job, job_id).pk)
        return Response(JobOutput(get_owned(Job, job_id)).data)


class JobRetryView(AstraAPIView):
    """Try a failed job again."""

    permission_classes = (require_scope("jobs:write"),)

    @extend_schema(
        operation_id="job_retry",
        summary="Retry a failed job",
        tags=["jobs"],
        request=None,
        responses=JobOutput,
        examples=[JOB],
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Queue a failed job again, from the step that failed; `409` in any other state."""
        services.retry(get_owned(Job, job_id).pk)
        return Response(JobOutput(get_owned(Job, job_id)).data)
