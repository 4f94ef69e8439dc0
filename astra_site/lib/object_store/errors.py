"""What an object store refuses or can't do."""

from __future__ import annotations

from astra_site.lib.errors import AstraError, Conflict, ErrorKind, Forbidden, InvalidInput, NotFound, Unavailable


class ObjectMissing(NotFound):
    """No object has this key (`object_missing`)."""


class KeyRefused(InvalidInput):
    """The key is not one of ours: it could leave the bucket, or not every store can hold it (`object_key_refused`)."""


class ObjectProtected(Conflict):
    """The object is under retention: it can't be deleted, replaced or released earlier (`object_protected`)."""


class DownloadLinkRefused(Forbidden):
    """The signature of a download link is wrong, or its time is over (`download_link_refused`)."""


class ObjectStoreUnavailable(Unavailable):
    """The store does not answer or has no room; the same call may succeed later (`object_store_unavailable`)."""


class ObjectStoreMisconfigured(AstraError):
    """The store answers but not to us: credentials, buckets or abilities are wrong (`object_store_misconfigured`)."""

    kind = ErrorKind.INTERNAL
