"""What every object store keeps to, over a local folder and over the S3 protocol on a real socket."""

from __future__ import annotations

import base64
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from astra_site.lib.errors import InvalidInput
from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import (
    Bucket,
    KeyRefused,
    ObjectMissing,
    ObjectProtected,
    ObjectStore,
    ObjectStoreMisconfigured,
    from_url,
)
from astra_site.lib.object_store.local import LocalObjectStore
from astra_site.lib.object_store.s3 import S3Location, S3ObjectStore
from tests.s3_process import s3_server

NO_VERSION = "00000000-0000-4000-8000-000000000000"
BEYOND_ONE_PART = 17 * 1024 * 1024 + 3


class Clock:
    """A clock that a test can turn."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Unseekable(io.RawIOBase):
    """A stream as a socket gives it."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._rest = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._rest.read(size)


@pytest.fixture(scope="module")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a running S3 server."""
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> ObjectStore:
    """A fresh, empty store."""
    made: ObjectStore
    if request.param == "local":
        made = LocalObjectStore(tmp_path / "objects", public_url="http://127.0.0.1:8000", clock=clock)
    else:
        address = request.getfixturevalue("s3_address")
        prefix = f"t{hashlib.sha256(os.fsencode(tmp_path)).hexdigest()[:12]}"
        made = S3ObjectStore(S3Location(f"http://{address}", "key", "secret", prefix, "us-east-1"), clock=clock)
    made.ensure_buckets()
    return made


def test_an_object_comes_back_whole_with_its_hash(store: ObjectStore) -> None:
    stored = store.put(Bucket.AUDIO, "tenant/session/1.wav", b"sound", "audio/wav")
    assert (stored.key, stored.size_bytes, stored.sha256) == ("tenant/session/1.wav", 5, Sha256.of(b"sound"))
    assert store.get(Bucket.AUDIO, "tenant/session/1.wav") == b"sound"
    assert store.head(Bucket.AUDIO, "tenant/session/1.wav") == stored


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    assert store.put(Bucket.AUDIO, "empty", b"", "audio/wav").size_bytes == 0
    assert store.get(Bucket.AUDIO, "empty") == b""


def test_buckets_are_separate(store: ObjectStore) -> None:
    store.put(Bucket.AUDIO, "same", b"a", "audio/wav")
    assert store.head(Bucket.WORM, "same") is None


@pytest.mark.parametrize("make", [io.BytesIO, Unseekable], ids=["file", "socket"])
def test_a_stream_of_many_parts_is_stored_from_where_it_stands(
    store: ObjectStore, make: Callable[[bytes], io.BytesIO]
) -> None:
    data = os.urandom(BEYOND_ONE_PART)
    stream = make(b"head" + data)
    assert stream.read(4) == b"head"
    stored = store.put(Bucket.AUDIO, "long", stream, "audio/wav")
    assert (stored.size_bytes, stored.sha256) == (len(data), Sha256.of(data))
    assert not stream.closed
    assert store.get(Bucket.AUDIO, "long") == data


def test_put_again_replaces(store: ObjectStore) -> None:
    store.put(Bucket.DOCUMENTS, "a.docx", b"one", "application/octet-stream")
    store.put(Bucket.DOCUMENTS, "a.docx", b"second", "application/octet-stream")
    assert store.get(Bucket.DOCUMENTS, "a.docx") == b"second"


def test_an_opened_object_can_be_sought(store: ObjectStore) -> None:
    store.put(Bucket.AUDIO, "seek", b"0123456789", "audio/wav")
    with store.open(Bucket.AUDIO, "seek") as file:
        file.seek(-3, io.SEEK_END)
        assert (file.read(2), file.tell()) == (b"78", 9)


def test_what_is_not_there(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissing):
        store.get(Bucket.AUDIO, "none")
    with pytest.raises(ObjectMissing):
        store.open(Bucket.AUDIO, "none")
    with pytest.raises(ObjectMissing):
        store.copy(Bucket.AUDIO, "none", Bucket.WORM, "none")
    with pytest.raises(ObjectMissing):
        store.protect(Bucket.WORM, "none", datetime.now(UTC) + timedelta(days=1))
    assert store.head(Bucket.AUDIO, "none") is None
    store.delete(Bucket.AUDIO, "none")


def test_copy_keeps_content_and_hash(store: ObjectStore) -> None:
    original = store.put(Bucket.AUDIO, "a/1.wav", b"sound", "audio/wav")
    copied = store.copy(Bucket.AUDIO, "a/1.wav", Bucket.WORM, "b/1.wav")
    assert (copied.key, copied.sha256, copied.size_bytes) == ("b/1.wav", original.sha256, 5)
    store.delete(Bucket.AUDIO, "a/1.wav")
    assert store.get(Bucket.WORM, "b/1.wav") == b"sound"
    assert store.head(Bucket.AUDIO, "a/1.wav") is None


def test_a_protected_object_can_not_be_deleted_or_replaced_before_its_date(store: ObjectStore, clock: Clock) -> None:
    until = clock.now + timedelta(days=10)
    store.put(Bucket.WORM, "sealed", b"original", "audio/wav")
    protection = store.protect(Bucket.WORM, "sealed", until)
    assert protection.until == until.replace(microsecond=0)
    store.put(Bucket.AUDIO, "other", b"forged", "audio/wav")
    for attack in (
        lambda: store.delete(Bucket.WORM, "sealed"),
        lambda: store.put(Bucket.WORM, "sealed", b"forged", "audio/wav"),
        lambda: store.copy(Bucket.AUDIO, "other", Bucket.WORM, "sealed"),
        lambda: store.protect(Bucket.WORM, "sealed", until - timedelta(days=1)),
    ):
        with pytest.raises(ObjectProtected):
            attack()
        assert store.get(Bucket.WORM, "sealed") == b"original"


def test_sealing_twice_is_the_same_as_once(store: ObjectStore, clock: Clock) -> None:
    until = clock.now + timedelta(days=10)
    store.put(Bucket.AUDIO, "chunk", b"sound", "audio/wav")
    first = store.copy(Bucket.AUDIO, "chunk", Bucket.WORM, "chunk")
    protection = store.protect(Bucket.WORM, "chunk", until)
    assert store.copy(Bucket.AUDIO, "chunk", Bucket.WORM, "chunk") == first
    assert store.put(Bucket.WORM, "chunk", b"sound", "audio/wav") == first
    assert store.protect(Bucket.WORM, "chunk", until) == protection


def test_retention_can_be_extended(store: ObjectStore, clock: Clock) -> None:
    store.put(Bucket.WORM, "sealed", b"x", "audio/wav")
    store.protect(Bucket.WORM, "sealed", clock.now + timedelta(days=1))
    longer = store.protect(Bucket.WORM, "sealed", clock.now + timedelta(days=3))
    clock.now += timedelta(days=2)
    assert longer.until > clock.now
    with pytest.raises(ObjectProtected):
        store.delete(Bucket.WORM, "sealed")


def test_a_version_that_never_was_is_missing(store: ObjectStore, clock: Clock) -> None:
    store.put(Bucket.WORM, "sealed", b"x", "audio/wav")
    assert store.head(Bucket.WORM, "sealed", version_id=NO_VERSION) is None
    with pytest.raises(ObjectMissing):
        store.open(Bucket.WORM, "sealed", version_id=NO_VERSION)
    with pytest.raises(ObjectMissing):
        store.protect(Bucket.WORM, "sealed", clock.now + timedelta(days=1), version_id=NO_VERSION)


def test_retention_needs_the_worm_bucket_and_a_future_aware_date(store: ObjectStore, clock: Clock) -> None:
    store.put(Bucket.AUDIO, "plain", b"x", "audio/wav")
    store.put(Bucket.WORM, "sealed", b"x", "audio/wav")
    for bucket, key, until in (
        (Bucket.AUDIO, "plain", clock.now + timedelta(days=1)),
        (Bucket.WORM, "sealed", clock.now - timedelta(days=1)),
        (Bucket.WORM, "sealed", (clock.now + timedelta(days=1)).replace(tzinfo=None)),
    ):
        with pytest.raises(InvalidInput, match=r"protected|time zone"):
            store.protect(bucket, key, until)


def test_keys_are_listed_in_order_by_any_beginning(store: ObjectStore) -> None:
    keys = [f"t1/s{number % 3}/{number:04}" for number in range(12)] + ["t1-b/x", "t2/x"]
    for key in keys:
        store.put(Bucket.ASSETS, key, b"x", "image/png")
    assert list(store.iter_keys(Bucket.ASSETS)) == sorted(keys)
    assert list(store.iter_keys(Bucket.ASSETS, "t1/s1/00")) == sorted(k for k in keys if k.startswith("t1/s1/"))
    assert list(store.iter_keys(Bucket.ASSETS, "nothing/")) == []


ESCAPING = ["/etc/passwd", "../x", "a/../../x", "a/./b", "%2e%2e/x", "~root", "a\\b", ".hidden", "a/.b"]
ODD = ["", "/", "a//b", "a/", "año", "a b", "a\0b", "a\n", "x" * 201, "/".join(["x" * 100] * 8)]


@pytest.mark.parametrize("key", [*ESCAPING, *ODD])
def test_a_key_that_could_leave_the_bucket_is_refused_everywhere(store: ObjectStore, key: str) -> None:
    store.put(Bucket.AUDIO, "fine", b"x", "audio/wav")
    for use in (
        lambda: store.put(Bucket.AUDIO, key, b"x", "audio/wav"),
        lambda: store.get(Bucket.AUDIO, key),
        lambda: store.head(Bucket.AUDIO, key),
        lambda: store.delete(Bucket.AUDIO, key),
        lambda: store.copy(Bucket.AUDIO, "fine", Bucket.WORM, key),
        lambda: store.presigned_get(Bucket.AUDIO, key, 60),
        lambda: store.protect(Bucket.WORM, key, datetime.now(UTC) + timedelta(days=1)),
    ):
        with pytest.raises(KeyRefused):
            use()


def test_ping_and_ensure_buckets_can_be_repeated(store: ObjectStore) -> None:
    store.put(Bucket.AUDIO, "kept", b"x", "audio/wav")
    store.ensure_buckets()
    store.ping()
    assert store.get(Bucket.AUDIO, "kept") == b"x"


def test_s3_links_serve_the_object(s3_address: str) -> None:
    store = from_url(f"s3://key:secret@{s3_address}/links?tls=0")
    store.ensure_buckets()
    store.put(Bucket.DOCUMENTS, "acta.docx", b"minutes", "application/octet-stream")
    link = store.presigned_get(Bucket.DOCUMENTS, "acta.docx", 60)
    assert "X-Amz-Expires=60" in link
    assert "secret" not in link
    with urlopen(link, timeout=10) as answer:
        assert answer.read() == b"minutes"


def test_s3_keeps_the_versions_of_skeletons(s3_address: str) -> None:
    store = from_url(f"s3://key:secret@{s3_address}/versions?tls=0")
    store.ensure_buckets()
    first = store.put(Bucket.SKELETONS, "acta.docx", b"one", "application/octet-stream")
    second = store.put(Bucket.SKELETONS, "acta.docx", b"two", "application/octet-stream")
    assert first.version_id
    assert first.version_id != second.version_id
    assert store.get(Bucket.SKELETONS, "acta.docx", version_id=first.version_id) == b"one"


def test_s3_hashes_an_object_that_came_by_another_way(s3_address: str) -> None:
    store = from_url(f"s3://key:secret@{s3_address}/foreign?tls=0")
    assert isinstance(store, S3ObjectStore)
    store.ensure_buckets()
    store._client.put_object(Bucket="foreign-audio", Key="direct", Body=b"sent by a client", ContentType="audio/wav")
    found = store.head(Bucket.AUDIO, "direct")
    assert found is not None
    assert found.sha256 == Sha256.of(b"sent by a client")


def test_s3_protects_the_version_that_is_named(s3_address: str, clock: Clock) -> None:
    store = S3ObjectStore(S3Location(f"http://{s3_address}", "key", "secret", "named", "us-east-1"), clock=clock)
    store.ensure_buckets()
    checked = store.put(Bucket.WORM, "sealed", b"checked", "audio/wav")
    later = store.put(Bucket.WORM, "sealed", b"slipped in", "audio/wav")
    assert store.head(Bucket.WORM, "sealed", version_id=checked.version_id) == checked
    store.protect(Bucket.WORM, "sealed", clock.now + timedelta(days=1), version_id=checked.version_id)
    store.delete(Bucket.WORM, "sealed")  # the unprotected one on top of it
    assert later.version_id != checked.version_id
    assert store.get(Bucket.WORM, "sealed") == b"checked"
    with pytest.raises(ObjectProtected):
        store.delete(Bucket.WORM, "sealed")


@pytest.mark.parametrize("versioned", [True, False])
def test_s3_refuses_a_worm_bucket_that_can_not_protect(s3_address: str, clock: Clock, versioned: bool) -> None:
    prefix = f"unlocked-{versioned}".lower()
    store = S3ObjectStore(S3Location(f"http://{s3_address}", "key", "secret", prefix, "us-east-1"), clock=clock)
    store._client.create_bucket(Bucket=f"{prefix}-worm")
    if versioned:
        store._client.put_bucket_versioning(Bucket=f"{prefix}-worm", VersioningConfiguration={"Status": "Enabled"})
    for use in (
        store.ensure_buckets,
        lambda: store.protect(
            Bucket.WORM, store.put(Bucket.WORM, "x", b"x", "audio/wav").key, clock.now + timedelta(days=1)
        ),
    ):
        with pytest.raises(ObjectStoreMisconfigured) as caught:
            use()
        assert caught.value.code == "worm_bucket_not_locked"
        assert "Object Lock" in caught.value.message


def test_s3_bodies_carry_their_checksum_on_the_wire(s3_address: str) -> None:
    store = from_url(f"s3://key:secret@{s3_address}/checked?tls=0")
    assert isinstance(store, S3ObjectStore)
    store.ensure_buckets()
    sent: list[tuple[bytes, bytes | str]] = []

    def note(request: Any, **_: Any) -> None:
        sent.append((request.body.getvalue(), request.headers["Content-MD5"]))

    for operation in ("PutObject", "UploadPart"):
        store._client.meta.events.register(f"before-send.s3.{operation}", note)
    data = os.urandom(BEYOND_ONE_PART)
    store.put(Bucket.AUDIO, "short", b"sound", "audio/wav")
    store.put(Bucket.AUDIO, "long", io.BytesIO(data), "audio/wav")
    assert [len(body) for body, _ in sent] == [5, 8 * 1024 * 1024, 8 * 1024 * 1024, 1024 * 1024 + 3]
    assert b"".join(body for body, _ in sent) == b"sound" + data
    for body, header in sent:
        text = header.decode() if isinstance(header, bytes) else header
        assert base64.b64decode(text) == hashlib.md5(body, usedforsecurity=False).digest()


class BreaksInTheMiddle(io.BytesIO):
    """A file on a disk that fails after the first part has been read for sending."""

    rewound = 0

    def seek(self, position: int, whence: int = 0) -> int:
        self.rewound += 1
        return super().seek(position, whence)

    def read(self, size: int | None = -1) -> bytes:
        if self.rewound and self.tell() > 8 * 1024 * 1024 - 1:
            raise OSError("the disk failed")
        return super().read(size)


def test_s3_gives_up_the_parts_of_an_upload_that_failed(s3_address: str) -> None:
    store = from_url(f"s3://key:secret@{s3_address}/broken?tls=0")
    assert isinstance(store, S3ObjectStore)
    store.ensure_buckets()
    with pytest.raises(OSError, match="the disk failed"):
        store.put(Bucket.AUDIO, "long", BreaksInTheMiddle(bytes(BEYOND_ONE_PART)), "audio/wav")
    assert store.head(Bucket.AUDIO, "long") is None
    assert store._client.list_multipart_uploads(Bucket="broken-audio").get("Uploads", []) == []
