"""Sessions that nobody uses any more: put away before they leave Redis, and taken back when somebody asks.

Putting away, in an order that a kill between any two lines leaves for the next sweep to finish:
1. The dump is stored under the hash of its content: doing it again stores the same.
2. One transaction holds the session's row, sees that nothing came meanwhile, journals `abandoned` and moves
   OPEN → ABANDONED. An input that comes at this moment is before it, and then nothing is put away, or after it, and
   is refused with `session_abandoned`.
3. The buffer is dropped. `graveyard_key` is set only then: an abandoned session without one is not finished.

Work on inputs that were accepted before goes on, and its results are journaled (`write_result_once`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from astra_site.lib.clock import iso_utc, utc_now
from astra_site.lib.errors import Unavailable
from astra_site.lib.hashing import Sha256, canonical_json
from astra_site.lib.logs import log_context
from astra_site.lib.object_store import Bucket, ObjectMissing, object_store
from astra_site.lib.tenancy import get_owned, tenant_scope
from jobs.models import Job, Status
from sessions_app.errors import GraveyardDiffers, SessionStateConflict
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.services.buffering import bring_up_to_date, buffer_of
from sessions_app.services.clone import check_no_correction_is_open
from sessions_app.services.inputs import TRANSCRIBE_CHUNK, TRANSCRIBE_RECORDING
from sessions_app.services.journal import NewEntry, as_sealed, lock_for_entry, write
from sessions_app.services.journal_slots import journal_slots
from sessions_app.services.rotation import Rotation
from sessions_app.services.states import move

logger = logging.getLogger(__name__)

SCHEMA = "astra.graveyard/1"
_PER_ROUND = 5
_rotation = Rotation(_PER_ROUND)


@dataclass(frozen=True, slots=True)
class Grave:
    """A stored dump: where it lies, its hash, and the number of journal entries that it holds."""

    key: str
    sha256: Sha256
    journal_length: int


def sweep_graveyard() -> Iterator[Callable[[], object]]:
    """Find open sessions that are idle for too long, and abandoned ones that were not finished; a few in each round."""
    idle_since = utc_now() - timedelta(seconds=settings.SESSION_IDLE_S)
    for session in _rotation.take(idle_sessions(idle_since).select_related("config_version")):
        yield partial(_in_scope, session, partial(put_away, idle_since=idle_since))
    unfinished = Session.objects.filter(state=State.ABANDONED, graveyard_key="").order_by("last_activity_at")
    for session in unfinished[:_PER_ROUND]:
        yield partial(_in_scope, session, finish)


def idle_sessions(idle_since: datetime) -> QuerySet[Session]:
    """Return the open sessions in which nothing has happened since a moment, and for which no speech is in work.

    A recording that waited in the queue for a day makes no session idle, nor does the day that it was transcribed.
    """
    last = JournalRow.objects.filter(session=OuterRef("pk"), number=OuterRef("journal_length"))
    speech = Job.objects.filter(
        session_id=OuterRef("pk"),
        flow__in=(TRANSCRIBE_CHUNK, TRANSCRIBE_RECORDING),
        status__in=(Status.QUEUED, Status.PROCESSING),
    )
    rows: QuerySet[Session] = Session.objects.filter(
        ~Exists(last.filter(recorded_at__gte=idle_since)),
        ~Exists(speech),
        state=State.OPEN,
        last_activity_at__lt=idle_since,
    )
    return rows


def _in_scope(session: Session, act: Callable[[Session], object]) -> None:
    with tenant_scope(session.tenant_id), log_context(tenant_id=session.tenant_id, session_id=session.id):
        act(session)


def put_away(session: Session, idle_since: datetime) -> bool:
    """Abandon an open session that nobody has used since a moment; False when somebody has, or it is not open.

    Raises what the object store raises; nothing has changed then.
    """
    grave = store_dump(session)
    with transaction.atomic():
        try:
            locked = lock_for_entry(session.id, (State.OPEN,))
        except SessionStateConflict:
            return False
        if locked.last_activity_at >= idle_since or locked.journal_length != grave.journal_length:
            return False
        payload = {
            "dump_key": grave.key,
            "dump_sha256": str(grave.sha256),
            "journal_length": grave.journal_length,
            "last_activity_at": iso_utc(locked.last_activity_at),
        }
        write(locked, NewEntry(EntryKind.ABANDONED, payload))
        move(session.id, State.OPEN, State.ABANDONED, graveyard_key="")
    logger.info("The session was put away: nobody used it.", extra={"dump_key": grave.key})
    return finish(session)


def finish(session: Session) -> bool:
    """Let an abandoned session leave Redis, and note that it has; False while Redis does not answer."""
    try:
        buffer_of(session).drop()
    except Unavailable:
        logger.warning("An abandoned session is still in Redis, which does not answer.")
        return False
    entry = last_entry(session.id, EntryKind.ABANDONED)
    Session.objects.filter(pk=session.id, state=State.ABANDONED, graveyard_key="").update(
        graveyard_key=entry.payload["dump_key"]
    )
    return True


def last_entry(session_id: UUID, kind: EntryKind) -> JournalRow:
    """Return the newest entry of a kind that there is one of."""
    row: JournalRow = JournalRow.objects.filter(session_id=session_id, kind=kind).latest("number")
    return row


def store_dump(session: Session) -> Grave:
    """Store what a session holds now, and return where."""
    length = Session.objects.values_list("journal_length", flat=True).get(pk=session.id)
    dump = canonical_json(graveyard_dump(session, length))
    digest = Sha256.of(dump)
    key = f"{session.tenant_id}/{session.id}/graveyard-{length:07d}-{digest.hex[:16]}.json"
    object_store().put(Bucket.DOCUMENTS, key, dump, "application/json")
    return Grave(key, digest, length)


def graveyard_dump(session: Session, journal_length: int) -> dict[str, Any]:
    """Return what is put away (`astra.graveyard/1`): a pure function of the session's pins and its first entries.

    `journal.sha256` is that of these entries as `journal.jsonl`, each line with its line break. Raises
    `EvidenceInconsistent` (`journal_entry_altered`) for an entry that does not have the hash it was written with.
    """
    config, skeleton = session.config_version, session.skeleton_version
    return {
        "schema": SCHEMA,
        "session": {
            "id": str(session.id),
            "tenant_id": str(session.tenant_id),
            "mode": session.mode,
            "client_timezone": session.client_timezone,
            "metadata": session.metadata,
            "started_at": iso_utc(session.started_at),
            "started_by": session.started_by,
            "highest_sequence_id": _highest_sequence_id(session.id, journal_length),
        },
        "config": {"id": str(config.id), "number": config.number, "sha256": config.sha256},
        "skeleton": {
            "id": str(skeleton.id),
            "s3_version_id": skeleton.s3_version_id,
            "sha256": skeleton.sha256,
        },
        "journal": {"length": journal_length, "sha256": str(_journal_hash(session.id, journal_length))},
        "blocks": [dict(block) for slot in journal_slots(session, upto=journal_length) for block in slot.blocks],
    }


def _first_entries(session_id: UUID, journal_length: int) -> Iterator[JournalRow]:
    rows = JournalRow.objects.filter(session_id=session_id, number__lte=journal_length).order_by("number")
    yield from rows.iterator(chunk_size=1000)


def _journal_hash(session_id: UUID, journal_length: int) -> Sha256:
    digest = sha256()
    for row in _first_entries(session_id, journal_length):
        digest.update(as_sealed(row).line() + b"\n")
    return Sha256(digest.digest())


def _highest_sequence_id(session_id: UUID, journal_length: int) -> int:
    numbers = JournalRow.objects.filter(
        session_id=session_id, number__lte=journal_length, kind__in=JournalRow.sequenced_kinds
    ).order_by("-sequence_id")
    return numbers.values_list("sequence_id", flat=True).first() or 0


def resume_session(session_id: UUID, *, actor: str, unchecked: bool = False) -> Session:
    """Take an abandoned session back: OPEN again, with everything it had. Repeating it is harmless.

    What was put away is compared with the journal first. Raises `SessionStateConflict` (`session_not_abandoned`),
    `GraveyardDiffers` (`graveyard_missing`, `graveyard_altered`, `graveyard_differs`; `unchecked` goes on all the same,
    and the journal says so), `CloneConflict` (`clone_open`) for a correction beside which another one was begun, and
    what the object store raises; the session stays abandoned then.
    """
    session = get_owned(Session, session_id)
    if session.state == State.OPEN and JournalRow.objects.filter(session=session, kind=EntryKind.RESUMED).exists():
        return session
    if session.state != State.ABANDONED:
        raise SessionStateConflict(
            "session_not_abandoned",
            f"The session is {session.state}: only an abandoned one can be resumed.",
            details={"state": session.state},
        )
    entry = last_entry(session_id, EntryKind.ABANDONED)
    if not unchecked:
        check_grave(session, entry)
    with transaction.atomic():
        if session.parent_session_id is not None:
            # Whoever begins another correction holds this row too.
            Session.objects.select_for_update(no_key=True).get(pk=session.parent_session_id)
        try:
            locked = lock_for_entry(session_id, (State.ABANDONED,))
        except SessionStateConflict:  # somebody else was faster
            return get_owned(Session, session_id)
        if session.parent_session_id is not None:
            check_no_correction_is_open(session.parent_session_id)
        payload = {"abandoned": entry.number, "checked": not unchecked}
        write(locked, NewEntry(EntryKind.RESUMED, payload, actor=actor))
        move(session_id, State.ABANDONED, State.OPEN, graveyard_key="")
    session = get_owned(Session, session_id)
    try:
        bring_up_to_date(session)
    except Unavailable:
        logger.warning("The session is resumed without a buffer; its next reader makes one.")
    return session


def check_grave(session: Session, entry: JournalRow) -> None:
    """Raise `GraveyardDiffers` unless the stored dump is the one that was put away and says what the journal says."""
    try:
        stored = object_store().get(Bucket.DOCUMENTS, entry.payload["dump_key"])
    except ObjectMissing as error:
        raise _differs("graveyard_missing", "What was put away of the session is not in the object store.") from error
    if str(Sha256.of(stored)) != entry.payload["dump_sha256"]:
        raise _differs("graveyard_altered", "What was put away of the session was changed in the object store.")
    expected = graveyard_dump(session, entry.payload["journal_length"])
    if json.loads(stored) != json.loads(canonical_json(expected)):
        raise _differs("graveyard_differs", "What was put away of the session is not what its journal says.")


def _differs(code: str, sentence: str) -> GraveyardDiffers:
    return GraveyardDiffers(
        code, f"{sentence} Find out why; then manage.py resume_session --unchecked goes on with the journal."
    )
