"""The way of a live input into the journal: the hot path of the product, on few statements.

One SELECT sees the session, its tenant and whether the number was used; one statement then writes the entry, its job
and the session's counters, all or nothing, if nothing was recorded in between. Both read and write exactly what the
ORM's way does (`sessions_app.services.inputs`); columns come from the models. See ADR 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from astra_site.lib.errors import Forbidden
from astra_site.lib.prepared_sql import fetch_again
from astra_site.lib.tenancy import current_tenant_id, get_owned
from jobs import services as jobs
from sessions_app.models import JournalRow, Session
from sessions_app.services.journal import NewEntry, write_if_unchanged
from tenants.models import Tenant

_NEEDED = {
    *("id", "tenant_id", "mode", "state", "client_timezone", "journal_length"),
    *("highest_sequence_id", "final_sequence_id", "accept_gaps", "parent_session_id", "last_activity_at"),
}
_SEEN = tuple(field.attname for field in Session._meta.concrete_fields if field.attname in _NEEDED)
"""What decides about an input; in the model's order, as `from_db` wants it. The rest is read if it is asked for."""
_LOOK = (
    f"SELECT {', '.join(f's.{name}' for name in _SEEN)}, t.is_active, k.number "  # noqa: S608 - names of models
    f'FROM "{Session._meta.db_table}" s JOIN "{Tenant._meta.db_table}" t ON t.id = s.tenant_id '
    f'LEFT JOIN "{JournalRow._meta.db_table}" k ON k.session_id = s.id AND k.sequence_id = %s '
    f"AND k.kind IN ({', '.join(repr(kind) for kind in JournalRow.sequenced_kinds)}) "
    "WHERE s.id = %s AND s.tenant_id = %s"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A session as it was a moment ago, and the entry that has the asked sequence number, if any."""

    session: Session
    known_number: int | None

    def known_input(self) -> JournalRow | None:
        """Return the entry that has the number."""
        if self.known_number is None:
            return None
        row: JournalRow = JournalRow.objects.get(session_id=self.session.pk, number=self.known_number)
        return row


def look(session_id: UUID, sequence_id: int) -> Seen:
    """See a session of the open tenant scope in one statement.

    Raises `NotFound` and `Forbidden` as `get_owned`, and `Forbidden` (`tenant_inactive`) for a tenant that was switched
    off since its token was looked at.
    """
    found = fetch_again(_LOOK, (sequence_id, session_id, current_tenant_id()))
    if found is None:
        get_owned(Session, session_id)
        return look(session_id, sequence_id)
    *values, is_active, known_number = found
    if not is_active:
        raise Forbidden("tenant_inactive", "The tenant of this token does not exist or is not active.")
    return Seen(Session.from_db("default", _SEEN, values), known_number)


def record(seen: Seen, entry: NewEntry, flow: str, *, behind: bool = False) -> tuple[JournalRow, UUID] | None:
    """Journal an input with its job if the session still is as it was seen; None when it is not: look again.

    With `behind` the buffer is told a moment later (`write_if_unchanged`).
    """
    session, sequence_id = seen.session, entry.sequence_id or 0
    job = jobs.prepare(
        flow,
        {"sequence_id": sequence_id},
        session_id=session.pk,
        dedup_key=f"{flow}:{session.pk}:{sequence_id}",
    )
    highest = max(sequence_id, session.highest_sequence_id)
    row = write_if_unchanged(session, entry, job.inserts, behind=behind, highest_sequence_id=highest)
    if row is None:
        return None
    job.send_behind()
    return row, job.job.id
