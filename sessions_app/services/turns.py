"""The fencing token of a production: whoever begins a step last is the only one whose results count.

A worker may stop for an hour in the middle of a step and go on as if nothing had happened, while another has long
taken the job over. So every run of a step takes a new number from the session's row before it does anything, and what
it writes is written only where that number is still the newest (docs/adr/0007).
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from jobs import services as jobs
from jobs.core.ports import StepContext
from jobs.errors import LeaseLost
from sessions_app.errors import SessionStateConflict
from sessions_app.models import Session, State
from sessions_app.services.states import move

_RESUMED = {State.BUILD_FAILED: State.BUILDING, State.SEAL_FAILED: State.SEALING}
_IN_PRODUCTION = (State.BUILDING, State.SEALING, *_RESUMED)


def take_turn(context: StepContext) -> Session:
    """Return the session of a step, with the fence of this run of it; from now on no earlier run can write.

    A failed session whose job was put back to work by the jobs API is at work again. Raises `LeaseLost` when the job is
    another worker's by now, and `SessionStateConflict` for a session that is not, or not by this job, in production.
    """
    pinned = Session.objects.select_related("tenant", "config_version", "skeleton_version")
    session: Session = pinned.get(pk=context.job.session_id)
    own = Session.objects.filter(pk=session.pk, job_id=context.job.id, state__in=_IN_PRODUCTION)
    with transaction.atomic():
        if not jobs.hold(context.job):  # cancelled or taken over: the session stays as that left it
            raise LeaseLost(context.job.id)
        if not own.update(fence=F("fence") + 1):
            raise SessionStateConflict("session_not_in_production", "The minutes of this session are not being made.")
        session.refresh_from_db(fields=["fence", "state", "journal_length"])
        if State(session.state) in _RESUMED:
            move(session.id, State(session.state), _RESUMED[State(session.state)], failure=None)
    return session


def store_result(context: StepContext, session: Session, **changes: Any) -> None:
    """Write to the row of a session whose turn was taken; raise `LeaseLost` when a later run has taken it."""
    if not Session.objects.filter(pk=session.pk, fence=session.fence).update(**changes):
        raise LeaseLost(context.job.id)


def hold_turn(context: StepContext, session: Session) -> None:
    """Keep others from taking the turn until the commit; raise `LeaseLost` when one has. Runs in a transaction."""
    held = Session.objects.select_for_update(no_key=True).filter(pk=session.pk, fence=session.fence)
    if held.first() is None:
        raise LeaseLost(context.job.id)
