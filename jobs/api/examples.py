"""Examples for the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

_QUEUED_AT = "2026-03-02T14:05:11.020000Z"

JOB = OpenApiExample(
    "A transcription at work",
    value={
        "id": "0195574c-9b1e-7c55-a1f4-0d6d3a8f2b10",
        "session_id": "0195574c-1a2b-7d3e-8f00-5b6c7d8e9f01",
        "flow": "transcribe_recording",
        "queue": "batch",
        "status": "PROCESSING",
        "current_step": "transcribe",
        "attempts": 0,
        "progress": {"done": 5400.0, "total": 25200.0, "unit": "audio_s"},
        "not_before": _QUEUED_AT,
        "error_code": None,
        "error_message": None,
        "created_at": _QUEUED_AT,
        "started_at": "2026-03-02T14:05:12.410000Z",
        "finished_at": None,
    },
    response_only=True,
)

JOB_EVENT = OpenApiExample(
    "A step that is tried again",
    value={
        "number": 3,
        "kind": "job_retrying",
        "at": "2026-03-02T14:06:40.118000Z",
        "details": {"step": "transcribe", "error_code": "lease_expired", "delay_s": 0.0, "counted": True},
    },
    response_only=True,
)
