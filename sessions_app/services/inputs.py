"""Accepting inputs: audio chunks, text, whole recordings, images.

The order is the promise: raw content into object storage, then the journal row and its job in one transaction, then the
acknowledgement. The buffer and the queue message come after the commit and may be lost without losing anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from assets.images import normalise_image
from astra_site.lib.clock import iso_utc
from astra_site.lib.errors import NotFound
from astra_site.lib.hashing import Sha256
from astra_site.lib.ids import new_id
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import current_tenant_id, get_owned
from custody.journal import AudioRecord
from jobs import services as jobs
from jobs.core.job import Job
from jobs.transcription.audio import check_audio, probe
from jobs.transcription.containers import Container
from sessions_app.errors import InputInvalid, SequenceConflict, takes_no_more
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.services.accepting import look, record
from sessions_app.services.engine import pin_engine_of_recording
from sessions_app.services.inheritance import assets_of, check_not_inherited
from sessions_app.services.journal import NewEntry, lock_for_entry, write
from sessions_app.services.limits import check_pressure, check_rate, count_input
from sessions_app.services.metering import asset_reference
from sessions_app.services.sessions import context_at
from tenants.quota.services import storage_booked

TRANSCRIBE_CHUNK = "transcribe_chunk"
TRANSCRIBE_RECORDING = "transcribe_recording"
MAX_SEQUENCE_ID = 1_000_000
MAX_SEQUENCE_JUMP = 10_000
"""How far a number may lie beyond the highest one: more than an eight-hour session has, less than a slip of the pen."""
MAX_TEXT_CHARS = 20_000
_RACES_BEFORE_WAITING = 5
"""How often an input is overtaken by other entries of its session before it waits for the session's lock."""
MEDIA_TYPES = {
    Container.WAV: "audio/wav",
    Container.FLAC: "audio/flac",
    Container.MP3: "audio/mpeg",
    Container.OGG: "audio/ogg",
    Container.WEBM: "audio/webm",
    Container.M4A: "audio/mp4",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The acknowledgement of an input. `is_repeat` says that it had been accepted before."""

    row: JournalRow
    is_repeat: bool
    job_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """What the client says about the capture: when it began, and how long it took. Kept for the record only."""

    at: datetime | None = None
    duration_ms: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what the journal keeps."""
        return {"captured_at": iso_utc(self.at) if self.at else None, "captured_duration_ms": self.duration_ms}


def append_audio(
    session_id: UUID, *, sequence_id: int, audio: bytes, captured: Captured, actor: str, behind: bool = False
) -> Accepted:
    """Accept one chunk of audio. With `behind` the buffer is told of it a moment after this returns.

    Raises the audio checks' errors (`audio_unreadable`, `audio_truncated`, `audio_empty`), `SequenceConflict` for a
    number that was used with other content, `SessionStateConflict` for a session that takes no more, `RateLimited`
    (`rate_limited`, `workers_behind`) for one that is to come back later. Nothing is stored in the journal then. What
    was accepted before is answered as before, also when the workers are behind.
    """
    _check_sequence_id(sequence_id)
    digest = Sha256.of(audio)

    def stored(session: Session) -> NewEntry:
        info = check_audio(audio)
        key = f"{session.tenant_id}/{session.id}/{sequence_id:07d}-{digest.hex}"
        media_type = MEDIA_TYPES[info.container]
        object_store().put(Bucket.AUDIO, key, audio, media_type, sha256=digest)
        record = AudioRecord(key, digest, len(audio), media_type, info.duration_ms)
        payload = {"codec": info.codec, **captured.to_json()}
        return NewEntry(EntryKind.AUDIO, payload, sequence_id, actor, record, digest)

    return _append(session_id, sequence_id, EntryKind.AUDIO, digest, stored, behind)


def append_text(
    session_id: UUID, *, sequence_id: int, text: str, captured: Captured, actor: str, behind: bool = False
) -> Accepted:
    """Accept typed text in the place of audio. Raises as `append_audio`, and `InputInvalid` for text of no content."""
    _check_sequence_id(sequence_id)
    if not text.strip() or "\x00" in text or len(text) > MAX_TEXT_CHARS:
        raise InputInvalid("text_invalid", f"text needs 1 to {MAX_TEXT_CHARS} characters and no NUL.")
    digest = Sha256.of(text.encode())
    payload = {"text": text, **captured.to_json()}
    entry = NewEntry(EntryKind.TEXT, payload, sequence_id, actor, content=digest)
    return _append(session_id, sequence_id, EntryKind.TEXT, digest, lambda session: entry, behind)


def _append(
    session_id: UUID,
    sequence_id: int,
    kind: EntryKind,
    digest: Sha256,
    stored: Callable[[Session], NewEntry],
    behind: bool,
) -> Accepted:
    """Accept an input: look, store its content, record it; look again when something else was recorded in between."""
    tenant_id = current_tenant_id()
    check_rate(tenant_id, session_id)
    seen = look(session_id, sequence_id)
    count_input(tenant_id, session_id)
    known = seen.known_input()
    if known is not None:
        return _repeat(known, kind, digest)
    check_open_to(seen.session, sequence_id)
    check_pressure()
    entry = stored(seen.session)
    for _ in range(_RACES_BEFORE_WAITING):
        recorded = record(seen, entry, TRANSCRIBE_CHUNK, behind=behind)
        if recorded is not None:
            row, job_id = recorded
            return Accepted(row, is_repeat=False, job_id=job_id)
        seen = look(session_id, sequence_id)
        known = seen.known_input()
        if known is not None:
            return _repeat(known, kind, digest)
        check_open_to(seen.session, sequence_id)
    return _accept(seen.session, entry, TRANSCRIBE_CHUNK)


def submit_recording(session_id: UUID, *, audio_url: str, model_config: dict[str, Any], actor: str) -> Accepted:
    """Accept an uploaded recording as the next input of a session and queue its transcription.

    `audio_url` is what the upload answered. Repeating the call with the same recording returns the first job. Raises
    `NotFound` (`recording_not_found`) for an address that is not an upload of this session, and `UnknownEngine`.
    """
    session = get_owned(Session, session_id)
    engine = pin_engine_of_recording(model_config, session.model_config)
    key = recording_key(session, audio_url)
    stored = object_store().head(Bucket.AUDIO, key)
    if stored is None:
        raise NotFound("recording_not_found", "audio_url names no recording that was uploaded to this session.")
    known = known_recording(session.id, stored.sha256)
    if known is not None:
        return Accepted(known, is_repeat=True, job_id=_submit_job(session, known, TRANSCRIBE_RECORDING).id)
    check_open_to(session, None)
    with object_store().open(Bucket.AUDIO, key) as stream:
        info = probe(stream)
    record = AudioRecord(key, stored.sha256, stored.size_bytes, MEDIA_TYPES[info.container], info.duration_ms)
    payload = {"codec": info.codec, "model_config": engine}
    entry = NewEntry(EntryKind.RECORDING, payload, None, actor, record, stored.sha256)
    accepted = _accept(session, entry, TRANSCRIBE_RECORDING)
    return replace(accepted, job_id=_submit_job(session, accepted.row, TRANSCRIBE_RECORDING).id)


def upload_asset(
    session_id: UUID, *, image: bytes, caption: str, actor: str, after_sequence_id: int | None = None
) -> Accepted:
    """Accept an image: checked by content, made small, stored by its hash, placed after an input.

    The same image again is answered with the first one's id. Raises the image checks' errors (`image_…`), and
    `StorageQuotaExhausted`.
    """
    session = get_owned(Session, session_id)
    normal = normalise_image(image)
    known = _known_asset(session.id, normal.sha256)
    if known is not None:
        return Accepted(known, is_repeat=True)
    check_open_to(session, None)
    key = f"{session.tenant_id}/{normal.sha256.hex}"
    booked = asset_reference(normal.sha256)
    with storage_booked(session.tenant_id, len(normal.data), reference=booked, session_id=session.id):
        object_store().put(Bucket.ASSETS, key, normal.data, normal.media_type)
    with transaction.atomic():
        locked = lock_for_entry(session.id, tuple(State))
        known = _known_asset(session.id, normal.sha256)
        if known is not None:
            return Accepted(known, is_repeat=True)
        check_open_to(locked, None)
        stands_at = locked.highest_sequence_id + 1 if after_sequence_id is None else after_sequence_id
        payload = {
            "asset_id": str(new_id()),
            "number": assets_of(session).count() + 1,
            "after_sequence_id": locked.highest_sequence_id if after_sequence_id is None else after_sequence_id,
            "caption": caption,
            "key": key,
            "sha256": str(normal.sha256),
            "media_type": normal.media_type,
            "width_px": normal.width_px,
            "height_px": normal.height_px,
            "restricted": context_at(session.id, stands_at).restricted,
        }
        row = write(locked, NewEntry(EntryKind.ASSET, payload, None, actor, content=normal.sha256))
    return Accepted(row, is_repeat=False)


def recording_key(session: Session, audio_url: str) -> str:
    """Return the object key of an upload's address; raise `NotFound` for any other address."""
    prefix = f"astra://{Bucket.AUDIO}/{session.tenant_id}/{session.id}/recording-"
    if not audio_url.startswith(prefix) or "/" in audio_url.removeprefix(prefix):
        raise NotFound("recording_not_found", "audio_url names no recording that was uploaded to this session.")
    return audio_url.removeprefix(f"astra://{Bucket.AUDIO}/")


def _check_sequence_id(sequence_id: int) -> None:
    if not 1 <= sequence_id <= MAX_SEQUENCE_ID:
        raise InputInvalid("sequence_id_invalid", f"sequence_id counts from 1 to {MAX_SEQUENCE_ID}.")


def check_open_to(session: Session, sequence_id: int | None) -> None:
    """Raise `SessionStateConflict` unless the session is open, or draining and waiting for this number.

    Once gaps are accepted nothing is waited for: what follows a gap may be understood already.
    """
    check_not_inherited(session, sequence_id)
    if sequence_id is not None and sequence_id > session.highest_sequence_id + MAX_SEQUENCE_JUMP:
        raise InputInvalid(
            "sequence_id_too_far",
            f"sequence_id may be at most {MAX_SEQUENCE_JUMP} beyond the highest accepted one.",
            details={"highest_sequence_id": session.highest_sequence_id},
        )
    fills_gap = sequence_id is not None and sequence_id <= (session.final_sequence_id or 0) and not session.accept_gaps
    if session.state == State.OPEN or (session.state == State.DRAINING and fills_gap):
        return
    raise takes_no_more(session.state)


def _accept(session: Session, entry: NewEntry, flow: str) -> Accepted:
    """Journal an input with its job in one transaction; answer a repeat that came in at the same time as before."""
    with transaction.atomic():
        locked = lock_for_entry(session.id, tuple(State))
        sequence_id = entry.sequence_id or locked.highest_sequence_id + 1
        if entry.sequence_id is None:
            known = known_recording(session.id, entry.content)
        else:
            known = _known_input(session.id, sequence_id)
        if known is not None:  # also when it moved the session on: what was acknowledged is never refused
            return _repeat(known, entry.kind, entry.content)
        check_open_to(locked, entry.sequence_id)
        highest = max(sequence_id, locked.highest_sequence_id)
        row = write(locked, replace(entry, sequence_id=sequence_id), highest_sequence_id=highest)
        job = _submit_job(locked, row, flow)
    return Accepted(row, is_repeat=False, job_id=job.id)


def _submit_job(session: Session, row: JournalRow, flow: str) -> Job:
    return jobs.submit(
        flow,
        {"sequence_id": row.sequence_id},
        session_id=session.id,
        dedup_key=f"{flow}:{session.id}:{row.sequence_id}",
    )


def _known_input(session_id: UUID, sequence_id: int) -> JournalRow | None:
    rows = JournalRow.objects.filter(session_id=session_id, kind__in=JournalRow.sequenced_kinds)
    known: JournalRow | None = rows.filter(sequence_id=sequence_id).first()
    return known


def _known_asset(session_id: UUID, content: Sha256) -> JournalRow | None:
    kinds = [EntryKind.ASSET, EntryKind.INHERITED]
    rows = JournalRow.objects.filter(session_id=session_id, kind__in=kinds)
    known: JournalRow | None = rows.filter(content_sha256=str(content)).first()
    return known


def known_recording(session_id: UUID, content: Sha256 | None) -> JournalRow | None:
    """Return the input that a recording already is, found by its content."""
    rows = JournalRow.objects.filter(session_id=session_id, kind=EntryKind.RECORDING)
    known: JournalRow | None = rows.filter(content_sha256=str(content)).first()
    return known


def _repeat(known: JournalRow, kind: str, content: Sha256 | None) -> Accepted:
    if known.kind == kind and known.content_sha256 == str(content):
        return Accepted(known, is_repeat=True)
    raise SequenceConflict(
        "sequence_conflict",
        f"Sequence number {known.sequence_id} was accepted before with other content; that one stays.",
        details={"sequence_id": known.sequence_id, "content_sha256": known.content_sha256},
    )
