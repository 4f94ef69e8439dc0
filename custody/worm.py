"""Audio handover: every recording of a session copied into WORM storage and proven there, before anything else goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import BinaryIO
from uuid import UUID

from django.conf import settings

from astra_site.lib.clock import Clock, utc_now
from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, ObjectMissing, ObjectProtected, ObjectStore, Protection, object_store
from astra_site.lib.tenancy import current_tenant_id
from astra_site.lib.threads import each_at_once
from custody.errors import CustodyAudioMissing, WormCopyDiffers
from custody.evidence import audio_path, distinct_audio
from custody.journal import AudioRecord, JournalEntry, audio_records
from custody.models import HeldObject


def hand_over_audio(
    session_id: UUID,
    entries: Sequence[JournalEntry],
    *,
    corrects: UUID | None = None,
    retain_until: datetime | None = None,
    on_copied: Callable[[], None] = lambda: None,
    store: ObjectStore | None = None,
    clock: Clock = utc_now,
) -> list[HeldObject]:
    """Copy the journal's recordings to the WORM bucket; return one row per distinct content, in the journal's order.

    For each: (1) a row that is there already is taken as done; (2) the object is copied to a key named by its content,
    or a copy left by a run that crashed is taken up; (3) that version of it is read back whole and hashed; (4) the same
    version is protected until `retain_until` (default: `WORM_RETENTION_DAYS` from now); (5) the row names it. What
    somebody else writes under the key meanwhile is another version. Idempotent, and resumable after a crash between
    any two lines. `WORM_COPIES_AT_ONCE` are worked on at the same time: nearly all of it is waiting for the store.
    `on_copied` is called after each recording: extend a lease there. Call it in the tenant's scope.

    A session that corrects another one shares its recordings: where `corrects` holds one, its copy is read back and
    hashed again and protected for as long as the longer of the two asks, and no second copy is made.

    The row's `protection` is the store's own word. `local-readonly` is weaker than Object Lock: whoever administers
    the disk can undo it, and the audit report says so.

    Raises `CustodyAudioMissing` (`custody_audio_missing`), `WormCopyDiffers` (`worm_copy_differs`), and what the object
    store raises; then the recordings before the failing one are held, and perhaps a few behind it.
    """
    target = store or object_store()
    until = retain_until or clock() + timedelta(days=settings.WORM_RETENTION_DAYS)

    def hold(recording: AudioRecord) -> HeldObject:
        row = _held(session_id, recording.sha256)
        if row is None and corrects is not None:
            row = _share(target, session_id, corrects, recording, until, clock)
        return row or _take_into_custody(target, session_id, recording, until, clock)

    rows = []
    for row in each_at_once(hold, distinct_audio(audio_records(entries)), settings.WORM_COPIES_AT_ONCE):
        rows.append(row)
        on_copied()
    return rows


def held_objects(session_id: UUID) -> list[HeldObject]:
    """The session's recordings in custody, oldest row first."""
    return list(HeldObject.objects.filter(session_id=session_id).order_by("id"))


def held_content(sha256: Sha256) -> HeldObject | None:
    """A recording of this content in the tenant's custody, whichever session brought it in; None when there is none."""
    row: HeldObject | None = HeldObject.objects.filter(sha256=str(sha256)).order_by("id").first()
    return row


def open_held(held: HeldObject, store: ObjectStore | None = None) -> BinaryIO:
    """Open the version that custody holds, for the caller to close.

    Raises `CustodyAudioMissing` (`custody_copy_missing`) when it is not in the WORM bucket any more.
    """
    target = store or object_store()
    try:
        return target.open(Bucket.WORM, held.worm_key, version_id=held.version_id)
    except ObjectMissing as error:
        raise CustodyAudioMissing(
            "custody_copy_missing", "A recording that is in custody is not in the WORM bucket any more."
        ) from error


def verify_held(held: HeldObject, store: ObjectStore | None = None) -> None:
    """Read the held version back whole and compare size and hash: done right before another copy is removed.

    Raises `WormCopyDiffers` (`worm_copy_differs`) and what `open_held` raises.
    """
    with open_held(held, store) as stream:
        found = Sha256.of_stream(stream)
        size_bytes = stream.tell()
    if str(found) != held.sha256 or size_bytes != held.size_bytes:
        raise WormCopyDiffers(
            "worm_copy_differs",
            "The copy in WORM storage is not the one that was taken into custody.",
            details={"expected": held.sha256, "found": str(found)},
        )


def _held(session_id: UUID, sha256: Sha256) -> HeldObject | None:
    row: HeldObject | None = HeldObject.objects.filter(session_id=session_id, sha256=str(sha256)).first()
    return row


def _take_into_custody(
    store: ObjectStore, session_id: UUID, recording: AudioRecord, retain_until: datetime, clock: Clock
) -> HeldObject:
    worm_key = f"{current_tenant_id()}/{session_id}/{PurePosixPath(audio_path(recording)).name}"
    version_id = _copy(store, recording, worm_key)
    protection = store.protect(Bucket.WORM, worm_key, retain_until, version_id=version_id)
    return _row(session_id, recording, recording.key, worm_key, version_id, protection, clock)


def _share(
    store: ObjectStore, session_id: UUID, corrects: UUID, recording: AudioRecord, retain_until: datetime, clock: Clock
) -> HeldObject | None:
    """Hold the copy that the corrected session holds; None where it holds none of this recording."""
    held = _held(corrects, recording.sha256)
    if held is None:
        return None
    try:
        found = _read_back(store, held.worm_key, held.version_id)
    except ObjectMissing as error:
        raise _missing(recording) from error
    if found != recording.sha256:
        raise _differs(recording, found)
    until = max(retain_until, held.retained_until)
    protection = store.protect(Bucket.WORM, held.worm_key, until, version_id=held.version_id)
    return _row(session_id, recording, held.source_key, held.worm_key, held.version_id, protection, clock)


def _row(
    session_id: UUID,
    recording: AudioRecord,
    source_key: str,
    worm_key: str,
    version_id: str | None,
    protection: Protection,
    clock: Clock,
) -> HeldObject:
    row: HeldObject
    row, _ = HeldObject.objects.get_or_create(
        tenant_id=current_tenant_id(),
        session_id=session_id,
        sha256=str(recording.sha256),
        defaults={
            "source_key": source_key,
            "worm_key": worm_key,
            "worm_version_id": version_id or "",
            "size_bytes": recording.size_bytes,
            "protection": protection.kind,
            "retained_until": protection.until,
            "verified_at": clock(),
        },
    )
    return row


def _copy(store: ObjectStore, recording: AudioRecord, worm_key: str) -> str | None:
    """Have the object at `worm_key` and return the id of the version that was read back with the right content."""
    left_over = store.head(Bucket.WORM, worm_key)
    if left_over is not None and _read_back(store, worm_key, left_over.version_id) == recording.sha256:
        return left_over.version_id
    try:
        copied = store.copy(Bucket.AUDIO, recording.key, Bucket.WORM, worm_key)
    except ObjectMissing as error:
        raise _missing(recording) from error
    except ObjectProtected as error:
        raise _differs(recording, left_over.sha256 if left_over else None) from error
    found = _read_back(store, worm_key, copied.version_id)
    if found != recording.sha256:
        raise _differs(recording, found)
    return copied.version_id


def _missing(recording: AudioRecord) -> CustodyAudioMissing:
    return CustodyAudioMissing(
        "custody_audio_missing",
        "A recording of the session is not in the object store any more.",
        details={"sha256": str(recording.sha256)},
    )


def _differs(recording: AudioRecord, found: Sha256 | None) -> WormCopyDiffers:
    return WormCopyDiffers(
        "worm_copy_differs",
        "The copy in WORM storage does not have the hash that the journal recorded.",
        details={"expected": str(recording.sha256), "found": str(found) if found else None},
    )


def _read_back(store: ObjectStore, worm_key: str, version_id: str | None) -> Sha256:
    with store.open(Bucket.WORM, worm_key, version_id=version_id) as stream:
        return Sha256.of_stream(stream)
