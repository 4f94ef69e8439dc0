"""Starting a session and changing its context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import QuerySet

from astra_site.lib.clock import utc_now
from astra_site.lib.hashing import canonical_json
from astra_site.lib.tenancy import current_tenant_id, get_owned
from sessions_app.blocks import ExplicitContext
from sessions_app.corrections.retyping import check_zone
from sessions_app.corrections.wording import is_text
from sessions_app.errors import (
    ContextInvalid,
    InputInvalid,
    InputTooLarge,
    SequenceConflict,
    SessionStateConflict,
    TimeZoneInvalid,
)
from sessions_app.models import EntryKind, JournalRow, Mode, Session, State
from sessions_app.services.engine import pin_engine
from sessions_app.services.inheritance import accepted_up_to
from sessions_app.services.journal import NewEntry, lock_for_entry, write
from sessions_app.services.pins import pins_of
from tenants.models import Skeleton
from tenants.quota.services import check_storage
from tenants.registry.services import pin_for_new_session
from tenants.services import check_config_fits, current_config, default_skeleton_version, skeleton_version

MAX_METADATA_BYTES = 32 * 1024
MAX_CONTEXT_JUMP = 10_000
_SAYABLE: Mapping[str, int | None] = {"speaker": 200, "topic": 300, "zone": 64, "restricted": None}
"""What can be said of the following inputs, and how many characters it may have."""


def start_session(
    *,
    actor: str,
    client_timezone: str,
    skeleton_id: UUID | None = None,
    mode: str = Mode.BATCH,
    metadata: Mapping[str, Any] | None = None,
    model_config: Mapping[str, Any] | None = None,
) -> Session:
    """Start a session in the open tenant scope and pin configuration, skeleton, engine, model and adapter.

    All of them are read from PostgreSQL now: no cache decides what a session keeps to its end.

    Raises `TimeZoneInvalid`, `InputTooLarge` (`metadata_too_large`), `NotFound` or `Forbidden` for the skeleton,
    `NothingPublished`, `ConfigInvalid` for a skeleton that the published configuration does not fit, `UnknownEngine`,
    and `StorageQuotaExhausted` when the council's storage is used up.
    """
    check_storage(current_tenant_id())
    check_time_zone(client_timezone)
    check_metadata(metadata or {})
    if skeleton_id is None:
        skeleton = default_skeleton_version()
    else:
        skeleton = skeleton_version(get_owned(Skeleton, skeleton_id).id)
    config = current_config()
    check_config_fits(config, skeleton)
    engine = pin_engine(model_config or {}, pin_for_new_session())
    now = utc_now()
    session: Session = Session.objects.create(
        tenant_id=current_tenant_id(),
        mode=mode,
        client_timezone=client_timezone,
        metadata=dict(metadata or {}),
        model_config=engine,
        config_version=config,
        skeleton_version=skeleton,
        started_by=actor,
        started_at=now,
        state_changed_at=now,
        last_activity_at=now,
    )
    return session


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Raise `InputTooLarge` (`metadata_too_large`) for metadata that is no description of a session any more."""
    size_bytes = len(canonical_json(dict(metadata)))
    if size_bytes > MAX_METADATA_BYTES:
        raise InputTooLarge(
            "metadata_too_large",
            f"metadata may have {MAX_METADATA_BYTES} bytes, this has {size_bytes}.",
            details={"limit_bytes": MAX_METADATA_BYTES},
        )


def check_time_zone(name: str) -> ZoneInfo:
    """Return the IANA time zone of this name; raise `TimeZoneInvalid` (`client_timezone_invalid`)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TimeZoneInvalid(
            "client_timezone_invalid",
            "client_timezone must be an IANA name such as America/Bogota.",
            details={"client_timezone": name[:64]},
        ) from error


def change_context(
    session_id: UUID,
    *,
    actor: str,
    changes: Mapping[str, Any],
    from_sequence_id: int | None = None,
    not_before: int = 1,
) -> JournalRow:
    """Record what holds from an input on: speaker, topic, zone, restricted. All transports call this.

    Only the given keys change; the others keep the value that they have there. "From an input on" is the first number
    that was not accepted yet, and not below `not_before`. A client that sends out of order names the number instead:
    `from_sequence_id` may be one that others are ahead of, as long as an input up to it is still to come; so no input
    that it holds for can be in work, and blocks are the same for every order of arrival.

    Raises `ContextInvalid` (`context_empty`, `text_invalid`), `CorrectionInvalid` (`zone_unknown`), `InputInvalid`
    (`sequence_id_too_far`), `SequenceConflict` (`context_too_late`) and `SessionStateConflict` (`session_not_open`).
    """
    get_owned(Session, session_id)
    _check_context(changes)
    with transaction.atomic():
        session = lock_for_entry(session_id, (State.OPEN, State.DRAINING))
        if changes.get("zone") is not None:
            check_zone(changes["zone"], pins_of(session).zones)
        start = max(session.highest_sequence_id + 1, not_before) if from_sequence_id is None else from_sequence_id
        _check_start(session, start)
        before = context_at(session_id, start)
        payload = {
            **{key: getattr(before, key) for key in _SAYABLE},
            **changes,
            "speaker_number": None if "speaker" in changes else before.number,
            "from_sequence_id": start,
            "changes": dict(changes),
            "in_order": not _contexts(session_id).filter(payload__from_sequence_id__gt=start).exists(),
        }
        return write(session, NewEntry(EntryKind.CONTEXT, payload, actor=actor))


def context_at(session_id: UUID, sequence_id: int) -> ExplicitContext:
    """Return what holds for an input: all that was said for it and for inputs before it, in the order of the inputs.

    Of two contexts for one number the later one counts. When somebody spoke of an earlier input last, all contexts are
    read; else the newest has it all.
    """
    rows = _contexts(session_id).filter(payload__from_sequence_id__lte=sequence_id)
    newest: JournalRow | None = rows.order_by("-number").first()
    if newest is None:
        return ExplicitContext()
    if newest.payload.get("in_order", True):
        said = {key: newest.payload[key] for key in _SAYABLE}
        number = newest.payload["speaker_number"]
        return ExplicitContext(number=newest.number if number is None else number, **said)
    in_force = ExplicitContext()
    for row in sorted(rows, key=lambda row: (row.payload["from_sequence_id"], row.number)):
        in_force = _changed_by(in_force, row)
    return in_force


def _changed_by(context: ExplicitContext, row: JournalRow) -> ExplicitContext:
    changes = row.payload.get("changes")
    if changes is None:  # written before contexts could be out of order: it names everything, and is in order
        changes = {key: row.payload[key] for key in _SAYABLE}
    number = row.number if "speaker" in changes else context.number
    return replace(context, number=number, **changes)


def _contexts(session_id: UUID) -> QuerySet[JournalRow]:
    rows: QuerySet[JournalRow] = JournalRow.objects.filter(session_id=session_id, kind=EntryKind.CONTEXT)
    return rows


def _check_context(changes: Mapping[str, Any]) -> None:
    """Raise `ContextInvalid` for what no transport may let through."""
    if not changes or not changes.keys() <= _SAYABLE.keys():
        raise ContextInvalid("context_empty", "Send at least one of speaker, topic, zone and restricted.")
    for name, value in changes.items():
        limit = _SAYABLE[name]
        if limit is None:
            fits = isinstance(value, bool)
        else:
            fits = value is None or (isinstance(value, str) and len(value) <= limit and is_text(value))
        if not fits:
            raise ContextInvalid(
                "text_invalid", f"{name} has to be {'text' if limit else 'true or false'}, or is too long."
            )


def _check_start(session: Session, start: int) -> None:
    """Refuse a number that nobody waits for: the input is there and may be understood, or will never come."""
    expected = session.final_sequence_id or session.highest_sequence_id + MAX_CONTEXT_JUMP
    if session.state == State.DRAINING and (start > expected or session.accept_gaps):
        raise SessionStateConflict(
            "session_not_open",
            "The session is DRAINING: a context can only begin at an input that it still waits for.",
            details={"state": session.state},
        )
    if not 1 <= start <= expected:
        raise InputInvalid(
            "sequence_id_too_far",
            f"from_sequence_id is a number from 1 to at most {MAX_CONTEXT_JUMP} beyond the highest accepted one.",
            details={"highest_sequence_id": session.highest_sequence_id},
        )
    if start <= session.highest_sequence_id and accepted_up_to(session, start) == start:
        raise SequenceConflict(
            "context_too_late",
            f"Every input up to {start} was accepted: what is made of them is corrected in their blocks.",
            details={"from_sequence_id": start, "highest_sequence_id": session.highest_sequence_id},
        )
