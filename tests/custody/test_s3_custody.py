"""Handover and seal over the S3 protocol: the same services, and a protection that is not ours to undo."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from astra_site.lib.object_store import Bucket, ObjectProtected
from astra_site.lib.object_store.s3 import S3Location, S3ObjectStore
from astra_site.lib.tenancy import tenant_scope
from astra_verify.findings import Status
from custody.export import write_evidence_with_audio
from custody.services import audit_report_of, seal_session, stored_evidence
from custody.worm import verify_held
from tests.custody.ground import BuiltSession, council
from tests.custody.samples import AUDIO, SIGNER, recording
from tests.custody.tampering import statuses

S3_SERVER = Path(__file__).resolve().parents[1] / "object_store" / "s3_server.py"
START_LIMIT_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Raced(S3ObjectStore):
    """A store in which somebody writes under the key of every recording as soon as it was read back."""

    def open(self, bucket: Bucket, key: str, *, version_id: str | None = None) -> BinaryIO:
        opened = super().open(bucket, key, version_id=version_id)
        if bucket is Bucket.WORM:
            self._client.put_object(Bucket=self._name(bucket), Key=key, Body=b"RIFF forged")
        return opened


@pytest.fixture(scope="module")
def s3_store() -> Iterator[S3ObjectStore]:
    port = free_port()
    command = [sys.executable, str(S3_SERVER), str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while not answers(port):
            assert server.poll() is None, "the S3 server ended"
            assert time.monotonic() < deadline, "the S3 server did not start"
            time.sleep(0.05)
        store = S3ObjectStore(S3Location(f"http://127.0.0.1:{port}", "key", "secret", "custody", "us-east-1"))
        store.ensure_buckets()
        for number, data in enumerate(AUDIO, start=1):
            store.put(Bucket.AUDIO, recording(number).key, data, "audio/wav")
        yield store
    finally:
        server.kill()
        server.wait()


@pytest.mark.django_db
def test_a_session_is_sealed_with_its_recordings_under_object_lock(s3_store: S3ObjectStore, tmp_path: Path) -> None:
    tenant = council()
    with tenant_scope(tenant.id):
        session = BuiltSession.of(tenant)
        rows = session.hand_over(s3_store)
        assert {row.protection for row in rows} == {"object-lock-compliance"}
        assert all(row.worm_version_id for row in rows)
        with pytest.raises(ObjectProtected):
            s3_store.delete(Bucket.WORM, rows[0].worm_key)
        sealed = seal_session(session.request(s3_store), store=s3_store, signer=SIGNER)
        assert audit_report_of(sealed, store=s3_store)["custody"]["weaker_than_object_lock"] is False
        found = statuses(stored_evidence(sealed, store=s3_store), tmp_path)
    assert Status.DISPROVED not in found.values()


@pytest.mark.django_db
def test_the_version_that_was_read_back_is_the_one_protected_recorded_and_handed_out(
    s3_store: S3ObjectStore, tmp_path: Path
) -> None:
    tenant = council()
    with tenant_scope(tenant.id):
        session = BuiltSession.of(tenant)
        rows = session.hand_over(Raced(s3_store._location))
        for row, data in zip(rows, AUDIO, strict=False):
            assert s3_store.get(Bucket.WORM, row.worm_key) == b"RIFF forged"
            assert s3_store.get(Bucket.WORM, row.worm_key, version_id=row.version_id) == data
            assert s3_store._head(Bucket.WORM, row.worm_key, row.version_id)["ObjectLockMode"] == "COMPLIANCE"
            assert "ObjectLockMode" not in s3_store._head(Bucket.WORM, row.worm_key)
            verify_held(row, s3_store)
        sealed = seal_session(session.request(s3_store), store=s3_store, signer=SIGNER)
        target = BytesIO()
        write_evidence_with_audio(sealed, target, store=s3_store)
    assert statuses(target.getvalue(), tmp_path)["audio-files"] is Status.PROVEN
