"""Starting a session and changing its context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction

from astra_site.lib.clock import utc_now
from astra_site.lib.hashing import canonical_json
from astra_site.lib.tenancy import current_tenant_id, get_owned
from sessions_app.errors import InputTooLarge, TimeZoneInvalid
from sessions_app.models import EntryKind, JournalRow, Mode, Session, State
from sessions_app.services.buffering import open_buffer
from sessions_app.services.engine import pin_engine
from sessions_app.services.journal import NewEntry, lock_for_entry, write
from tenants.models import Skeleton
from tenants.quota.services import check_storage
from tenants.services import check_config_fits, current_config, default_skeleton_version, skeleton_version

MAX_METADATA_BYTES = 32 * 1024
_NOTHING_SAID = {"speaker": None, "speaker_number": 0, "topic": None, "zone": None, "restricted": False}


def start_session(
    *,
    actor: str,
    client_timezone: str,
    skeleton_id: UUID | None = None,
    mode: str = Mode.BATCH,
    metadata: Mapping[str, Any] | None = None,
    model_config: Mapping[str, Any] | None = None,
) -> Session:
    """Start a session in the open tenant scope and pin configuration, skeleton and engine.

    Raises `TimeZoneInvalid`, `InputTooLarge` (`metadata_too_large`), `NotFound` or `Forbidden` for the skeleton,
    `NothingPublished`, `ConfigInvalid` for a skeleton that the published configuration does not fit, `UnknownEngine`,
    and `StorageQuotaExhausted` when the council's storage is used up.
    """
    check_storage(current_tenant_id())
    check_time_zone(client_timezone)
    check_metadata(metadata or {})
    engine = pin_engine(model_config or {})
    if skeleton_id is None:
        skeleton = default_skeleton_version()
    else:
        skeleton = skeleton_version(get_owned(Skeleton, skeleton_id).id)
    config = current_config()
    check_config_fits(config, skeleton)
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
    open_buffer(session)
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
    session_id: UUID, *, actor: str, changes: Mapping[str, Any], from_sequence_id: int | None = None
) -> JournalRow:
    """Record what holds from the next input on: speaker, topic, zone, restricted.

    Only the given keys change; the others keep their value. "Next" is the first sequence number that was not accepted
    yet, or a later one that the caller names, so the order in which inputs arrive afterwards does not matter. Raises
    `SessionStateConflict`.
    """
    with transaction.atomic():
        session = lock_for_entry(session_id, (State.OPEN,))
        before = latest_context(session_id)
        payload = {
            **({key: before.payload[key] for key in _NOTHING_SAID} if before else _NOTHING_SAID),
            **changes,
            "from_sequence_id": max(session.highest_sequence_id + 1, from_sequence_id or 0),
        }
        if "speaker" in changes:
            payload["speaker_number"] = None
        elif before is not None:
            payload["speaker_number"] = speaker_number(before)
        return write(session, NewEntry(EntryKind.CONTEXT, payload, actor=actor))


def speaker_number(context: JournalRow) -> int:
    """Return the journal's number of the entry that named a context's speaker: itself (null), an earlier one, or 0."""
    number: int | None = context.payload["speaker_number"]
    return context.number if number is None else number


def latest_context(session_id: UUID, at_sequence_id: int | None = None) -> JournalRow | None:
    """Return the context entry in force: for an input, the newest one that begins at or before its number."""
    rows = JournalRow.objects.filter(session_id=session_id, kind=EntryKind.CONTEXT)
    if at_sequence_id is not None:
        rows = rows.filter(payload__from_sequence_id__lte=at_sequence_id)
    row: JournalRow | None = rows.order_by("-number").first()
    return row
