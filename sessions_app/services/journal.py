"""Writing and reading the journal: the append-only truth of a session.

Writing takes one row lock per session (the counter of its entries), so that numbers have no gaps and the check of the
session's state and the entry are one decision.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import transaction

from astra_site.lib.after_commit import after_commit
from astra_site.lib.behind import Behind
from astra_site.lib.clock import utc_now
from astra_site.lib.errors import AstraError
from astra_site.lib.guarded_write import Insert, change_and_insert
from astra_site.lib.hashing import Sha256
from custody.journal import AudioRecord, JournalEntry
from sessions_app.errors import takes_no_more
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.services.buffering import show_in_buffer

_UNCHANGED = ("journal_length", "state", "final_sequence_id", "accept_gaps")
"""What decides whether an input is taken. Every entry counts `journal_length` up; a state may change without one."""
_ACTIVITY_TO = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is to be recorded; number, time and hash are given when it is written."""

    kind: EntryKind
    payload: Mapping[str, Any]
    sequence_id: int | None = None
    actor: str | None = None
    audio: AudioRecord | None = None
    content: Sha256 | None = None


def lock_for_entry(session_id: UUID, states: Collection[State]) -> Session:
    """Hold the row of a session that is in one of `states` until the commit, so that entries get numbers one by one.

    Must run inside `transaction.atomic()`. Raises `SessionStateConflict` for another state.
    """
    session: Session = Session.objects.select_for_update(no_key=True).get(pk=session_id)
    _check_state(session, states)
    return session


def _check_state(session: Session, states: Collection[State]) -> None:
    if State(session.state) not in states:
        raise takes_no_more(session.state)


def write(session: Session, entry: NewEntry, **changes: Any) -> JournalRow:
    """Record an entry under the next number of a session that `lock_for_entry` holds; change its row with it.

    After the commit the entry is shown in the buffer and announced to whoever watches; losing that loses nothing.
    """
    recorded_at = utc_now()
    session.journal_length += 1
    changes = {**_activity(session, entry, recorded_at), **changes}
    Session.objects.filter(pk=session.pk).update(journal_length=session.journal_length, **changes)
    row = _row_of(session, entry, session.journal_length, recorded_at)
    row.save(force_insert=True)
    after_commit(_mirror, session, row)
    return row


def write_if_unchanged(
    seen: Session, entry: NewEntry, inserts: Sequence[Insert] = (), *, behind: bool = False, **changes: Any
) -> JournalRow | None:
    """Record an entry in one statement, without a lock, if nothing was recorded since the session was `seen`.

    Stores exactly what `write` stores, and `inserts` with it. Returns None, with nothing done, when another entry or a
    change of state came in between: look again. It is the way for what comes often and rarely meets a rival; `write`
    is the way for everything else. In a transaction it holds the session's row until the commit, as `write` does.
    With `behind` the entry is shown in the buffer a moment after the caller has gone on: who reads the buffer before
    that finds that it has not seen the entry, and brings it up to date.
    """
    recorded_at = utc_now()
    number = seen.journal_length + 1
    changes = {"journal_length": number, **_activity(seen, entry, recorded_at), **changes}
    values = _values_of(seen, entry, number, recorded_at)
    if not change_and_insert(seen, _UNCHANGED, changes, [Insert(JournalRow, values), *inserts]):
        return None
    seen.journal_length = number
    row = JournalRow(**values)
    after_commit(_mirrors().hand_over if behind else _mirror_one, (seen, row))
    return row


def _activity(session: Session, entry: NewEntry, recorded_at: datetime) -> dict[str, Any]:
    """Return the change that notes what somebody outside caused: nothing for some seconds more or less.

    The column is indexed. As long as it stays, PostgreSQL touches no index for the counters of each chunk.
    """
    is_news = recorded_at - session.last_activity_at >= _ACTIVITY_TO
    return {"last_activity_at": recorded_at} if entry.actor is not None and is_news else {}


def write_first(session: Session, entries: Iterable[NewEntry]) -> int:
    """Record the entries that a session begins with, many at once; returns how many.

    The session was made in this transaction, so nobody else knows it; whoever made it opens its buffer.
    """
    recorded_at = utc_now()
    rows = [_row_of(session, entry, number, recorded_at) for number, entry in enumerate(entries, start=1)]
    JournalRow.objects.bulk_create(rows, batch_size=500)
    session.journal_length = len(rows)
    Session.objects.filter(pk=session.pk).update(journal_length=len(rows))
    return len(rows)


def _row_of(session: Session, entry: NewEntry, number: int, recorded_at: datetime) -> JournalRow:
    return JournalRow(**_values_of(session, entry, number, recorded_at))


def _values_of(session: Session, entry: NewEntry, number: int, recorded_at: datetime) -> dict[str, Any]:
    """Return the columns of an entry with its hash: the one place that knows how an entry is laid out."""
    audio = entry.audio
    sealed = JournalEntry(
        number=number,
        kind=str(entry.kind),
        recorded_at=recorded_at,
        sequence_id=entry.sequence_id,
        payload=entry.payload,
        audio=audio,
        actor=entry.actor,
    )
    return {
        "tenant_id": session.tenant_id,
        "session_id": session.pk,
        "number": number,
        "kind": entry.kind,
        "sequence_id": entry.sequence_id,
        "payload": dict(entry.payload),
        "actor": entry.actor,
        "content_sha256": str(entry.content) if entry.content else "",
        "sha256": str(sealed.own_hash()),
        "audio_key": audio.key if audio else "",
        "audio_sha256": str(audio.sha256) if audio else "",
        "audio_size_bytes": audio.size_bytes if audio else None,
        "audio_media_type": audio.media_type if audio else "",
        "audio_duration_ms": audio.duration_ms if audio else None,
        "recorded_at": recorded_at,
    }


def _mirror(session: Session, row: JournalRow) -> None:
    """Show and announce the entry, in one round trip."""
    show_in_buffer(session, row)


def _mirror_one(entry: tuple[Session, JournalRow]) -> None:
    _mirror(*entry)


def _mirror_all(entries: list[tuple[Session, JournalRow]]) -> None:
    """Show entries of any tenants: nothing is read for an input but the entry itself."""
    for session, row in entries:
        _mirror(session, row)


@cache
def _mirrors() -> Behind[tuple[Session, JournalRow]]:
    return Behind("astra-mirrors", _mirror_all, (AstraError,), at_once=1)


def write_result_once(
    session_id: UUID, entry: NewEntry, and_then: Callable[[JournalRow], object] | None = None
) -> JournalRow:
    """Record a result unless its sequence number has one of this kind; return the one that stands.

    A doubled job, or two workers at once, thus leave one result: the first. Whoever comes late is told the same, also
    when the first has moved the session on meanwhile. Results are kept also while a session is put away: work on what
    was accepted goes on. `and_then` is called with a result that is new, in the same transaction. Raises
    `SessionStateConflict` for a new result of a session that takes none.
    """
    with transaction.atomic():
        session = lock_for_entry(session_id, tuple(State))
        results = JournalRow.objects.filter(session_id=session_id, kind=entry.kind, sequence_id=entry.sequence_id)
        known: JournalRow | None = results.first()
        if known is not None:
            return known
        _check_state(session, (State.OPEN, State.DRAINING, State.ABANDONED))
        row = write(session, entry)
        if and_then is not None:
            and_then(row)
        return row


def sealed_entries(session_id: UUID, *, with_audio: bool = False) -> list[JournalEntry]:
    """Return the whole journal, in order, as custody seals it; `with_audio`: only the entries with a recording."""
    rows = JournalRow.objects.filter(session_id=session_id).order_by("number")
    if with_audio:
        rows = rows.exclude(audio_sha256="")
    return [as_sealed(row) for row in rows.iterator(chunk_size=2000)]


def as_sealed(row: JournalRow) -> JournalEntry:
    """Return the row as the pure entry whose canonical line is sealed."""
    audio = None
    if row.audio_sha256:
        audio = AudioRecord(
            key=row.audio_key,
            sha256=Sha256.parse(row.audio_sha256),
            size_bytes=row.audio_size_bytes or 0,
            media_type=row.audio_media_type,
            duration_ms=row.audio_duration_ms,
        )
    return JournalEntry(
        number=row.number,
        kind=row.kind,
        recorded_at=row.recorded_at,
        sequence_id=row.sequence_id,
        payload=row.payload,
        audio=audio,
        actor=row.actor,
        sha256=Sha256.parse(row.sha256),
    )
