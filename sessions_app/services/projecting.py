"""Reading the blocks of a session from its journal."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.projection import PROJECTED_KINDS, Projection

_READ = ("number", "kind", "sequence_id", "payload")


def projected(session: Session, inputs: Collection[int] | None = None) -> Projection:
    """Return the blocks as the journal has them now; with `inputs`, at least those of these inputs.

    Corrections and images are always read: they may have to do with any input. Call it in a tenant scope.
    """
    content = session.config_version.content
    projection = Projection(content.get("image_zone") or content["default_zone"])
    rows = JournalRow.objects.filter(session_id=session.id, kind__in=PROJECTED_KINDS)
    if inputs is not None:
        of_no_input = Q(kind__in=[EntryKind.EDIT, EntryKind.ASSET, EntryKind.INHERITED], sequence_id=None)
        rows = rows.filter(Q(sequence_id__in=inputs) | of_no_input)
    for row in rows.order_by("number").only(*_READ).iterator(chunk_size=1000):
        projection.apply(row)
    return projection
