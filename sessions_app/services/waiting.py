"""What a session still waits for, counted from where it has got to: the same few index look-ups at any length.

Inputs are understood strictly in their order (docs/adr/0008). So everything up to the last number that has blocks is
there and done, unless gaps were accepted, and only what lies behind it needs a look. Asking instead which of all inputs
have no blocks compares two long lists, and took ten seconds for ten thousand inputs where PostgreSQL had no statistics
of them yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from django.db.models import QuerySet

from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.services.inheritance import inherited_through

_LISTED = 100


@dataclass(frozen=True, slots=True)
class Drain:
    """What a finalization still waits for: how many, and the first hundred numbers of each."""

    pending: list[int] = field(default_factory=list)
    pending_count: int = 0
    missing: list[int] = field(default_factory=list)
    missing_count: int = 0


def what_is_left(session: Session) -> Drain:
    """Return the accepted numbers without blocks and the numbers that never came."""
    understood = last_understood(session)
    waiting = inputs_after(session, understood)
    pending = list(waiting.values_list("sequence_id", flat=True)[:_LISTED])
    pending_count = len(pending) if len(pending) < _LISTED else waiting.count()
    last = session.final_sequence_id or session.highest_sequence_id
    first = min(inherited_through(session) if session.accept_gaps else understood, last)
    there = inputs_after(session, first).filter(sequence_id__lte=last)
    missing_count = last - first - there.count() if first < last else 0
    missing: list[int] = []
    if missing_count:
        known = set(there.values_list("sequence_id", flat=True))
        missing = list(islice((number for number in range(first + 1, last + 1) if number not in known), _LISTED))
    return Drain([number or 0 for number in pending], pending_count, missing, missing_count)


def last_understood(session: Session) -> int:
    """Return the highest number that has blocks, of its own or inherited; 0 where none has."""
    rows = JournalRow.objects.filter(session_id=session.id, kind=EntryKind.BLOCKS).order_by("-sequence_id")
    return rows.values_list("sequence_id", flat=True).first() or inherited_through(session)


def inputs_after(session: Session, sequence_id: int) -> QuerySet[JournalRow]:
    """Return the accepted inputs behind a number, in their order."""
    rows: QuerySet[JournalRow] = JournalRow.objects.filter(
        session_id=session.id, kind__in=JournalRow.sequenced_kinds, sequence_id__gt=sequence_id
    )
    return rows.order_by("sequence_id")
