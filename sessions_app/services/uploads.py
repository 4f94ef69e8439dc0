"""Recordings on their way in: streamed to the object store, named by their content."""

from __future__ import annotations

from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, BinaryIO, cast
from uuid import UUID

from django.conf import settings

from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import get_owned
from jobs.transcription.audio import FILE_LIMITS, check_audio
from sessions_app.errors import InputTooLarge
from sessions_app.models import Session
from sessions_app.services.inputs import MEDIA_TYPES, check_open_to, known_recording
from sessions_app.services.metering import recording_reference
from tenants.quota.services import storage_booked

_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded recording. `audio_url` is its address for `POST jobs`; it is no input of the session yet."""

    audio_url: str
    sha256: Sha256
    size_bytes: int
    duration_ms: int


def upload_recording(session_id: UUID, body: IO[bytes]) -> Upload:
    """Store a recording of any length in flat memory and return its address.

    It is decoded to its end first (about 1,000 times faster than it was spoken), so a cut file is refused here.
    Uploading the same bytes again gives the same address. Raises `InputTooLarge` past the limit, the audio checks'
    errors for what is no audio, `SessionStateConflict` for a session that takes no more, `StorageQuotaExhausted`;
    nothing is kept then.
    """
    session = get_owned(Session, session_id)
    with TemporaryFile() as file:
        spool = cast(BinaryIO, file)
        size_bytes = _spool(body, spool)
        spool.seek(0)
        digest = Sha256.of_stream(spool)
        key = f"{session.tenant_id}/{session.id}/recording-{digest.hex}"
        if known_recording(session.id, digest) is None:
            check_open_to(session, None)
        spool.seek(0)
        info = check_audio(spool, FILE_LIMITS)
        spool.seek(0)
        booked = recording_reference(session, digest)
        with storage_booked(session.tenant_id, size_bytes, reference=booked, session_id=session.id):
            object_store().put(Bucket.AUDIO, key, spool, MEDIA_TYPES[info.container])
    return Upload(f"astra://{Bucket.AUDIO}/{key}", digest, size_bytes, info.duration_ms)


def _spool(body: IO[bytes], spool: IO[bytes]) -> int:
    size_bytes = 0
    while piece := body.read(_PIECE_BYTES):
        size_bytes += len(piece)
        if size_bytes > settings.MAX_RECORDING_BYTES:
            raise InputTooLarge(
                "recording_too_large",
                "The recording is larger than this installation accepts.",
                details={"limit_bytes": settings.MAX_RECORDING_BYTES},
            )
        spool.write(piece)
    return size_bytes
