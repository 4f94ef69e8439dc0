"""Where a session stands, for a client that has just (re)connected: what was accepted, and what to send again."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from astra_site.lib.tenancy import get_owned
from sessions_app.models import EntryKind, JournalRow, Session

MAX_LISTED = 500
"""Acknowledgements that are told again at once; a client sends the rest again, which is harmless."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in the journal.

    Every number up to `acknowledged_to` was accepted. `accepted` has number and content hash of the first inputs
    beyond the number that the client asked about.
    """

    state: str
    highest_sequence_id: int
    acknowledged_to: int
    journal_length: int
    accepted: list[tuple[int, str]]


def standing_of(session_id: UUID, resume_after: int | None = None) -> Standing:
    """Return where a session stands; with `resume_after`, also what was accepted beyond that number.

    Raises `NotFound` and `Forbidden` as `get_owned`.
    """
    session = get_owned(Session, session_id)
    kinds = [*JournalRow.sequenced_kinds, EntryKind.INHERITED]
    inputs = JournalRow.objects.filter(session_id=session_id, kind__in=kinds)
    in_place = inputs.annotate(place=Window(RowNumber(), order_by="sequence_id")).filter(sequence_id=F("place"))
    accepted: list[tuple[int, str]] = []
    if resume_after is not None:
        beyond = inputs.filter(sequence_id__gt=resume_after).order_by("sequence_id")
        accepted = list(beyond.values_list("sequence_id", "content_sha256")[:MAX_LISTED])
    return Standing(
        state=session.state,
        highest_sequence_id=session.highest_sequence_id,
        acknowledged_to=in_place.count(),
        journal_length=session.journal_length,
        accepted=accepted,
    )
