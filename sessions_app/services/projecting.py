"""Reading the blocks of a session from its journal."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from sessions_app.blocks import processing_block
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.projection import PROJECTED_KINDS, Change, Projection
from sessions_app.services.pins import config_content_of

_READ = ("number", "kind", "sequence_id", "payload")


def projected(session: Session, inputs: Collection[int] | None = None, *, upto: int | None = None) -> Projection:
    """Return the blocks as the journal (or its first `upto` entries) has them; with `inputs`, at least those of these.

    Corrections, images and what a clone inherited are always read: they may stand anywhere, also between two blocks of
    other inputs. Call it in a tenant scope.
    """
    projection = Projection(_image_zone(session))
    rows = JournalRow.objects.filter(session_id=session.id, kind__in=PROJECTED_KINDS)
    if upto is not None:
        rows = rows.filter(number__lte=upto)
    if inputs is not None:
        anywhere = Q(kind__in=[EntryKind.EDIT, EntryKind.ASSET, EntryKind.INHERITED])
        rows = rows.filter(Q(sequence_id__in=inputs) | anywhere)
    for row in rows.order_by("number").only(*_READ).iterator(chunk_size=1000):
        projection.apply(row)
    return projection


def change_of(session: Session, row: JournalRow) -> Change:
    """Return what one entry did to the blocks when it was written, for whoever follows a session entry by entry.

    Only where a correction may stand over a result is more read than the entry itself.
    """
    # The configuration is read for an image alone: this runs for each chunk of each live session.
    projection = Projection(_image_zone(session) if row.kind == EntryKind.ASSET else "")
    if row.kind in (EntryKind.RECOVERED, EntryKind.REVIEW) and row.sequence_id is not None:
        earlier = JournalRow.objects.filter(session_id=session.id, kind__in=PROJECTED_KINDS, number__lt=row.number)
        for entry in earlier.filter(Q(sequence_id=row.sequence_id) | Q(kind=EntryKind.EDIT)).order_by("number"):
            projection.apply(entry)
    elif row.kind == EntryKind.BLOCKS and row.sequence_id is not None:
        projection.assume([processing_block(row.sequence_id)])
    elif row.kind == EntryKind.EDIT:
        projection.assume(row.payload["before"])
    return projection.apply(row)


def is_settled(session: Session, sequence_id: int) -> bool:
    """Say whether a clerk has corrected what there is of an input: no later result changes its blocks any more."""
    corrected = JournalRow.objects.filter(
        session_id=session.id, kind=EntryKind.EDIT, payload__before__contains=[{"sequence_id": sequence_id}]
    )
    return corrected.exists() and projected(session, [sequence_id]).is_settled(sequence_id)


def _image_zone(session: Session) -> str:
    content = config_content_of(session)
    return str(content.get("image_zone") or content["default_zone"])
