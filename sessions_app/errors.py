"""What can be wrong with a session or an input."""

from __future__ import annotations

from astra_site.lib.errors import Conflict, InvalidInput, TooLarge


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
