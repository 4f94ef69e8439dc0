"""The errors of custody. None of them is ever swallowed: a seal either holds or says why it does not."""

from __future__ import annotations

from astra_site.lib.errors import AstraError, Conflict, ErrorKind, InvalidInput, NotFound


class EvidenceInconsistent(InvalidInput):
    """The parts handed over for sealing contradict each other; sealing them would prove nothing."""


class SealedDifferently(Conflict):
    """The session is already sealed, with other content than the one offered now."""


class AudioNotHeld(Conflict):
    """A recording of the session is not in WORM custody yet, so the session can't be sealed."""


class CustodyAudioMissing(NotFound):
    """The recording named by the journal is not in the object store."""


class WormCopyDiffers(AstraError):
    """An object in the WORM bucket does not have the hash that the journal recorded."""

    kind = ErrorKind.INTERNAL


class SigningKeyRefused(AstraError):
    """The signing key is missing, malformed, or not allowed in this installation."""

    kind = ErrorKind.INTERNAL
