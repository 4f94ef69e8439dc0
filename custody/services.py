"""Sealing: the verb of custody."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from astra_site.lib.clock import Clock, utc_now
from astra_site.lib.hashing import Sha256, canonical_json
from astra_site.lib.ids import new_id
from astra_site.lib.object_store import Bucket, ObjectStore, object_store
from astra_site.lib.tenancy import current_tenant_id
from custody.audit_report import HeldAudio, report_body, sealed_report
from custody.chain import SealedHashes, SignedSnapshot, SnapshotSubject, snapshot_payload
from custody.consistency import check_blocks, check_content, check_journal_length, check_pins, parse_dump, pinned_hash
from custody.errors import AudioNotHeld, SealedDifferently
from custody.evidence import EvidenceParts, distinct_audio, evidence_files, write_zip
from custody.journal import AudioRecord, JournalEntry, audio_records, journal_lines
from custody.keys import installation_signer
from custody.models import ChainHead, Snapshot
from custody.signing import Signer
from custody.worm import held_objects


@dataclass(frozen=True, slots=True)
class SealRequest:
    """A built session. The keys are those of the built document and of the dump it was built from (`DOCUMENTS`).

    The hashes beside the keys are those of what was stored there: nothing else is sealed. `config` and
    `skeleton_sha256` are what the session has pinned, `entries` its whole journal in order, `journal_length` the number
    of entries that the session knows of (None: nobody counted).
    """

    session_id: UUID
    document_key: str
    document_sha256: Sha256
    dump_key: str
    dump_sha256: Sha256
    config: Mapping[str, Any]
    skeleton_sha256: Sha256
    entries: Sequence[JournalEntry]
    parent_snapshot_id: UUID | None = None
    journal_length: int | None = None


@dataclass(frozen=True, slots=True)
class _Content:
    """The stored files of a request."""

    document: bytes
    dump: bytes

    @classmethod
    def read(cls, request: SealRequest, store: ObjectStore) -> _Content:
        """Read the files and check that they are the ones that were built."""
        content = cls(
            document=store.get(Bucket.DOCUMENTS, request.document_key),
            dump=store.get(Bucket.DOCUMENTS, request.dump_key),
        )
        check_content("document", content.document, request.document_sha256)
        check_content("dump", content.dump, request.dump_sha256)
        return content


@dataclass(frozen=True, slots=True)
class _Checked:
    """A request whose parts agree with each other."""

    request: SealRequest
    tenant_id: UUID
    content: _Content
    dump: dict[str, Any]
    hashes: SealedHashes
    lines: list[bytes]
    audio: list[AudioRecord]
    report: dict[str, Any]


def seal_session(
    request: SealRequest,
    *,
    store: ObjectStore | None = None,
    signer: Signer | None = None,
    clock: Clock = utc_now,
    before_append: Callable[[], None] = lambda: None,
) -> Snapshot:
    """Seal a session and return its snapshot; a second call with the same content returns the same snapshot.

    1. Document and dump are read from the object store and have the hashes of the request.
    2. A session that is sealed already is answered from its row; other content than the sealed is refused.
    3. The parts are checked against each other: dump, configuration, skeleton, journal and its length, traces.
    4. Every recording of the journal has to be in WORM custody (`worm.hand_over_audio` comes first).
    5. The tenant's chain is locked; from here to the end is one transaction. `before_append` is called in it: what it
       raises leaves nothing sealed, what it locks stays locked until the snapshot is there.
    6. The payload for the chain's next place is made and signed.
    7. The evidence is made and stored.
    8. The snapshot's row is written and the chain's head moves on to it.

    A crash between any two lines leaves no row or the whole row; what a crash may leave in the object store is never
    referenced. Concurrent seals of one tenant wait for each other and make one chain. Call it in the tenant's scope.

    Raises `SealedDifferently` (`session_sealed_differently`), `EvidenceInconsistent` (see `custody.consistency` and
    `custody.journal`), `AudioNotHeld` (`audio_not_held`), `SigningKeyRefused`, and what the object store raises.
    """
    target = store or object_store()
    content = _Content.read(request, target)
    known = _already_sealed(request)
    if known is not None:
        return known
    checked = _check(request, content)
    with transaction.atomic():
        head = _locked_head(checked.tenant_id)
        known = _already_sealed(request)
        if known is not None:
            return known
        before_append()
        signed = _sign(checked, head, signer or installation_signer(), clock)
        evidence_key = f"{checked.tenant_id}/{request.session_id}/evidence-{signed.integrity_hash.hex}.zip"
        target.put(Bucket.DOCUMENTS, evidence_key, _evidence(checked, signed), "application/zip")
        return _append(head, signed, document_key=request.document_key, evidence_key=evidence_key)


def snapshot_of(session_id: UUID) -> Snapshot | None:
    """The snapshot of a session, if it is sealed."""
    found: Snapshot | None = Snapshot.objects.filter(session_id=session_id).first()
    return found


def stored_evidence(snapshot: Snapshot, *, store: ObjectStore | None = None) -> bytes:
    """The evidence ZIP as it was stored when the session was sealed, without recordings."""
    return (store or object_store()).get(Bucket.DOCUMENTS, snapshot.evidence_key)


def audit_report_of(snapshot: Snapshot, *, store: ObjectStore | None = None) -> dict[str, Any]:
    """The audit report that was sealed with the session, out of the stored evidence."""
    with zipfile.ZipFile(io.BytesIO(stored_evidence(snapshot, store=store))) as archive:
        report: dict[str, Any] = json.loads(archive.read("audit_report.json"))
    return report


def _already_sealed(request: SealRequest) -> Snapshot | None:
    snapshot = snapshot_of(request.session_id)
    if snapshot is None:
        return None
    sealed = snapshot.payload["hashes"]
    offered = {"document": str(request.document_sha256), "dump": str(request.dump_sha256)}
    different = [name for name, value in offered.items() if sealed[name] != value]
    if different:
        raise SealedDifferently(
            "session_sealed_differently",
            "The session is already sealed with other content. A correction needs a clone of the session.",
            details={"snapshot_id": str(snapshot.id), "different": different},
        )
    return snapshot


def _check(request: SealRequest, content: _Content) -> _Checked:
    tenant_id = current_tenant_id()
    dump = parse_dump(content.dump, tenant_id=tenant_id, session_id=request.session_id)
    check_pins(dump, config=request.config, skeleton=request.skeleton_sha256)
    check_journal_length(request.entries, request.journal_length)
    check_blocks(dump, request.entries)
    lines, audio = journal_lines(request.entries), audio_records(request.entries)
    report = report_body(dump, request.entries, _held_audio(request.session_id, audio))
    return _Checked(
        request=request,
        tenant_id=tenant_id,
        content=content,
        dump=dump,
        hashes=SealedHashes(
            document=request.document_sha256,
            dump=request.dump_sha256,
            config=pinned_hash(dump, "config"),
            skeleton=request.skeleton_sha256,
            report=Sha256.of_json(report),
        ),
        lines=lines,
        audio=audio,
        report=report,
    )


def _held_audio(session_id: UUID, audio: Sequence[AudioRecord]) -> list[HeldAudio]:
    rows = {row.sha256: row.as_record() for row in held_objects(session_id)}
    wanted = [str(record.sha256) for record in distinct_audio(audio)]
    missing = [sha256 for sha256 in wanted if sha256 not in rows]
    if missing:
        raise AudioNotHeld(
            "audio_not_held",
            f"{len(missing)} recordings of the session are not in custody yet.",
            details={"missing": missing[:20], "missing_count": len(missing)},
        )
    return [rows[sha256] for sha256 in wanted]


def _locked_head(tenant_id: UUID) -> ChainHead:
    ChainHead.objects.get_or_create(tenant_id=tenant_id)
    head: ChainHead = ChainHead.objects.select_for_update().get(tenant_id=tenant_id)
    return head


def _sign(checked: _Checked, head: ChainHead, signer: Signer, clock: Clock) -> SignedSnapshot:
    request = checked.request
    subject = SnapshotSubject(
        snapshot_id=new_id(),
        tenant_id=checked.tenant_id,
        session_id=request.session_id,
        parent_snapshot_id=request.parent_snapshot_id,
        hashes=checked.hashes,
    )
    payload = snapshot_payload(
        subject, head.next_position(), checked.lines, checked.audio, sealed_at=clock(), key_id=signer.key_id
    )
    return SignedSnapshot.sign(payload, signer)


def _evidence(checked: _Checked, signed: SignedSnapshot) -> bytes:
    parts = EvidenceParts(
        document=checked.content.document,
        dump=checked.content.dump,
        config=canonical_json(checked.dump["config"]["content"]),
        lines=checked.lines,
        audio=checked.audio,
        snapshot=signed,
        report=sealed_report(checked.report, signed),
    )
    target = io.BytesIO()
    write_zip(target, evidence_files(parts))
    return target.getvalue()


def _append(head: ChainHead, signed: SignedSnapshot, *, document_key: str, evidence_key: str) -> Snapshot:
    payload = signed.payload
    snapshot: Snapshot = Snapshot.objects.create(
        id=UUID(payload["snapshot_id"]),
        tenant_id=UUID(payload["tenant_id"]),
        session_id=UUID(payload["session_id"]),
        parent_snapshot_id=UUID(payload["parent_snapshot_id"]) if payload["parent_snapshot_id"] else None,
        number=payload["number"],
        payload=dict(payload),
        integrity_hash=str(signed.integrity_hash),
        previous_hash=payload["previous_snapshot"] or "",
        signature=signed.signature,
        key_id=signed.key_id,
        public_key=signed.public_key,
        document_key=document_key,
        evidence_key=evidence_key,
        created_at=datetime.fromisoformat(payload["sealed_at"]),
    )
    head.number = snapshot.number
    head.head_hash = snapshot.integrity_hash
    head.save(update_fields=["number", "head_hash"])
    return snapshot
