"""Removing temporary audio: the first copy of a closed session's recordings, once custody holds the other one.

Nothing is removed that custody does not hold: each copy in the WORM bucket is read back and compared right before. A
clone of the session, or a link that was given out for seven days, may still need the first copy, so it stays for
`ASTRA_TEMPORARY_AUDIO_DAYS` after the closing, and as long as a clone is not closed. A kill between any two lines
leaves objects that the next run removes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from astra_site.lib.clock import utc_now
from astra_site.lib.errors import Conflict
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import tenant_scope
from custody.errors import CustodyAudioMissing, WormCopyDiffers
from custody.models import HeldObject
from custody.worm import held_objects, verify_held
from jobs import services as jobs
from jobs.models import Job
from sessions_app.errors import SessionStateConflict
from sessions_app.models import JournalRow, Session, State

logger = logging.getLogger(__name__)

CLEAN_SESSION = "clean_session"
UNUSED_UPLOAD = "unused_upload"
_LOOK_EVERY_S = 60.0
_TRY_AGAIN = timedelta(days=1)
_PER_ROUND = 20


class AudioKept(Conflict):
    """Some temporary audio of a session could not be removed, because custody does not hold it as it should."""


@dataclass(slots=True)
class CleaningReport:
    """What was removed (or would be), and what was kept and why: `(key, code)`.

    The codes: `unused_upload` (never became an input, and custody does not hold it), `audio_not_held` (an input that
    custody does not hold: that should not be), `worm_copy_differs`, `custody_copy_missing`.
    """

    removed: list[str] = field(default_factory=list)
    removed_bytes: int = 0
    kept: list[tuple[str, str]] = field(default_factory=list)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """What was kept although it is an input's."""
        return [(key, code) for key, code in self.kept if code != UNUSED_UPLOAD]


def due_sessions(now: datetime) -> QuerySet[Session]:
    """Return the closed sessions whose temporary audio may go: long enough closed, and without a clone at work."""
    clones = Session.objects.filter(parent_session_id=OuterRef("pk")).exclude(state=State.CLOSED)
    rows: QuerySet[Session] = Session.objects.filter(
        ~Exists(clones),
        state=State.CLOSED,
        cleaned_at__isnull=True,
        closed_at__lte=now - timedelta(days=settings.TEMPORARY_AUDIO_DAYS),
    )
    return rows


def clean_session(
    session: Session,
    *,
    dry_run: bool = False,
    unused_uploads: bool = False,
    on_checked: Callable[[], None] = lambda: None,
) -> CleaningReport:
    """Remove the temporary audio of a closed session as far as custody holds it; call it in the tenant's scope.

    With `unused_uploads` also uploads that never became an input: no minutes rest on them. `on_checked` is called after
    each object: extend a lease there. With nothing left that should have gone the session is marked as cleaned.
    Idempotent. Raises `SessionStateConflict` (`session_not_closed`) and what the object store raises.
    """
    if session.state != State.CLOSED:
        raise SessionStateConflict(
            "session_not_closed", "Only a closed session has audio to clean up.", details={"state": session.state}
        )
    custody = _Custody(session)
    report = CleaningReport()
    for key in list(object_store().iter_keys(Bucket.AUDIO, f"{session.tenant_id}/{session.id}/")):
        stored = object_store().head(Bucket.AUDIO, key)
        if stored is None:
            continue
        code = custody.why_not(key, str(stored.sha256))
        if code is None or (code == UNUSED_UPLOAD and unused_uploads):
            if not dry_run:
                object_store().delete(Bucket.AUDIO, key)
            report.removed.append(key)
            report.removed_bytes += stored.size_bytes
        else:
            report.kept.append((key, code))
            logger.log(
                logging.INFO if code == UNUSED_UPLOAD else logging.ERROR,
                "Temporary audio is kept.",
                extra={"object_key": key, "code": code},
            )
        on_checked()
    if not dry_run and not report.problems:
        Session.objects.filter(pk=session.pk, cleaned_at__isnull=True).update(cleaned_at=utc_now())
    return report


class _Custody:
    """What custody holds of a session, each content read back once."""

    def __init__(self, session: Session) -> None:
        self._held: dict[str, HeldObject] = {row.sha256: row for row in held_objects(session.id)}
        audio = JournalRow.objects.filter(session_id=session.id).exclude(audio_key="")
        self._inputs = dict(audio.values_list("audio_key", "audio_sha256"))
        self._verified: dict[str, str | None] = {}

    def why_not(self, key: str, sha256: str) -> str | None:
        """Say why an object may not be removed; None when custody holds exactly this content, seen just now."""
        held = self._held.get(sha256)
        if held is None:
            return "audio_not_held" if key in self._inputs else UNUSED_UPLOAD
        if sha256 not in self._verified:
            self._verified[sha256] = _problem_of(held)
        return self._verified[sha256]


def _problem_of(held: HeldObject) -> str | None:
    try:
        verify_held(held)
    except (WormCopyDiffers, CustodyAudioMissing) as error:
        return error.code
    return None


def check_cleaned(report: CleaningReport) -> None:
    """Raise `AudioKept` (`audio_kept`) when an input's audio had to be kept: somebody has to look."""
    if report.problems:
        raise AudioKept(
            "audio_kept",
            "Custody does not hold some of the session's audio as it should; its first copy was kept.",
            details={"kept": [{"key": key, "code": code} for key, code in report.problems[:20]]},
        )


_next_look_s = 0.0


def sweep_cleaning() -> Iterator[Callable[[], object]]:
    """Make a job for each session that is due: reading recordings back takes longer than a sweep may.

    Looks once a minute; a session that could not be cleaned is tried again a day later.
    """
    global _next_look_s
    if monotonic() < _next_look_s:
        return
    _next_look_s = monotonic() + _LOOK_EVERY_S
    now = utc_now()
    tried = Job.objects.filter(session_id=OuterRef("pk"), flow=CLEAN_SESSION, created_at__gt=now - _TRY_AGAIN)
    for session in due_sessions(now).filter(~Exists(tried)).order_by("closed_at")[:_PER_ROUND]:
        yield partial(_submit, session, now)


def _submit(session: Session, now: datetime) -> None:
    with tenant_scope(session.tenant_id):
        jobs.submit(
            CLEAN_SESSION, {}, session_id=session.id, dedup_key=f"{CLEAN_SESSION}:{session.id}:{now:%Y-%m-%dT%H}"
        )
