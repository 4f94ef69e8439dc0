"""A round over many sessions, a few in each sweep, so that no sweep takes long and none is left out."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from sessions_app.models import Session


@dataclass
class Rotation:
    """Where this process's round stands. Losing it costs nothing: the next process begins at the start."""

    per_round: int
    last_id: UUID | None = None

    def take(self, sessions: QuerySet[Session]) -> list[Session]:
        """Return the next few of these sessions, by id; after the last one it begins again.

        One that fails every time stands in nobody's way: the next round goes on behind it.
        """
        rows = sessions.order_by("id")
        found = list(rows.filter(id__gt=self.last_id)[: self.per_round] if self.last_id else rows[: self.per_round])
        self.last_id = found[-1].id if len(found) == self.per_round else None
        return found
