"""How jobs and their events look outside. Payload and facts stay inside: they name objects of the store."""

from __future__ import annotations

from rest_framework import serializers

from jobs.models import EventKind, Job, JobEvent, Status


class ProgressOutput(serializers.Serializer[object]):
    """How far the current step is; empty before its first report."""

    done = serializers.FloatField(required=False)
    total = serializers.FloatField(required=False, allow_null=True)
    unit = serializers.CharField(required=False, allow_blank=True)


class JobOutput(serializers.ModelSerializer[Job]):
    """A job as its tenant sees it."""

    status = serializers.ChoiceField(choices=Status.choices)
    progress = ProgressOutput()

    class Meta:
        model = Job
        fields = (
            "id",
            "session_id",
            "flow",
            "queue",
            "status",
            "current_step",
            "attempts",
            "progress",
            "not_before",
            "error_code",
            "error_message",
            "created_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class JobEventOutput(serializers.ModelSerializer[JobEvent]):
    """One entry of a job's history."""

    kind = serializers.ChoiceField(choices=EventKind.choices)

    class Meta:
        model = JobEvent
        fields = ("number", "kind", "at", "details")
        read_only_fields = fields
