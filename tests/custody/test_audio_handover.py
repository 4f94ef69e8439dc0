"""G2 on the local store: copied, read back, protected, recorded; once, whatever happens in between."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from astra_site.lib.object_store import Bucket, ObjectProtected, Protection, StoredObject
from astra_site.lib.object_store.local import LocalObjectStore
from astra_site.lib.tenancy import tenant_scope
from custody.errors import CustodyAudioMissing, WormCopyDiffers
from custody.models import HeldObject
from tests.custody.ground import BuiltSession, council, store_in
from tests.custody.samples import AUDIO, recording

pytestmark = pytest.mark.django_db


class PowerCut(Exception):
    """The process ends here."""


class DyingStore(LocalObjectStore):
    """A local store whose process dies at the n-th copy or protection."""

    def __init__(self, folder: Path, dies_at: int) -> None:
        super().__init__(folder, public_url="http://127.0.0.1")
        self.steps_left = dies_at

    def _step(self) -> None:
        self.steps_left -= 1
        if self.steps_left == 0:
            raise PowerCut

    def copy(self, source_bucket: Bucket, source_key: str, target_bucket: Bucket, target_key: str) -> StoredObject:
        self._step()
        done = super().copy(source_bucket, source_key, target_bucket, target_key)
        self._step()
        return done

    def protect(self, bucket: Bucket, key: str, until: datetime, *, version_id: str | None = None) -> Protection:
        self._step()
        done = super().protect(bucket, key, until, version_id=version_id)
        self._step()
        return done


def test_every_distinct_recording_is_held_read_only_and_said_to_be_weak(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    session = BuiltSession.of(tenant)
    with tenant_scope(tenant.id):
        rows = session.hand_over(store)
    assert [row.sha256 for row in rows] == [str(recording(1).sha256), str(recording(2).sha256)]
    assert {row.protection for row in rows} == {"local-readonly"}
    for row, data in zip(rows, AUDIO[:2], strict=True):
        assert store.get(Bucket.WORM, row.worm_key) == data
        assert stat.S_IMODE((tmp_path / "worm" / row.worm_key).stat().st_mode) == 0o444
        with pytest.raises(ObjectProtected):
            store.delete(Bucket.WORM, row.worm_key)


def test_handing_over_twice_changes_nothing(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    session = BuiltSession.of(tenant)
    with tenant_scope(tenant.id):
        first = session.hand_over(store)
        store.delete(Bucket.AUDIO, recording(1).key)
        assert [row.id for row in session.hand_over(store)] == [row.id for row in first]


@pytest.mark.parametrize("dies_at", range(1, 9))
def test_a_crash_at_any_step_is_taken_up_again(dies_at: int, tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    session = BuiltSession.of(tenant)
    with tenant_scope(tenant.id):
        with pytest.raises(PowerCut):
            session.hand_over(DyingStore(tmp_path, dies_at))
        assert len(session.hand_over(store)) == 2
        assert HeldObject.objects.count() == 2


def test_a_recording_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    store.delete(Bucket.AUDIO, recording(2).key)
    with tenant_scope(tenant.id), pytest.raises(CustodyAudioMissing) as caught:
        BuiltSession.of(tenant).hand_over(store)
    assert caught.value.details == {"sha256": str(recording(2).sha256)}


def spoil_source(store: LocalObjectStore, _session: BuiltSession) -> None:
    store.put(Bucket.AUDIO, recording(1).key, b"RIFF another", "audio/wav")


def spoil_target(store: LocalObjectStore, session: BuiltSession) -> None:
    key = f"{session.tenant_id}/{session.session_id}/{recording(1).sha256.hex}.wav"
    store.put(Bucket.WORM, key, b"RIFF planted", "audio/wav")
    store.protect(Bucket.WORM, key, datetime.fromisoformat("2999-01-01T00:00:00Z"))


@pytest.mark.parametrize("spoil", [spoil_source, spoil_target])
def test_other_content_is_never_recorded_as_held(
    spoil: Callable[[LocalObjectStore, BuiltSession], None], tmp_path: Path
) -> None:
    tenant, store = council(), store_in(tmp_path)
    session = BuiltSession.of(tenant)
    spoil(store, session)
    with tenant_scope(tenant.id):
        with pytest.raises(WormCopyDiffers) as caught:
            session.hand_over(store)
        assert caught.value.code == "worm_copy_differs"
        assert HeldObject.objects.count() == 0
