"""What a clone has from the session that it corrects: every number up to the last one is there, and understood."""

from __future__ import annotations

from django.db.models import Max, Q, QuerySet

from sessions_app.errors import SequenceConflict
from sessions_app.models import EntryKind, JournalRow, Session


def inherited_through(session: Session) -> int:
    """Return the highest number that came with the session's clone; 0 for a session that corrects nothing.

    Numbers below it that never came in the corrected session stay as they were noted there: nobody waits for them.
    """
    if session.parent_session_id is None:
        return 0
    inherited = JournalRow.objects.filter(session_id=session.id, kind=EntryKind.INHERITED)
    through: int = inherited.aggregate(through=Max("sequence_id"))["through"] or 0
    return through


def check_not_inherited(session: Session, sequence_id: int | None) -> None:
    """Raise `SequenceConflict` (`sequence_inherited`) for a number of the corrected session: those are taken."""
    if sequence_id is None or session.parent_session_id is None:
        return
    through = inherited_through(session)
    if sequence_id <= through:
        raise SequenceConflict(
            "sequence_inherited",
            f"The numbers up to {through} came with the session that this one corrects: go on behind them.",
            details={"sequence_id": sequence_id, "through_sequence_id": through},
        )


def accepted_up_to(session: Session, sequence_id: int) -> int:
    """Return how many of the numbers from 1 to `sequence_id` are there: inherited or accepted."""
    through = min(inherited_through(session), sequence_id)
    inputs = JournalRow.objects.filter(session_id=session.id, kind__in=JournalRow.sequenced_kinds)
    own: int = inputs.filter(sequence_id__gt=through, sequence_id__lte=sequence_id).count()
    return through + own


def understood_before(session: Session, sequence_id: int | None = None) -> JournalRow | None:
    """Return the newest entry in the order of the session whose blocks are there, below a number if one is given.

    Its payload's `after` is what the next input starts from.
    """
    understood = JournalRow.objects.filter(
        session_id=session.id, kind__in=[EntryKind.BLOCKS, EntryKind.INHERITED], sequence_id__isnull=False
    )
    if sequence_id is not None:
        understood = understood.filter(sequence_id__lt=sequence_id)
    row: JournalRow | None = understood.order_by("-sequence_id").first()
    return row


def inherited_gaps(session: Session) -> list[list[int]]:
    """Return the numbers that never came in the corrected session, as ranges; their notes are inherited blocks."""
    if session.parent_session_id is None:
        return []
    header = JournalRow.objects.get(session_id=session.id, number=1)
    gaps: list[list[int]] = header.payload["missing"]
    return gaps


def assets_of(session: Session) -> QuerySet[JournalRow]:
    """Return the entries of a session's images, uploaded or inherited, in the order in which they came."""
    of_images = Q(kind=EntryKind.ASSET) | Q(kind=EntryKind.INHERITED, payload__has_key="asset_id")
    rows: QuerySet[JournalRow] = JournalRow.objects.filter(of_images, session_id=session.id)
    return rows.order_by("number")
