"""The minutes of a drained session: dump, document, custody. Each function is one idempotent step of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings

from astra_site.lib.clock import iso_utc
from astra_site.lib.hashing import Sha256, canonical_json
from astra_site.lib.object_store import Bucket, object_store
from custody.evidence import distinct_audio
from custody.journal import audio_records
from custody.services import SealRequest, seal_session
from custody.worm import hand_over_audio
from jobs.core.job import Job, JobStatus
from jobs.core.ports import StepContext
from sessions_app.blocks import gap_block
from sessions_app.models import JournalRow, Session, State
from sessions_app.projection import place_of, sealed_form
from sessions_app.services.builder_client import BuildRequest, PinnedSkeleton, builder_client, reference_to
from sessions_app.services.finalize import missing_ranges
from sessions_app.services.inheritance import assets_of, inherited_gaps
from sessions_app.services.journal import sealed_entries
from sessions_app.services.progress import Counted
from sessions_app.services.projecting import projected
from sessions_app.services.states import move
from sessions_app.services.turns import hold_turn, store_result, take_turn
from tenants.services import DOCX


def write_dump(context: StepContext) -> dict[str, Any]:
    """Replay the journal into the session dump and store it under its own hash."""
    session = take_turn(context)
    dump = canonical_json(session_dump(session))
    digest = Sha256.of(dump)
    key = f"{session.tenant_id}/{session.id}/session_dump-{digest.hex[:16]}.json"
    object_store().put(Bucket.DOCUMENTS, key, dump, "application/json")
    store_result(context, session, dump_key=key)
    return {"dump_key": key, "dump_sha256": str(digest), "dump_size_bytes": len(dump)}


def session_dump(session: Session) -> dict[str, Any]:
    """Return the dump (`astra.session-dump/1`): a pure function of the session's pins and its journal."""
    config, skeleton = session.config_version, session.skeleton_version
    assets = assets_of(session)
    gaps = missing_ranges(session)
    blocks = [*projected(session).ordered(), *(gap_block(first, last) for first, last in gaps)]
    return {
        "schema": "astra.session-dump/1",
        "session": {
            "id": str(session.id),
            "tenant_id": str(session.tenant_id),
            "tenant_name": session.tenant.name,
            "mode": session.mode,
            "client_timezone": session.client_timezone,
            "started_at": iso_utc(session.started_at),
            "metadata": session.metadata,
            "parent_session_id": str(session.parent_session_id) if session.parent_session_id else None,
            "parent_snapshot_id": str(session.parent_snapshot_id) if session.parent_snapshot_id else None,
        },
        "config": {
            "id": str(config.id),
            "number": config.number,
            "sha256": config.sha256,
            "content": config.content,
        },
        "skeleton": {
            "id": str(skeleton.id),
            "s3_version_id": skeleton.s3_version_id,
            "sha256": skeleton.sha256,
        },
        "missing": [*inherited_gaps(session), *([first, last] for first, last in gaps)],
        "blocks": [sealed_form(block) for block in sorted(blocks, key=place_of)],
        "assets": {row.payload["asset_id"]: _asset(row) for row in assets},
    }


def _asset(row: JournalRow) -> dict[str, Any]:
    return {key: row.payload[key] for key in ("key", "sha256", "width_px", "height_px", "media_type", "caption")}


def build_document(context: StepContext) -> dict[str, Any]:
    """Have the DOCX built from the stored dump and the pinned skeleton, and store it under its own hash.

    Raises `EvidenceInconsistent` (`dump_altered`, `skeleton_altered`) and the builder's errors (`build_image_mismatch`
    for an image) when the store holds other content than what was pinned or recorded.
    """
    session = take_turn(context)
    built = builder_client().build(build_request(session, context.job.facts))
    key = f"{session.tenant_id}/{session.id}/minutes-{built.sha256.hex[:16]}.docx"
    object_store().put(Bucket.DOCUMENTS, key, built.docx, DOCX)
    store_result(context, session, document_key=key)
    move(session.id, State.BUILDING, State.SEALING, only_if={"fence": session.fence})
    return {
        "document_key": key,
        "document_sha256": str(built.sha256),
        "unplaced": [{"block_id": item.block_id, "placeholder": item.placeholder} for item in built.unplaced],
    }


def build_request(session: Session, facts: Mapping[str, Any]) -> BuildRequest:
    """Return what the builder is asked: with the dump inside, or, over `INLINE_PAYLOAD_BYTES`, where it lies."""
    pinned = session.skeleton_version
    skeleton = PinnedSkeleton(pinned.object_key, pinned.s3_version_id or None, Sha256.parse(pinned.sha256))
    key, digest = facts["dump_key"], Sha256.parse(facts["dump_sha256"])
    request = BuildRequest(session.tenant_id, session.id, skeleton, digest)
    if facts.get("dump_size_bytes", 0) > settings.INLINE_PAYLOAD_BYTES:
        return replace(request, session_ref=reference_to(key))
    return replace(request, dump=object_store().get(Bucket.DOCUMENTS, key))


def hand_over(context: StepContext) -> dict[str, Any]:
    """Copy every recording of the session into WORM custody, verified, before anything else may happen to it."""
    session = take_turn(context)
    entries = sealed_entries(session.id, with_audio=True)
    total = len(distinct_audio(audio_records(entries)))
    counted = Counted(context, total)
    held = hand_over_audio(session.id, entries, corrects=session.parent_session_id, on_copied=counted.one_more)
    return {"held_recordings": len(held)}


def seal(context: StepContext) -> dict[str, Any]:
    """Seal the session: snapshot in the tenant's chain, evidence beside it. An overtaken producer seals nothing."""
    session, facts = take_turn(context), context.job.facts
    request = SealRequest(
        session_id=session.id,
        document_key=facts["document_key"],
        document_sha256=Sha256.parse(facts["document_sha256"]),
        dump_key=facts["dump_key"],
        dump_sha256=Sha256.parse(facts["dump_sha256"]),
        config=session.config_version.content,
        skeleton_sha256=Sha256.parse(session.skeleton_version.sha256),
        entries=sealed_entries(session.id),
        parent_snapshot_id=session.parent_snapshot_id,
        journal_length=session.journal_length,
    )
    snapshot = seal_session(request, before_append=partial(hold_turn, context, session))
    return {"snapshot_id": str(snapshot.id), "integrity_hash": snapshot.integrity_hash}


def finish(job: Job) -> None:
    """Close the session, or say what failed, in the transaction that ends the job; another job's session is let be."""
    if job.session_id is None:
        return
    own = {"job_id": job.id}
    if job.status is JobStatus.COMPLETED:
        facts = job.facts
        done = {"snapshot_id": UUID(facts["snapshot_id"]), "integrity_hash": facts["integrity_hash"]}
        move(job.session_id, State.SEALING, State.CLOSED, only_if=own, closed_at=job.finished_at, **done)
        return
    failure = {"step": job.current_step, "code": job.error_code or "cancelled", "message": job.error_message}
    # The session's own state decides: a build that is done over again may fail when the session is sealing already.
    if not move(job.session_id, State.BUILDING, State.BUILD_FAILED, only_if=own, failure=failure):
        move(job.session_id, State.SEALING, State.SEAL_FAILED, only_if=own, failure=failure)
