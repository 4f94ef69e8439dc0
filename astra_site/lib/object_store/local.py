"""Objects as files in a folder: the default, and what the demo uses."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from astra_site.lib.clock import Clock, utc_now
from astra_site.lib.hashing import Sha256
from astra_site.lib.ids import new_id
from astra_site.lib.object_store.download_links import make_download_token
from astra_site.lib.object_store.errors import KeyRefused, ObjectMissing, ObjectStoreUnavailable
from astra_site.lib.object_store.protocol import Bucket, Protection, StoredObject, checked_key
from astra_site.lib.object_store.retention import checked_retention, protected

_PIECE_BYTES = 1024 * 1024
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_MOST_FOLDERS_REMEMBERED = 10_000


class LocalObjectStore:
    """An `ObjectStore` in `root`: `<bucket>/<key>` is the object, `.retention/<bucket>/<key>` its protection.

    Durable: bytes, name and folder are flushed to the disk before `put` returns. One difference to S3: a key can't be
    the beginning of another key's path (`KeyRefused`).
    """

    def __init__(self, root: Path, *, public_url: str, clock: Clock = utc_now) -> None:
        self._root = root
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._durable_folders: set[Path] = set()

    def put(
        self, bucket: Bucket, key: str, data: bytes | BinaryIO, media_type: str, *, sha256: Sha256 | None = None
    ) -> StoredObject:
        """See `ObjectStore.put`. The media type is not kept: the name's ending says it."""
        checked_key(key)
        with _os_errors(key):
            incoming, descriptor = self._incoming_file()
            try:
                with os.fdopen(descriptor, "wb") as file:
                    if isinstance(data, bytes):
                        size_bytes, found = _write_whole(file, data), sha256 or Sha256.of(data)
                    else:
                        size_bytes, found = _write(file, data)
                self._place(bucket, key, incoming, found)
            except BaseException:
                incoming.unlink(missing_ok=True)
                raise
        return StoredObject(key, size_bytes, found, version_id=None)

    def get(self, bucket: Bucket, key: str, *, version_id: str | None = None) -> bytes:
        """See `ObjectStore.get`."""
        with self.open(bucket, key, version_id=version_id) as file, _os_errors(key):
            return file.read()

    def open(self, bucket: Bucket, key: str, *, version_id: str | None = None) -> BinaryIO:
        """See `ObjectStore.open`. This store never gave out a version id, so any is missing."""
        if version_id is not None:
            raise _missing(key)
        with _os_errors(key):
            return self._path(bucket, key).open("rb")

    def head(self, bucket: Bucket, key: str, *, version_id: str | None = None) -> StoredObject | None:
        """See `ObjectStore.head`."""
        try:
            with self.open(bucket, key, version_id=version_id) as file, _os_errors(key):
                return StoredObject(key, os.fstat(file.fileno()).st_size, Sha256.of_stream(file), version_id=None)
        except ObjectMissing:
            return None

    def copy(self, source_bucket: Bucket, source_key: str, target_bucket: Bucket, target_key: str) -> StoredObject:
        """See `ObjectStore.copy`. A real copy: a link would share its mode and its fate with the source."""
        with self.open(source_bucket, source_key) as source:
            return self.put(target_bucket, target_key, source, "application/octet-stream")

    def protect(self, bucket: Bucket, key: str, until: datetime, *, version_id: str | None = None) -> Protection:
        """See `ObjectStore.protect`. The file becomes read-only and this class refuses to touch it."""
        path = self._path(bucket, key)
        if version_id is not None:
            raise _missing(key)
        agreed = checked_retention(bucket, until, self._clock(), self._retained_until(bucket, key))
        with _os_errors(key):
            path.chmod(0o444)
            note = self._note_path(bucket, key)
            self._make_folder(note.parent)
            incoming, descriptor = self._incoming_file()
            with os.fdopen(descriptor, "wb") as file:
                _write_whole(file, agreed.isoformat().encode())
            incoming.replace(note)
            _flush_folder(note.parent)
        return Protection("local-readonly", agreed)

    def delete(self, bucket: Bucket, key: str) -> None:
        """See `ObjectStore.delete`."""
        path = self._path(bucket, key)
        self._refuse_if_retained(bucket, key)
        with _os_errors(key):
            path.unlink(missing_ok=True)
            self._note_path(bucket, key).unlink(missing_ok=True)

    def presigned_get(self, bucket: Bucket, key: str, ttl_s: int) -> str:
        """See `ObjectStore.presigned_get`. The web application serves `/objects/<token>`."""
        return f"{self._public_url}/objects/{make_download_token(bucket, key, ttl_s, self._clock())}"

    def iter_keys(self, bucket: Bucket, prefix: str = "") -> Iterator[str]:
        """See `ObjectStore.iter_keys`."""
        base = self._root / bucket.value
        with _os_errors(prefix):
            keys = sorted(path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file())
        yield from (key for key in keys if key.startswith(prefix))

    def ping(self) -> None:
        """See `ObjectStore.ping`: writes and removes one byte."""
        with _os_errors("ping"):
            if self._incoming not in self._durable_folders:
                self._make_folder(self._incoming)
            with tempfile.TemporaryFile(dir=self._incoming) as file:
                file.write(b"x")

    def ensure_buckets(self) -> None:
        """See `ObjectStore.ensure_buckets`."""
        with _os_errors("buckets"):
            for bucket in Bucket:
                self._make_folder(self._root / bucket.value)

    @property
    def _incoming(self) -> Path:
        return self._root / ".incoming"

    def _path(self, bucket: Bucket, key: str) -> Path:
        return self._root / bucket.value / checked_key(key)

    def _note_path(self, bucket: Bucket, key: str) -> Path:
        return self._root / ".retention" / bucket.value / checked_key(key)

    def _incoming_file(self) -> tuple[Path, int]:
        """Create a file of a name that nobody else has; return its path and its descriptor."""
        path = self._incoming / new_id().hex
        try:
            return path, os.open(path, _CREATE, 0o600)
        except FileNotFoundError:
            self._make_folder(self._incoming)
            return path, os.open(path, _CREATE, 0o600)

    def _place(self, bucket: Bucket, key: str, incoming: Path, sha256: Sha256) -> None:
        """Give a written file its name, durably."""
        if bucket is Bucket.WORM and self._retained_until(bucket, key) is not None:
            found = self.head(bucket, key)
            if found is not None and found.sha256 == sha256:
                incoming.unlink()
                return
            self._refuse_if_retained(bucket, key)
        target = self._root / bucket.value / key
        if target.parent not in self._durable_folders:
            self._make_folder(target.parent)
        try:
            incoming.replace(target)
        except FileNotFoundError:  # somebody removed the empty folder
            self._make_folder(target.parent)
            incoming.replace(target)
        _flush_folder(target.parent)

    def _make_folder(self, folder: Path) -> None:
        """Create a folder and its parents, with each one's name flushed to the disk.

        Also where it exists: another thread may have made it a moment ago and not have flushed it yet, and a file in a
        folder that is lost is lost. Once is enough for each process.
        """
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        inside = [path for path in (folder, *folder.parents) if path.is_relative_to(self._root)]
        for path in {path.parent for path in (*missing, *inside)}:
            _flush_folder(path)
        if len(self._durable_folders) >= _MOST_FOLDERS_REMEMBERED:
            self._durable_folders.clear()
        self._durable_folders.add(folder)

    def _retained_until(self, bucket: Bucket, key: str) -> datetime | None:
        try:
            until = datetime.fromisoformat(self._note_path(bucket, key).read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        return until if until > self._clock() else None

    def _refuse_if_retained(self, bucket: Bucket, key: str) -> None:
        until = self._retained_until(bucket, key)
        if until is not None:
            raise protected(until)


def _write_whole(file: BinaryIO, data: bytes) -> int:
    """Write bytes, flush them to the disk, and return their number."""
    size_bytes = file.write(data)
    file.flush()
    os.fsync(file.fileno())
    return size_bytes


def _write(file: BinaryIO, source: BinaryIO) -> tuple[int, Sha256]:
    """Copy a stream, flush it to the disk, and return its size and hash."""
    digest, size_bytes = hashlib.sha256(), 0
    while piece := source.read(_PIECE_BYTES):
        digest.update(piece)
        size_bytes += file.write(piece)
    file.flush()
    os.fsync(file.fileno())
    return size_bytes, Sha256(digest.digest())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _missing(key: str) -> ObjectMissing:
    return ObjectMissing("object_missing", "No object has this key.", details={"key": key})


@contextmanager
def _os_errors(key: str) -> Iterator[None]:
    """Translate what the file system answers."""
    try:
        yield
    except FileNotFoundError as error:
        raise _missing(key) from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise KeyRefused(
            "object_key_refused", "Part of this key is already an object.", details={"key": key}
        ) from error
    except OSError as error:
        raise ObjectStoreUnavailable(
            "object_store_unavailable", f"The object folder does not work: {error.strerror}."
        ) from error
