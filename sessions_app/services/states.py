"""State transitions of a session: a filtered update that says whether it won, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from astra_site.lib.after_commit import after_commit
from astra_site.lib.clock import utc_now
from sessions_app.models import Session, State
from sessions_app.services.events import announce

ALLOWED: dict[State, frozenset[State]] = {
    State.OPEN: frozenset({State.DRAINING, State.ABANDONED}),
    State.DRAINING: frozenset({State.BUILDING}),
    State.BUILDING: frozenset({State.SEALING, State.BUILD_FAILED}),
    State.SEALING: frozenset({State.CLOSED, State.SEAL_FAILED}),
    State.BUILD_FAILED: frozenset({State.BUILDING}),
    State.SEAL_FAILED: frozenset({State.SEALING}),
    State.CLOSED: frozenset(),
    State.ABANDONED: frozenset({State.OPEN}),
}


def move(
    session_id: UUID, before: State, after: State, *, only_if: Mapping[str, Any] | None = None, **changes: Any
) -> bool:
    """Move a session from one state to the next by compare-and-swap.

    Returns False, and changes nothing, when the session is not (any more) in `before`, or other than `only_if` says. A
    transition that the diagram does not know is a programming error (`ValueError`).
    """
    if after not in ALLOWED[before]:
        raise ValueError(f"A session never goes from {before} to {after}.")
    rows = Session.objects.filter(pk=session_id, state=before, **(only_if or {}))
    won = rows.update(state=after, state_changed_at=utc_now(), **changes)
    if won:
        after_commit(announce, session_id)
    return bool(won)
