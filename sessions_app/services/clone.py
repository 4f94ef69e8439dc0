"""A correction of closed minutes: a new open session with all that the closed one was sealed with.

The sealed dump is where everything comes from; what the store holds now has to have the hash that was sealed. Blocks,
images and recordings come over as entries of the new session's own journal, so that it can be sealed by itself. No
recording is copied: the new session names the same content, and holds the same object in WORM custody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from astra_site.lib.after_commit import after_commit
from astra_site.lib.clock import utc_now
from astra_site.lib.errors import NotFound
from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import get_owned
from custody.consistency import check_content
from custody.errors import EvidenceInconsistent
from custody.journal import AudioRecord
from custody.models import Snapshot
from sessions_app.blocks import ASSET_PART_BASE, SpokenContext
from sessions_app.corrections.wording import is_text
from sessions_app.errors import CloneConflict, InputInvalid
from sessions_app.models import EntryKind, JournalRow, Session, State
from sessions_app.services.buffering import open_buffer
from sessions_app.services.events import announce
from sessions_app.services.inheritance import understood_before
from sessions_app.services.journal import NewEntry, as_sealed, write_first

_FINISHED = (State.CLOSED, State.ABANDONED)
_MAX_KEY_CHARS = 64


@dataclass(frozen=True, slots=True)
class Cloned:
    """The correction. `is_repeat` says that this `clone_id` had made it before."""

    session: Session
    is_repeat: bool


def clone_session(session_id: UUID, *, actor: str, clone_id: str | None = None) -> Cloned:
    """Begin the correction of a closed session: a new open one with its pins, blocks, images and recordings.

    Sent again with the same `clone_id` it returns the correction that it made. One correction is open at a time: two
    that nobody can put together help nobody. Once it is closed, it can be corrected itself, and so can this one again.
    Numbers of the closed session are taken; new inputs go on behind them.

    Raises `Forbidden`, `NotFound`, `InputInvalid` (`clone_id_invalid`) and `CloneConflict`: `session_not_closed`,
    `clone_open` with the correction's id, `dump_altered` if the store no longer holds what was sealed.
    """
    get_owned(Session, session_id)
    if clone_id is not None and not (0 < len(clone_id) <= _MAX_KEY_CHARS and is_text(clone_id)):
        raise InputInvalid("clone_id_invalid", f"clone_id has 1 to {_MAX_KEY_CHARS} characters.")
    with transaction.atomic():
        parent: Session = Session.objects.select_for_update(no_key=True).get(pk=session_id)
        known = _made_before(parent, clone_id)
        if known is not None:
            return Cloned(known, is_repeat=True)
        snapshot = _snapshot_of(parent)
        check_no_correction_is_open(parent.id)
        dump = _sealed_dump(parent, snapshot)
        clone = _new_session(parent, snapshot, dump, actor)
        write_first(clone, [_header(parent, snapshot, dump, actor, clone_id), *_inherited(parent, dump)])
        after_commit(_open, clone)
    return Cloned(clone, is_repeat=False)


def _open(clone: Session) -> None:
    open_buffer(clone)
    announce(clone.id)


def _made_before(parent: Session, clone_id: str | None) -> Session | None:
    if clone_id is None:
        return None
    headers = JournalRow.objects.filter(
        session__parent_session_id=parent.id, kind=EntryKind.INHERITED, number=1, payload__clone_id=clone_id
    )
    header: JournalRow | None = headers.select_related("session").first()
    return None if header is None else header.session


def _snapshot_of(parent: Session) -> Snapshot:
    if parent.state != State.CLOSED or parent.snapshot_id is None:
        raise CloneConflict(
            "session_not_closed",
            f"The session is {parent.state}: only closed minutes are corrected by a clone. Correct its blocks.",
            details={"state": parent.state},
        )
    return get_owned(Snapshot, parent.snapshot_id)


def check_no_correction_is_open(parent_session_id: UUID) -> None:
    """Raise `CloneConflict` (`clone_open`) while a correction of a session is neither closed nor abandoned."""
    corrections = Session.objects.filter(parent_session_id=parent_session_id).exclude(state__in=_FINISHED)
    going_on: Session | None = corrections.order_by("-id").first()
    if going_on is not None:
        raise CloneConflict(
            "clone_open",
            "A correction of this session is going on: work on that one, or close it first.",
            details={"session_id": str(going_on.id), "state": going_on.state},
        )


def _sealed_dump(parent: Session, snapshot: Snapshot) -> dict[str, Any]:
    """Return what the minutes were built from, if the store still has exactly that."""
    try:
        stored = object_store().get(Bucket.DOCUMENTS, parent.dump_key)
        check_content("dump", stored, Sha256.parse(snapshot.payload["hashes"]["dump"]))
    except (EvidenceInconsistent, NotFound) as error:
        raise CloneConflict(
            "dump_altered",
            "The stored dump of the session is not the sealed one any more, so nothing is made from it.",
            details=error.details,
        ) from error
    dump: dict[str, Any] = json.loads(stored)  # what was sealed was checked before it was
    return dump


def _new_session(parent: Session, snapshot: Snapshot, dump: Mapping[str, Any], actor: str) -> Session:
    """Make the session. It began when the council met, whenever it is corrected: its minutes say so."""
    now = utc_now()
    session: Session = Session.objects.create(
        tenant_id=parent.tenant_id,
        mode=parent.mode,
        client_timezone=parent.client_timezone,
        metadata=dump["session"]["metadata"],
        model_config=parent.model_config,
        config_version=parent.config_version,
        skeleton_version=parent.skeleton_version,
        started_by=actor,
        started_at=parent.started_at,
        state_changed_at=now,
        last_activity_at=now,
        highest_sequence_id=parent.highest_sequence_id,
        parent_session_id=parent.id,
        parent_snapshot_id=snapshot.id,
    )
    return session


def _header(parent: Session, snapshot: Snapshot, dump: Mapping[str, Any], actor: str, clone_id: str | None) -> NewEntry:
    """Return the first entry: what is corrected, who began it."""
    payload = {
        "parent_session_id": str(parent.id),
        "parent_snapshot_id": str(snapshot.id),
        "parent_integrity_hash": snapshot.integrity_hash,
        "dump_sha256": snapshot.payload["hashes"]["dump"],
        "through_sequence_id": parent.highest_sequence_id,
        "missing": dump["missing"],
        "clone_id": clone_id,
    }
    return NewEntry(EntryKind.INHERITED, payload, actor=actor)


def _inherited(parent: Session, dump: Mapping[str, Any]) -> Iterator[NewEntry]:
    """Yield one entry per number that has blocks or a recording, and one per image.

    Blocks stand with the number that they were spoken under, wherever a clerk has put them. The highest number's entry
    tells the first new input where the session's time goes on.
    """
    spoken: dict[int, list[Mapping[str, Any]]] = {}
    images: list[Mapping[str, Any]] = []
    for block in dump["blocks"]:
        if block["type"] == "IMAGE":
            images.append(block)
        else:
            spoken.setdefault(block["sequence_id"], []).append(block)
    recordings = _recordings(parent)
    for number in sorted({*spoken, *recordings}):
        payload: dict[str, Any] = {"blocks": spoken.get(number, [])}
        if number == parent.highest_sequence_id:
            payload["after"] = _time_goes_on(parent)
        yield NewEntry(EntryKind.INHERITED, payload, number, audio=recordings.get(number))
    for block in images:
        yield _image(block, dump["assets"][block["data"]["asset_id"]])


def _recordings(parent: Session) -> dict[int, AudioRecord | None]:
    """Return the parent's numbers with their recordings, None for typed text.

    Raises `EvidenceInconsistent` (`journal_entry_altered`) where the journal no longer says what was written.
    """
    kinds = [*JournalRow.sequenced_kinds, EntryKind.INHERITED]
    rows = JournalRow.objects.filter(session_id=parent.id, kind__in=kinds, sequence_id__isnull=False)
    found: dict[int, AudioRecord | None] = {}
    for row in rows.order_by("sequence_id").iterator(chunk_size=1000):
        entry = as_sealed(row)
        if entry.audio is not None:
            entry.line()  # raises for a row that is not the one that was written
        found[row.sequence_id] = entry.audio
    return found


def _time_goes_on(parent: Session) -> dict[str, Any]:
    last = understood_before(parent)
    spoken = SpokenContext.from_json(last.payload["after"]) if last else SpokenContext()
    return SpokenContext(session_end_ms=spoken.session_end_ms).to_json()


def _image(block: Mapping[str, Any], asset: Mapping[str, Any]) -> NewEntry:
    """Return the entry of an image: what is known of it, and its block as it was corrected."""
    payload = {
        **asset,
        "asset_id": block["data"]["asset_id"],
        "number": block["part"] - ASSET_PART_BASE,
        "after_sequence_id": block["sequence_id"],
        "restricted": block["restricted"],
        "blocks": [block],
    }
    return NewEntry(EntryKind.INHERITED, payload, content=Sha256.parse(asset["sha256"]))
