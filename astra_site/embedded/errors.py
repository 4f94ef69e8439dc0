"""What can go wrong with the servers that a checkout starts for itself."""

from __future__ import annotations

from astra_site.lib.errors import AstraError, Conflict, ErrorKind


class EmbeddedServerMissing(AstraError):
    """This platform has no binary of the server; the message says what to do instead."""

    kind = ErrorKind.UNSUPPORTED


class EmbeddedServerFailed(AstraError):
    """The server did not start or did not stop; the message carries the end of its log."""

    kind = ErrorKind.UNAVAILABLE


class DataFolderInUse(Conflict):
    """Another live process of this checkout owns the data folder."""
