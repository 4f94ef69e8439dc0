"""What the product asks of an object store, and nothing more. One contract suite runs over every implementation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Protocol

from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store.errors import KeyRefused

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=+@-]{0,199}")
_LONGEST_KEY = 700


class Bucket(StrEnum):
    """What is kept where. The value is the folder's name, and the end of the S3 bucket's name."""

    AUDIO = "audio"
    DOCUMENTS = "documents"
    SKELETONS = "skeletons"
    WORM = "worm"
    ASSETS = "assets"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as it lies in the store. `version_id` is None where the store keeps no versions."""

    key: str
    size_bytes: int
    sha256: Sha256
    version_id: str | None


@dataclass(frozen=True, slots=True)
class Protection:
    """What keeps an object from being changed until a moment.

    `kind` says by whom: `object-lock-compliance` (the S3 service, for everyone) or `local-readonly` (this product and
    the file mode only: an administrator of the machine can undo it).
    """

    kind: str
    until: datetime


class ObjectStore(Protocol):
    """Whole objects under keys in five buckets.

    Every method raises `KeyRefused` for a key outside `checked_key`, `ObjectStoreUnavailable` when the store does not
    answer, and `ObjectStoreMisconfigured` when it does not accept us. Safe to share between threads.
    """

    def put(
        self, bucket: Bucket, key: str, data: bytes | BinaryIO, media_type: str, *, sha256: Sha256 | None = None
    ) -> StoredObject:
        """Store an object, all of it or nothing, durably before this returns; replace what had the key.

        A stream is read from its current position to its end in bounded memory. The hash is computed here from the
        bytes sent, unless the caller has hashed these very bytes already and says so with `sha256`. Over a protected
        object the same bytes are answered as before, others with `ObjectProtected`.
        """
        ...

    def get(self, bucket: Bucket, key: str, *, version_id: str | None = None) -> bytes:
        """Return the bytes, of exactly one version if given; raise `ObjectMissing`."""
        ...

    def open(self, bucket: Bucket, key: str, *, version_id: str | None = None) -> BinaryIO:
        """Return a seekable binary stream on the object, for the caller to close; raise `ObjectMissing`."""
        ...

    def head(self, bucket: Bucket, key: str, *, version_id: str | None = None) -> StoredObject | None:
        """Describe an object, exactly one version if given, or return None when there is none.

        The local store hashes what lies on the disk now; an S3 store reports the hash recorded at `put`.
        """
        ...

    def copy(self, source_bucket: Bucket, source_key: str, target_bucket: Bucket, target_key: str) -> StoredObject:
        """Copy inside the store; as `put` at the target, raise `ObjectMissing` for the source."""
        ...

    def protect(self, bucket: Bucket, key: str, until: datetime, *, version_id: str | None = None) -> Protection:
        """Keep an object of the WORM bucket from being changed until an aware moment; it can be extended only.

        Where the store keeps versions, name the one that was checked: the current one may be somebody else's by now.

        Raises `ObjectMissing`, `ObjectProtected` for an earlier moment than it has, `InvalidInput`
        (`retention_invalid`) for a naive or past one or another bucket, and `ObjectStoreMisconfigured`
        (`worm_bucket_not_locked`) if the bucket was made without versions or Object Lock.
        """
        ...

    def delete(self, bucket: Bucket, key: str) -> None:
        """Delete an object; nothing happens when there is none. Raises `ObjectProtected`."""
        ...

    def presigned_get(self, bucket: Bucket, key: str, ttl_s: int) -> str:
        """Return a URL that serves the object to anyone who has it, for `ttl_s` seconds. The key is not looked up."""
        ...

    def iter_keys(self, bucket: Bucket, prefix: str = "") -> Iterator[str]:
        """Yield the keys that start with `prefix` (any string), in the order of their bytes."""
        ...

    def ping(self) -> None:
        """Return if the store takes and gives objects now; raise what says why not."""
        ...

    def ensure_buckets(self) -> None:
        """Create what is missing of the five buckets. Idempotent.

        Raises `ObjectStoreMisconfigured` (`worm_bucket_not_locked`) for a WORM bucket that can't protect anything.
        """
        ...


def checked_key(key: str) -> str:
    """Return the key if every store can hold it and it can't leave its bucket; raise `KeyRefused` otherwise.

    Allowed: parts of ASCII letters, digits and `._=+@-`, not starting with a point or sign, joined by single slashes.
    """
    if len(key) <= _LONGEST_KEY and all(_SEGMENT.fullmatch(part) for part in key.split("/")):
        return key
    raise KeyRefused(
        "object_key_refused", "An object key has plain ASCII parts joined by slashes.", details={"key": key}
    )
