"""The flows of a session, registered with the job orchestrator when the process starts.

Executors only execute; which step comes next, how often it is tried and when a job has ended is the orchestrator's.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from jobs import registry
from jobs.core.flow import Flow, RetryPolicy, Step, by_fact
from jobs.core.job import Job, JobStatus
from jobs.core.ports import StepContext
from sessions_app.errors import SessionStateConflict
from sessions_app.models import EntryKind, Session
from sessions_app.services import minutes
from sessions_app.services.finalize import PRODUCE_MINUTES, advance, sweep_sessions
from sessions_app.services.inputs import TRANSCRIBE_CHUNK, TRANSCRIBE_RECORDING
from sessions_app.services.journal import NewEntry, write_result_once
from sessions_app.services.transcripts import transcribe_input
from sessions_app.services.understand import recover_input, understand_ready_inputs

_HOUR_S = 3600.0
_QUICK = RetryPolicy(max_attempts=5, backoff_base_s=1.0, backoff_max_s=30.0)
_LIVE = RetryPolicy(max_attempts=9, backoff_base_s=1.0, backoff_max_s=60.0)  # about four minutes of outage
_PATIENT = RetryPolicy(max_attempts=4, backoff_base_s=10.0, backoff_max_s=300.0)


def transcribe(context: StepContext) -> dict[str, Any]:
    """Hear the input and journal what was heard."""
    session = Session.objects.select_related("config_version").get(pk=context.job.session_id)
    return {"utterances": transcribe_input(session, context.job.payload["sequence_id"], context)}


def publish(context: StepContext) -> dict[str, Any]:
    """Turn transcripts into blocks as far as the order allows, and move a draining session on."""
    session = Session.objects.select_related("config_version").get(pk=context.job.session_id)
    understand_ready_inputs(session)
    recover_input(session, context.job.payload["sequence_id"])
    advance(session.id)
    return {"published": True}


def input_finished(job: Job) -> None:
    """Journal the failure of an input whose job ended without a transcript: it becomes a visible pending block."""
    if job.status is JobStatus.COMPLETED or job.session_id is None:
        return
    code = job.error_code or "cancelled"
    payload = {"code": code, "message": job.error_message, "job_id": str(job.id)}
    entry = NewEntry(EntryKind.FAILURE, payload, job.payload["sequence_id"])
    try:
        write_result_once(job.session_id, entry)
    except SessionStateConflict:
        return  # the journal is closed: somebody retried a job of a session whose minutes are made
    session_id = job.session_id
    session = Session.objects.select_related("config_version").get(pk=session_id)
    transaction.on_commit(lambda: _after_failure(session), robust=True)


def _after_failure(session: Session) -> None:
    understand_ready_inputs(session)
    advance(session.id)


def _transcription(name: str, queue: str, time_limit_s: float, retry: RetryPolicy) -> Flow:
    return Flow(
        name,
        queue,
        (
            Step("transcribe", by_fact("utterances"), retry, time_limit_s),
            Step("publish", by_fact("published"), _QUICK, 600.0),
        ),
        on_finished=input_finished,
    )


PRODUCE = Flow(
    PRODUCE_MINUTES,
    "documents",
    (
        Step("write_dump", by_fact("dump_key"), _QUICK, 300.0),
        Step("build_document", by_fact("document_key"), _QUICK, 600.0),
        Step("hand_over_audio", by_fact("held_recordings"), _PATIENT, _HOUR_S),
        Step("seal", by_fact("snapshot_id"), _PATIENT, 600.0),
    ),
    on_finished=minutes.finish,
)

for _flow in (
    _transcription(TRANSCRIBE_CHUNK, "realtime", 300.0, _LIVE),
    _transcription(TRANSCRIBE_RECORDING, "batch", 12 * _HOUR_S, _PATIENT),
):
    registry.register(_flow, {"transcribe": transcribe, "publish": publish})
registry.register(
    PRODUCE,
    {
        "write_dump": minutes.write_dump,
        "build_document": minutes.build_document,
        "hand_over_audio": minutes.hand_over,
        "seal": minutes.seal,
    },
)
registry.register_sweep("sessions", sweep_sessions)
