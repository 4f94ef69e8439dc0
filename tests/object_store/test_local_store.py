"""What only the local folder does: durable writes, read-only files, signed links."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from astra_site.lib.object_store import Bucket, DownloadLinkRefused, KeyRefused, ObjectStoreUnavailable, from_url
from astra_site.lib.object_store.download_links import make_download_token, read_download_token
from astra_site.lib.object_store.local import LocalObjectStore


class BreaksAfter:
    """A stream whose sender goes away in the middle."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, _size: int = -1) -> bytes:
        if not self._data:
            raise ConnectionResetError(104, "reset by peer")
        data, self._data = self._data, b""
        return data


@pytest.fixture
def store(tmp_path: Path) -> LocalObjectStore:
    made = LocalObjectStore(tmp_path / "objects", public_url="https://astra.example/")
    made.ensure_buckets()
    return made


def test_a_broken_upload_leaves_the_old_object_and_no_litter(store: LocalObjectStore, tmp_path: Path) -> None:
    store.put(Bucket.AUDIO, "a", b"old", "audio/wav")
    broken = cast("BinaryIO", BreaksAfter(b"half"))
    with pytest.raises(ObjectStoreUnavailable):
        store.put(Bucket.AUDIO, "a", broken, "audio/wav")
    assert store.get(Bucket.AUDIO, "a") == b"old"
    assert [path.name for path in (tmp_path / "objects").rglob("*") if path.is_file()] == ["a"]


def test_bytes_and_names_are_flushed_before_the_answer(
    store: LocalObjectStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    flushed: list[str] = []
    real = os.fsync

    def noting(descriptor: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    store.put(Bucket.AUDIO, "tenant/session/1", b"x", "audio/wav")
    audio = (tmp_path / "objects" / "audio").resolve()
    assert {str(audio), str(audio / "tenant"), str(audio / "tenant" / "session")} <= set(flushed)
    assert any(".incoming" in name for name in flushed)


def test_a_protected_file_is_read_only(store: LocalObjectStore, tmp_path: Path) -> None:
    store.put(Bucket.WORM, "sealed", b"x", "audio/wav")
    assert store.protect(Bucket.WORM, "sealed", datetime.now(UTC) + timedelta(days=1)).kind == "local-readonly"
    assert (tmp_path / "objects" / "worm" / "sealed").stat().st_mode & 0o777 == 0o444


def test_after_its_date_an_object_can_be_deleted(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    early = LocalObjectStore(tmp_path, public_url="", clock=lambda: now)
    early.put(Bucket.WORM, "sealed", b"x", "audio/wav")
    early.protect(Bucket.WORM, "sealed", now + timedelta(days=1))
    late = LocalObjectStore(tmp_path, public_url="", clock=lambda: now + timedelta(days=2))
    late.delete(Bucket.WORM, "sealed")
    assert late.head(Bucket.WORM, "sealed") is None
    late.put(Bucket.WORM, "sealed", b"new", "audio/wav")
    late.delete(Bucket.WORM, "sealed")


def test_a_key_below_an_object_is_refused(store: LocalObjectStore) -> None:
    store.put(Bucket.AUDIO, "a", b"x", "audio/wav")
    with pytest.raises(KeyRefused):
        store.put(Bucket.AUDIO, "a/b", b"x", "audio/wav")


def test_a_folder_that_can_not_be_written_is_unavailable(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises((ObjectStoreUnavailable, KeyRefused)):
        LocalObjectStore(blocked / "objects", public_url="").ping()


def test_a_link_names_one_object_for_its_time(store: LocalObjectStore) -> None:
    link = store.presigned_get(Bucket.DOCUMENTS, "t1/acta.docx", 60)
    base, token = link.rsplit("/", 1)
    assert base == "https://astra.example/objects"
    assert read_download_token(token) == (Bucket.DOCUMENTS, "t1/acta.docx")


def test_an_expired_or_changed_link_is_refused() -> None:
    now = datetime.now(UTC)
    token = make_download_token(Bucket.DOCUMENTS, "t1/acta.docx", 60, now)
    assert read_download_token(token, now + timedelta(seconds=59))
    with pytest.raises(DownloadLinkRefused, match="expired"):
        read_download_token(token, now + timedelta(seconds=61))
    other = make_download_token(Bucket.DOCUMENTS, "t2/acta.docx", 60, now)
    mixed = ":".join([other.split(":")[0], *token.split(":")[1:]])
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), mixed, "", "x"):
        with pytest.raises(DownloadLinkRefused, match="not valid"):
            read_download_token(forged)


def test_the_url_says_which_store(tmp_path: Path) -> None:
    store = from_url(f"file://{tmp_path}/a%20b")
    store.put(Bucket.AUDIO, "x", b"x", "audio/wav")
    assert (tmp_path / "a b" / "audio" / "x").read_bytes() == b"x"
