"""Sealing on real PostgreSQL: one snapshot per session, one chain per tenant, and evidence that proves itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from astra_site.lib.errors import AstraError
from astra_site.lib.hashing import Sha256, canonical_json
from astra_site.lib.object_store import Bucket, StoredObject
from astra_site.lib.object_store.local import LocalObjectStore
from astra_site.lib.tenancy import TenantScopeMissing, tenant_scope
from astra_verify.evidence import Outside
from astra_verify.findings import Status
from custody.errors import EvidenceInconsistent
from custody.export import write_evidence_with_audio
from custody.models import ChainHead, Snapshot
from custody.services import audit_report_of, seal_session, snapshot_of, stored_evidence
from custody.signing import SeedSigner
from tenants.models import Tenant
from tests.custody.ground import BuiltSession, council, store_in
from tests.custody.samples import DOCUMENT, SIGNER, altered
from tests.custody.tampering import statuses

TRUSTED = frozenset({SIGNER.public_key})


def ready(tenant: Tenant, store: LocalObjectStore) -> BuiltSession:
    session = BuiltSession.of(tenant)
    session.hand_over(store)
    return session


@pytest.mark.django_db
def test_a_sealed_session_proves_itself_from_its_evidence_alone(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        first = seal_session(ready(tenant, store).request(store), store=store, signer=SIGNER)
        second = seal_session(ready(tenant, store).request(store), store=store, signer=SIGNER)
        target = BytesIO()
        write_evidence_with_audio(second, target, store=store)
        outside = Outside(trusted_keys=TRUSTED, previous=first.signed.to_json())
        found = statuses(target.getvalue(), tmp_path, outside)
        assert {name for name, status in found.items() if status is not Status.PROVEN} == {"skeleton", "time"}
        assert statuses(stored_evidence(first, store=store), tmp_path)["chain"] is Status.PROVEN
        assert store.get(Bucket.DOCUMENTS, second.document_key) == DOCUMENT
        report = audit_report_of(second, store=store)
        assert report["seal"]["integrity_hash"] == second.integrity_hash
        assert report["custody"]["weaker_than_object_lock"] is True


@pytest.mark.django_db
def test_what_is_read_from_the_database_still_has_its_hash_and_signature(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        sealed = seal_session(ready(tenant, store).request(store), store=store, signer=SIGNER)
        read = Snapshot.objects.get(pk=sealed.pk)
        assert Sha256.of_json(read.payload) == read.signed.integrity_hash
        assert read.signed.to_bytes() == sealed.signed.to_bytes()


@pytest.mark.django_db
def test_a_second_call_returns_the_same_snapshot_and_other_content_is_refused(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        session = ready(tenant, store)
        sealed = seal_session(session.request(store), store=store, signer=SIGNER)
        assert seal_session(session.request(store), store=store, signer=SeedSigner(b"\x09" * 32)) == sealed
        with pytest.raises(AstraError) as caught:
            seal_session(session.request(store, document=b"PK other"), store=store, signer=SIGNER)
        assert caught.value.code == "session_sealed_differently"
        assert caught.value.details["different"] == ["document"]
        assert snapshot_of(session.session_id) == sealed
        assert Snapshot.objects.count() == 1


@pytest.mark.django_db
def test_a_journal_of_the_length_that_the_session_counted_is_sealed(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        session = ready(tenant, store)
        counted = session.request(store, journal_length=len(session.journal))
        assert seal_session(counted, store=store, signer=SIGNER).number == 1


Content = dict[str, Any]


def another_session(content: Content) -> None:
    content["session"]["id"] = content["session"]["tenant_id"]


def another_tenant(content: Content) -> None:
    content["session"]["tenant_id"] = content["session"]["id"]


def another_config(content: Content) -> None:
    content["config"]["content"]["members"] = []


def another_skeleton(content: Content) -> None:
    content["skeleton"]["sha256"] = "sha256:" + "0" * 64


def no_skeleton(content: Content) -> None:
    del content["skeleton"]


def lost_trace(content: Content) -> None:
    content["blocks"][0]["audio"]["sequence_id"] = 99


def trace(**changes: Any) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        content["blocks"][0]["audio"].update(changes)

    return change


def no_trace_but_an_empty_one(content: Content) -> None:
    content["blocks"][0]["audio"] = {}


def no_status(content: Content) -> None:
    del content["blocks"][0]["status"]


def no_blocks(content: Content) -> None:
    del content["blocks"]


def another_schema(content: Content) -> None:
    content["schema"] = "astra.session-dump/9"


def refusal(session: BuiltSession, store: LocalObjectStore, **changes: Any) -> str:
    """The code with which sealing is refused, after which nothing may have happened."""
    request = session.request(store, **changes)
    before = list(store.iter_keys(Bucket.DOCUMENTS))
    with pytest.raises(AstraError) as caught:
        seal_session(request, store=store, signer=SIGNER)
    assert snapshot_of(session.session_id) is None
    assert list(store.iter_keys(Bucket.DOCUMENTS)) == before
    return caught.value.code


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (another_schema, "dump_malformed"),
        (no_skeleton, "dump_malformed"),
        (another_session, "dump_of_another_session"),
        (another_tenant, "dump_of_another_session"),
        (another_config, "config_altered"),
        (another_skeleton, "skeleton_altered"),
        (lost_trace, "trace_without_recording"),
        (trace(start_ms=5001, end_ms=5002), "trace_outside_recording"),
        (trace(start_ms=4001), "trace_outside_recording"),
        (trace(start_ms=-1), "trace_outside_recording"),
        (trace(end_ms=None), "trace_outside_recording"),
        (trace(start_ms=True), "trace_outside_recording"),
        (trace(sequence_id=True), "dump_malformed"),
        (trace(sha256=None), "dump_malformed"),
        (no_trace_but_an_empty_one, "dump_malformed"),
        (no_status, "dump_malformed"),
        (no_blocks, "dump_malformed"),
    ],
)
def test_a_dump_that_contradicts_the_rest_is_not_sealed(
    change: Callable[[Content], None], code: str, tmp_path: Path
) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        session = ready(tenant, store)
        content = session.dump()
        change(content)
        assert refusal(session, store, dump=canonical_json(content)) == code


@pytest.mark.django_db
def test_other_parts_that_contradict_the_rest_are_not_sealed(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        session = ready(tenant, store)
        rows = session.journal
        assert refusal(session, store, dump=b"not JSON") == "dump_malformed"
        assert refusal(session, store, dump=canonical_json(session.dump()) + b"\n") == "dump_malformed"
        assert refusal(session, store, dump=b"[" * 100_000) == "dump_malformed"
        assert refusal(session, store, config={}) == "config_altered"
        assert refusal(session, store, entries=[*rows[:-2], rows[-1]]) == "journal_has_gaps"
        assert refusal(session, store, entries=rows[:-1], journal_length=len(rows)) == "journal_incomplete"
        bent = altered(rows[0], sha256=Sha256.of(b""))
        assert refusal(session, store, entries=[bent, *rows[1:]]) == "journal_entry_altered"


@pytest.mark.django_db
def test_a_document_that_is_not_in_the_store_is_not_sealed(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        session = ready(tenant, store)
        assert refusal(session, store, document_key="nowhere") == "object_missing"


@pytest.mark.django_db
def test_other_bytes_under_the_keys_of_the_built_files_are_not_sealed(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        session = ready(tenant, store)
        for part in ("document", "dump"):
            request = session.request(store)
            store.put(Bucket.DOCUMENTS, getattr(request, f"{part}_key"), b"PK other", "application/octet-stream")
            with pytest.raises(EvidenceInconsistent) as caught:
                seal_session(request, store=store, signer=SIGNER)
            assert caught.value.code == f"{part}_altered"
            assert caught.value.permanent
            assert snapshot_of(session.session_id) is None
        assert seal_session(session.request(store), store=store, signer=SIGNER).number == 1


@pytest.mark.django_db
def test_nothing_is_sealed_before_its_recordings_are_in_custody(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        with pytest.raises(AstraError) as caught:
            seal_session(BuiltSession.of(tenant).request(store), store=store, signer=SIGNER)
        assert caught.value.code == "audio_not_held"
        assert caught.value.details["missing_count"] == 2


@pytest.mark.django_db
def test_without_a_tenant_scope_nothing_can_be_sealed(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    request = BuiltSession.of(tenant).request(store)
    with pytest.raises(TenantScopeMissing):
        seal_session(request, store=store, signer=SIGNER)


class PowerCut(Exception):
    """The process ends here."""


class DyingStore(LocalObjectStore):
    """A local store whose process dies before or after the n-th write."""

    def __init__(self, folder: Path, dies_at: int) -> None:
        super().__init__(folder, public_url="http://127.0.0.1")
        self.steps_left = dies_at

    def put(self, *args: Any, **options: Any) -> StoredObject:
        self.steps_left -= 1
        if self.steps_left == 0:
            raise PowerCut
        done = super().put(*args, **options)
        self.steps_left -= 1
        if self.steps_left == 0:
            raise PowerCut
        return done


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("dies_at", range(1, 3))
def test_a_crash_leaves_nothing_and_the_next_call_seals(dies_at: int, tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        session = ready(tenant, store)
        with pytest.raises(PowerCut):
            seal_session(session.request(store), store=DyingStore(tmp_path, dies_at), signer=SIGNER)
        assert Snapshot.objects.count() == 0
        assert not ChainHead.objects.filter(number__gt=0).exists()
        sealed = seal_session(session.request(store), store=store, signer=SIGNER)
        assert sealed.number == 1
        assert Status.DISPROVED not in statuses(stored_evidence(sealed, store=store), tmp_path).values()


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_row_and_head_leaves_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant, store = council(), store_in(tmp_path)

    def die(*args: Any, **options: Any) -> None:
        raise PowerCut

    with tenant_scope(tenant.id):
        session = ready(tenant, store)
        with monkeypatch.context() as patch:
            patch.setattr(ChainHead, "save", die)
            ChainHead.objects.bulk_create([ChainHead(tenant=tenant)])
            with pytest.raises(PowerCut):
                seal_session(session.request(store), store=store, signer=SIGNER)
        assert Snapshot.objects.count() == 0
        assert seal_session(session.request(store), store=store, signer=SIGNER).number == 1


def in_own_connection(work: Callable[[], Snapshot]) -> Snapshot:
    try:
        return work()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_concurrent_seals_of_one_tenant_make_one_chain(tmp_path: Path) -> None:
    tenant, store = council(), store_in(tmp_path)
    with tenant_scope(tenant.id):
        sessions = [ready(tenant, store) for _ in range(8)]

    def seal(session: BuiltSession) -> Snapshot:
        with tenant_scope(tenant.id):
            return seal_session(session.request(store), store=store, signer=SIGNER)

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda session: in_own_connection(lambda: seal(session)), sessions * 2))
    with tenant_scope(tenant.id):
        chain = list(Snapshot.objects.order_by("number"))
        head = ChainHead.objects.get()
    assert [row.number for row in chain] == list(range(1, 9))
    assert [row.previous_hash for row in chain] == ["", *(row.integrity_hash for row in chain[:-1])]
    assert (head.number, head.head_hash) == (8, chain[-1].integrity_hash)
    assert {row.pk for row in done} == {row.pk for row in chain}


@pytest.mark.django_db
def test_every_tenant_has_its_own_chain(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    for slug in ("alicia", "bernardo"):
        tenant = council(slug)
        with tenant_scope(tenant.id):
            assert seal_session(ready(tenant, store).request(store), store=store, signer=SIGNER).number == 1
            assert Snapshot.objects.count() == 1
