"""Objects in S3 or a service that speaks its protocol (Cloudflare R2, MinIO, Garage)."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, BinaryIO, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from astra_site.lib.clock import Clock, utc_now
from astra_site.lib.errors import AstraError, InvalidInput
from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store.errors import ObjectMissing, ObjectStoreMisconfigured, ObjectStoreUnavailable
from astra_site.lib.object_store.multipart import put_in_parts, put_whole
from astra_site.lib.object_store.protocol import Bucket, Protection, StoredObject, checked_key
from astra_site.lib.object_store.retention import checked_retention, protected

_IN_MEMORY_BYTES = 8 * 1024 * 1024
_HASH_FIELD = "sha256"
_MISSING = {"404", "NoSuchKey", "NoSuchVersion", "NotFound"}
_TRANSIENT = {
    "500", "502", "503", "504", "InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout", "BadDigest"
}  # fmt: skip
_UNLOCKED = {"InvalidRequest", "InvalidBucketState", "ObjectLockConfigurationNotFoundError", "NotImplemented"}


@dataclass(frozen=True, slots=True)
class S3Location:
    """Where the service is and how to reach it. The bucket of `Bucket.AUDIO` is named `<prefix>-audio`.

    `public_url` is the service's address as clients see it, where that differs from ours: links are signed for it.
    """

    endpoint_url: str | None
    access_key: str
    secret_key: str
    prefix: str
    region: str
    public_url: str | None = None


class S3ObjectStore:
    """An `ObjectStore` over the S3 protocol.

    django-storages makes the session, the client and the signed links; what it has no words for (versions, hashes,
    retention) goes to the client directly. Hashes are ours, kept in the object's metadata: ETags of multipart uploads
    are not hashes of the content.
    """

    def __init__(self, location: S3Location, *, clock: Clock = utc_now) -> None:
        self._location = location
        self._clock = clock

    def put(
        self, bucket: Bucket, key: str, data: bytes | BinaryIO, media_type: str, *, sha256: Sha256 | None = None
    ) -> StoredObject:
        """See `ObjectStore.put`. A stream that can't be rewound is spooled to a temporary file first.

        The service is told a checksum of every body and refuses one that was damaged on its way.
        """
        with _rewindable(data) as body:
            start = body.tell()
            sha256 = sha256 or Sha256.of_stream(body)
            size_bytes = body.seek(0, os.SEEK_END) - start
            kept = self._kept_copy(bucket, key, sha256)
            if kept is not None:
                return kept
            body.seek(start)
            attributes = {"ContentType": media_type, "Metadata": {_HASH_FIELD: str(sha256)}}
            with _s3_errors(key):
                version_id = self._upload(bucket, checked_key(key), body, size_bytes, attributes)
        return StoredObject(key, size_bytes, sha256, version_id)

    def get(self, bucket: Bucket, key: str, *, version_id: str | None = None) -> bytes:
        """See `ObjectStore.get`."""
        with self.open(bucket, key, version_id=version_id) as file:
            return file.read()

    def open(self, bucket: Bucket, key: str, *, version_id: str | None = None) -> BinaryIO:
        """See `ObjectStore.open`. The object is fetched into memory, or beyond 8 MB into a temporary file."""
        versions = _version_argument(version_id)
        local = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - the caller closes it
        try:
            with _s3_errors(key):
                answer = self._client.get_object(Bucket=self._name(bucket), Key=checked_key(key), **versions)
                with answer["Body"] as body:
                    shutil.copyfileobj(body, local, _IN_MEMORY_BYTES)
        except AstraError:
            local.close()
            raise
        local.seek(0)
        return cast("BinaryIO", local)

    def head(self, bucket: Bucket, key: str, *, version_id: str | None = None) -> StoredObject | None:
        """See `ObjectStore.head`. An object that came by another way, without our hash, is read and hashed."""
        try:
            answer = self._head(bucket, key, version_id)
        except ObjectMissing:
            return None
        return self._described(bucket, key, answer)

    def copy(self, source_bucket: Bucket, source_key: str, target_bucket: Bucket, target_key: str) -> StoredObject:
        """See `ObjectStore.copy`. The service copies by itself, in parts beyond 5 GB; metadata goes along."""
        source = self._described(source_bucket, source_key, self._head(source_bucket, source_key))
        kept = self._kept_copy(target_bucket, target_key, source.sha256)
        if kept is not None:
            return kept
        with _s3_errors(source_key):
            self._client.copy(
                {"Bucket": self._name(source_bucket), "Key": checked_key(source_key)},
                self._name(target_bucket),
                checked_key(target_key),
                ExtraArgs={"Metadata": {_HASH_FIELD: str(source.sha256)}, "MetadataDirective": "REPLACE"},
            )
        return self._described(target_bucket, target_key, self._head(target_bucket, target_key))

    def protect(self, bucket: Bucket, key: str, until: datetime, *, version_id: str | None = None) -> Protection:
        """See `ObjectStore.protect`: Object Lock in COMPLIANCE mode on the given version, else on the current one."""
        answer = self._head(bucket, key, version_id)
        agreed = checked_retention(bucket, until, self._clock(), self._retained_until(answer))
        version = _version_of(answer)
        if version is None:
            raise self._not_locked()
        with _s3_errors(key), self._lock_errors():
            self._client.put_object_retention(
                Bucket=self._name(bucket),
                Key=key,
                VersionId=version,
                Retention={"Mode": "COMPLIANCE", "RetainUntilDate": agreed},
            )
        return Protection("object-lock-compliance", agreed)

    def delete(self, bucket: Bucket, key: str) -> None:
        """See `ObjectStore.delete`. In the WORM bucket the version itself goes, or the service refuses."""
        versions: dict[str, str] = {}
        if bucket is Bucket.WORM:
            try:
                answer = self._head(bucket, key)
            except ObjectMissing:
                return
            until = self._retained_until(answer)
            if until is not None:
                raise protected(until)
            versions = _version_argument(_version_of(answer))
        with _s3_errors(key):
            self._client.delete_object(Bucket=self._name(bucket), Key=checked_key(key), **versions)

    def presigned_get(self, bucket: Bucket, key: str, ttl_s: int) -> str:
        """See `ObjectStore.presigned_get`."""
        return str(self._links[bucket].url(checked_key(key), expire=ttl_s))

    def iter_keys(self, bucket: Bucket, prefix: str = "") -> Iterator[str]:
        """See `ObjectStore.iter_keys`."""
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name(bucket), Prefix=prefix))
        while True:
            with _s3_errors(prefix):
                page = next(pages, None)
            if page is None:
                return
            yield from (str(entry["Key"]) for entry in page.get("Contents", ()))

    def ping(self) -> None:
        """See `ObjectStore.ping`: asks for one bucket with our credentials."""
        with _s3_errors("ping"):
            self._client.head_bucket(Bucket=self._name(Bucket.AUDIO))

    def ensure_buckets(self) -> None:
        """See `ObjectStore.ensure_buckets`. Skeletons are versioned, the WORM bucket has Object Lock."""
        with _s3_errors("buckets"):
            present = {entry["Name"] for entry in self._client.list_buckets()["Buckets"]}
            for bucket in Bucket:
                name = self._name(bucket)
                if name not in present:
                    lock = {"ObjectLockEnabledForBucket": True} if bucket is Bucket.WORM else {}
                    self._client.create_bucket(Bucket=name, **self._place_constraint(), **lock)
            self._client.put_bucket_versioning(
                Bucket=self._name(Bucket.SKELETONS), VersioningConfiguration={"Status": "Enabled"}
            )
            with self._lock_errors():
                self._client.get_object_lock_configuration(Bucket=self._name(Bucket.WORM))

    @cached_property
    def _links(self) -> dict[Bucket, S3Storage]:
        """The storages of django-storages that sign links, one per bucket."""
        address = self._location.public_url or self._location.endpoint_url
        return {bucket: self._storage(bucket, address) for bucket in Bucket}

    @cached_property
    def _client(self) -> Any:
        """The low-level client, which is thread-safe, unlike boto3's resources."""
        return self._storage(Bucket.AUDIO, self._location.endpoint_url).connection.meta.client

    def _storage(self, bucket: Bucket, endpoint_url: str | None) -> S3Storage:
        return S3Storage(
            bucket_name=self._name(bucket),
            access_key=self._location.access_key,
            secret_key=self._location.secret_key,
            endpoint_url=endpoint_url,
            region_name=self._location.region,
            querystring_auth=True,
            client_config=_client_config(),
        )

    def _name(self, bucket: Bucket) -> str:
        return f"{self._location.prefix}-{bucket.value}"

    def _place_constraint(self) -> dict[str, Any]:
        region = self._location.region
        return {} if region in ("us-east-1", "auto") else {"CreateBucketConfiguration": {"LocationConstraint": region}}

    def _upload(
        self, bucket: Bucket, key: str, body: BinaryIO, size_bytes: int, attributes: dict[str, Any]
    ) -> str | None:
        name = self._name(bucket)
        if size_bytes <= _IN_MEMORY_BYTES:
            answer = put_whole(self._client, name, key, body.read(), attributes)
        else:
            answer = put_in_parts(self._client, name, key, body, size_bytes, _IN_MEMORY_BYTES, attributes)
        return _version_of(answer)

    @contextmanager
    def _lock_errors(self) -> Iterator[None]:
        """Translate what a service says whose WORM bucket has no Object Lock, or that has none to offer."""
        try:
            yield
        except ClientError as error:
            if str(error.response.get("Error", {}).get("Code", "")) in _UNLOCKED:
                raise self._not_locked() from error
            raise

    def _not_locked(self) -> ObjectStoreMisconfigured:
        return ObjectStoreMisconfigured(
            "worm_bucket_not_locked",
            f"The bucket {self._name(Bucket.WORM)} has no versions or no Object Lock, so it can't protect recordings. "
            "Object Lock is switched on when a bucket is made: make a new one.",
        )

    def _head(self, bucket: Bucket, key: str, version_id: str | None = None) -> dict[str, Any]:
        named = {"Bucket": self._name(bucket), "Key": checked_key(key), **_version_argument(version_id)}
        with _s3_errors(key):
            return cast("dict[str, Any]", self._client.head_object(**named))

    def _described(self, bucket: Bucket, key: str, answer: dict[str, Any]) -> StoredObject:
        recorded = answer["Metadata"].get(_HASH_FIELD)
        if recorded:
            sha256 = Sha256.parse(recorded)
        else:
            with self.open(bucket, key, version_id=_version_of(answer)) as body:
                sha256 = Sha256.of_stream(body)
        return StoredObject(key, answer["ContentLength"], sha256, _version_of(answer))

    def _retained_until(self, answer: dict[str, Any]) -> datetime | None:
        until = answer.get("ObjectLockRetainUntilDate")
        if not isinstance(until, datetime):
            return None
        aware = until if until.tzinfo else until.replace(tzinfo=UTC)
        return aware if aware > self._clock() else None

    def _kept_copy(self, bucket: Bucket, key: str, sha256: Sha256) -> StoredObject | None:
        """The protected object at this key if it has this very content; raise `ObjectProtected` if it has another."""
        if bucket is not Bucket.WORM:
            return None
        try:
            answer = self._head(bucket, key)
        except ObjectMissing:
            return None
        until = self._retained_until(answer)
        if until is None:
            return None
        found = self._described(bucket, key, answer)
        if found.sha256 != sha256:
            raise protected(until)
        return found


@contextmanager
def _rewindable(data: bytes | BinaryIO) -> Iterator[BinaryIO]:
    if isinstance(data, bytes):
        yield io.BytesIO(data)
    elif data.seekable():
        yield data
    else:
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool:
            shutil.copyfileobj(data, spool, _IN_MEMORY_BYTES)
            spool.seek(0)
            yield cast("BinaryIO", spool)


def _version_of(answer: dict[str, Any]) -> str | None:
    """The version id, None where there is none; services without versions leave it out or say `null`."""
    version_id = answer.get("VersionId")
    return None if version_id in (None, "null") else str(version_id)


def _version_argument(version_id: str | None) -> dict[str, str]:
    return {"VersionId": version_id} if version_id else {}


def _client_config() -> Config:
    """Bounded waiting, and checksums only where the protocol asks for them (R2 refuses the newer defaults)."""
    return Config(
        signature_version="s3v4",
        connect_timeout=3,
        read_timeout=30,
        retries={"max_attempts": 4, "mode": "standard"},
        max_pool_connections=32,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"},
    )


@contextmanager
def _s3_errors(key: str) -> Iterator[None]:
    """Translate what the service, or the way to it, answers."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise ObjectMissing("object_missing", "No object has this key.", details={"key": key}) from error
        if code in _TRANSIENT:
            raise ObjectStoreUnavailable("object_store_unavailable", "The object store is busy.") from error
        if code == "InvalidArgument":
            raise InvalidInput("object_store_refused", "The object store refused the request.") from error
        raise ObjectStoreMisconfigured(
            "object_store_misconfigured", f"The object store refused the request: {code}."
        ) from error
    except BotoCoreError as error:
        raise ObjectStoreUnavailable("object_store_unavailable", "The object store does not answer.") from error
