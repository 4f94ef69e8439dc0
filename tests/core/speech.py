"""Speech whose recognition is known, and doing a session's work in parts."""

from __future__ import annotations

import base64
from typing import Any

from astra_site.lib.tenancy import tenant_scope
from jobs.models import Job, Status
from jobs.runtime.work import run_job
from sessions_app.models import EntryKind
from sessions_app.services.journal import NewEntry, write_result_once
from tests.sessions.minutes_client import Minutes
from tests.sessions.samples import WAV


def speak(minutes: Minutes, sequence_id: int, text: str, **fields: Any) -> None:
    """Send a chunk of audio and journal what an engine heard in it."""
    body = {"sequence_id": sequence_id, "audio_chunk": base64.b64encode(WAV).decode(), **fields}
    assert minutes.api.post(minutes.url("append"), body, format="json").status_code == 202
    heard = {"text": text, "start_ms": 50, "end_ms": 650, "confidence": 0.9, "words": []}
    payload = {"engine": "known", "model": "known", "language": "es", "duration_ms": 700, "utterances": [heard]}
    row = minutes.row()
    with tenant_scope(row.tenant_id):
        write_result_once(row.id, NewEntry(EntryKind.TRANSCRIPT, payload, sequence_id))


def work_live(minutes: Minutes) -> None:
    """Run the jobs of chunks that are queued, once each, and no recovery."""
    for job in minutes.jobs(flow="transcribe_chunk", status=Status.QUEUED):
        run_job(job.id)


def recovery_of(minutes: Minutes, sequence_id: int) -> Job:
    """The job that recovers an input."""
    (job,) = [job for job in minutes.jobs(flow="recover_input") if job.payload["sequence_id"] == sequence_id]
    return job
