"""What can be wrong with a session or an input."""

from __future__ import annotations

from astra_site.lib.errors import Conflict, InvalidInput, NotFound, TooLarge
from sessions_app.models import State


class TimeZoneInvalid(InvalidInput):
    """The client's time zone is missing or is not an IANA name."""


class InputInvalid(InvalidInput):
    """An append without content, with two contents, or with content that can't be read."""


class InputTooLarge(TooLarge):
    """More bytes than one input may have."""


class SequenceConflict(Conflict):
    """This sequence number was accepted before with other content; the first one stays."""


class SessionStateConflict(Conflict):
    """The session is in a state that does not allow this."""


class ContextInvalid(InvalidInput):
    """A context that says nothing, or something that can't hold for this session."""


class BlockMissing(NotFound):
    """The session has no block with this id."""


class CorrectionInvalid(InvalidInput):
    """A correction that can't be made whatever the block is like."""


class CorrectionConflict(Conflict):
    """The block, as it is now, can't be corrected like this."""


class CloneConflict(Conflict):
    """The session can't be cloned as it stands."""


class SessionAbandoned(SessionStateConflict):
    """The session was put away because nobody used it for long; it has to be resumed first."""


class GraveyardDiffers(Conflict):
    """What was put away of a session is not what its journal says."""


def takes_no_more(state: str) -> SessionStateConflict:
    """Return the error for a session that takes no more inputs: it says what to do where something can be done."""
    if state == State.ABANDONED:
        return SessionAbandoned(
            "session_abandoned",
            "The session was put away because nobody used it for long. Nothing is lost: staff can resume it with "
            "POST …/resume (scope sessions:admin), in the admin, or with manage.py resume_session.",
            details={"state": state},
        )
    return SessionStateConflict(
        "session_not_open", f"The session is {state}: it takes no more of this.", details={"state": state}
    )
