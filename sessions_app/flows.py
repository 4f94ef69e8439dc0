"""The flows of a session, registered with the job orchestrator when the process starts.

Executors only execute; which step comes next, how often it is tried and when a job has ended is the orchestrator's.
"""

from __future__ import annotations

from typing import Any

from astra_site.lib.after_commit import after_commit
from jobs import registry
from jobs.core.flow import Flow, RetryPolicy, Step, by_fact
from jobs.core.job import Job, JobStatus
from jobs.core.ports import StepContext
from sessions_app.errors import SessionStateConflict
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.services import minutes
from sessions_app.services.buffer_care import LOOK_AFTER_SESSION, sweep_buffers
from sessions_app.services.cleaning import CLEAN_SESSION, check_cleaned, clean_session, sweep_cleaning
from sessions_app.services.finalize import PRODUCE_MINUTES, advance, sweep_sessions
from sessions_app.services.graveyard import sweep_graveyard
from sessions_app.services.inputs import TRANSCRIBE_CHUNK, TRANSCRIBE_RECORDING
from sessions_app.services.journal import NewEntry, write_result_once
from sessions_app.services.metering import sweep_metering
from sessions_app.services.recovery import (
    RECOVER_INPUT,
    hear_again,
    postponing,
    recover_input,
    recovery_finished,
    understand_again,
)
from sessions_app.services.transcripts import transcribe_input
from sessions_app.services.understand import understand_ready_inputs

_HOUR_S = 3600.0
_QUICK = RetryPolicy(max_attempts=5, backoff_base_s=1.0, backoff_max_s=30.0)
# Whatever follows a chunk waits for it: a few seconds of trouble are all that it may cost, recovery does the rest.
_LIVE = RetryPolicy(max_attempts=4, backoff_base_s=1.0, backoff_max_s=10.0)
_RECOVERY = RetryPolicy(max_attempts=10, backoff_base_s=30.0, backoff_max_s=3600.0, jitter=0.3)  # two to three hours
_PATIENT = RetryPolicy(max_attempts=4, backoff_base_s=10.0, backoff_max_s=300.0)


def transcribe(context: StepContext) -> dict[str, Any]:
    """Hear the input and journal what was heard."""
    session = Session.objects.get(pk=context.job.session_id)
    return {"utterances": transcribe_input(session, context.job.payload["sequence_id"], context)}


def publish(context: StepContext) -> dict[str, Any]:
    """Turn transcripts into blocks as far as the order allows, and move a draining session on.

    A transcription that failed and was retried by hand comes here with its input pending, and supersedes it.
    """
    session = Session.objects.get(pk=context.job.session_id)
    sequence_id = context.job.payload["sequence_id"]
    understand_ready_inputs(session)
    with postponing(context):
        if JournalRow.objects.filter(session_id=session.id, kind=EntryKind.FAILURE, sequence_id=sequence_id).exists():
            recover_input(session, sequence_id)
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
    session = Session.objects.get(pk=session_id)
    after_commit(_after_failure, session)


def _after_failure(session: Session) -> None:
    understand_ready_inputs(session)
    advance(session.id)


def understand_waiting(context: StepContext) -> dict[str, Any]:
    """Make the blocks of inputs that were heard and then forgotten (a crash between the two)."""
    session = Session.objects.get(pk=context.job.session_id)
    return {"understood": understand_ready_inputs(session)}


def clean_audio(context: StepContext) -> dict[str, Any]:
    """Remove a closed session's temporary audio; fails, for somebody to look, where custody does not hold it."""
    report = clean_session(Session.objects.get(pk=context.job.session_id), on_checked=context.heartbeat)
    check_cleaned(report)
    return {"removed": len(report.removed), "removed_bytes": report.removed_bytes, "kept": len(report.kept)}


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

# Behind recordings, not before live chunks: recovery must never slow down what somebody waits for.
RECOVER = Flow(
    RECOVER_INPUT,
    "batch",
    (
        Step("hear_again", by_fact("utterances"), _RECOVERY, 12 * _HOUR_S),
        Step("understand_again", by_fact("outcome"), _RECOVERY, 600.0),
    ),
    on_finished=recovery_finished,
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
registry.register(RECOVER, {"hear_again": hear_again, "understand_again": understand_again})
registry.register_sweep("sessions", sweep_sessions)
registry.register_sweep("quota", sweep_metering)
registry.register(
    Flow(LOOK_AFTER_SESSION, "realtime", (Step("understand_waiting", by_fact("understood"), _QUICK, 600.0),)),
    {"understand_waiting": understand_waiting},
)
registry.register(
    Flow(CLEAN_SESSION, "batch", (Step("clean_audio", by_fact("removed"), _PATIENT, _HOUR_S),)),
    {"clean_audio": clean_audio},
)
registry.register_sweep("buffers", sweep_buffers)
registry.register_sweep("graveyard", sweep_graveyard)
registry.register_sweep("cleaning", sweep_cleaning)
