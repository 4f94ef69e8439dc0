"""From audio to text: the step of a job that asks the speech engine and journals what it heard."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from astra_site.lib.object_store import Bucket, object_store
from jobs.core.ports import StepContext
from jobs.transcription.engine import TranscribeOptions, TranscriptResult
from jobs.transcription.pipeline import transcribe_audio
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.services.engine import pinned_engine
from sessions_app.services.journal import NewEntry, write_result_once
from sessions_app.services.metering import MeteredTranscriber
from sessions_app.services.pins import config_content_of
from sessions_app.understanding.types import Utterance
from tenants.models import Resource
from tenants.quota.reservations import Hold, reserved

_PROGRESS_EVERY_MS = 5_000


def input_row(session_id: UUID, sequence_id: int) -> JournalRow:
    """Return the input that was accepted under a sequence number."""
    row: JournalRow = JournalRow.objects.get(
        session_id=session_id, sequence_id=sequence_id, kind__in=JournalRow.sequenced_kinds
    )
    return row


def transcribe_input(session: Session, sequence_id: int, context: StepContext) -> int:
    """Transcribe an input and journal the result, once; return the number of utterances.

    Typed text is its own transcript. AI time is reserved by the length of the audio before it is even opened, and
    settled, together with the transcript, by the speech that the engine was given. Raises `QuotaExhausted`, and the
    engine's errors; those of an engine that is not there now are transient.
    """
    row = input_row(session.id, sequence_id)
    if row.kind == EntryKind.TEXT:
        return 1
    known = JournalRow.objects.filter(session_id=session.id, sequence_id=sequence_id, kind=EntryKind.TRANSCRIPT).first()
    if known is not None:
        return len(known.payload["utterances"])
    with reserved(
        session.tenant_id,
        Resource.AI_MS,
        row.audio_duration_ms or 0,
        reference=f"transcribe:{session.id}:{sequence_id}",
        session_id=session.id,
    ) as hold:
        result, heard_ms = _hear(session, row, context, hold)
        with transaction.atomic():
            write_result_once(session.id, NewEntry(EntryKind.TRANSCRIPT, _payload(result, heard_ms), sequence_id))
            hold.settle(heard_ms)
    return len(result.segments)


def _hear(session: Session, row: JournalRow, context: StepContext, hold: Hold) -> tuple[TranscriptResult, int]:
    """Return what the engine heard, and how much speech it was given."""
    content = config_content_of(session)
    options = TranscribeOptions(hotwords=tuple(content.get("hotwords", ())))
    reported_ms = 0
    total_s = (row.audio_duration_ms or 0) / 1000

    def report(done_ms: int) -> None:
        nonlocal reported_ms
        if done_ms - reported_ms >= _PROGRESS_EVERY_MS:
            reported_ms = done_ms
            context.report_progress(done_ms / 1000, total_s, "s")
            hold.keep()

    pin = row.payload.get("model_config") or session.model_config
    engine = MeteredTranscriber(pinned_engine(pin))
    with object_store().open(Bucket.AUDIO, row.audio_key) as stream:
        return transcribe_audio(stream, engine, options, report), engine.heard_ms


def _payload(result: TranscriptResult, heard_ms: int) -> dict[str, object]:
    """Return what the journal keeps of a transcript: text, times and confidence by utterance and by word.

    `words` holds `[text, start_ms, end_ms, confidence]`; `heard_ms` is the speech that was paid for.
    """
    return {
        "engine": result.engine,
        "model": result.model,
        "language": result.language,
        "duration_ms": result.duration_ms,
        "heard_ms": heard_ms,
        "utterances": [
            {
                "text": segment.text,
                "start_ms": segment.start_ms,
                "end_ms": segment.end_ms,
                "confidence": round(segment.confidence, 4),
                "words": [[word.text, word.start_ms, word.end_ms, round(word.confidence, 4)] for word in segment.words],
            }
            for segment in result.segments
        ],
    }


def utterances_of(row: JournalRow, transcript: JournalRow | None) -> list[Utterance]:
    """Return what was said in an input: its text, or the utterances of its transcript."""
    if row.kind == EntryKind.TEXT:
        return [Utterance(row.payload["text"], 0, 0, None)]
    spoken = transcript.payload["utterances"] if transcript else []
    return [Utterance(item["text"], item["start_ms"], item["end_ms"], item["confidence"]) for item in spoken]
