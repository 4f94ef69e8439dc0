"""The minutes of a drained session: dump, document, custody. Each function is one idempotent step of a job."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.db import transaction

from astra_site.lib.clock import iso_utc
from astra_site.lib.hashing import Sha256, canonical_json
from astra_site.lib.object_store import Bucket, object_store
from custody.consistency import check_content
from custody.services import SealRequest, seal_session
from custody.worm import hand_over_audio
from jobs import services as jobs
from jobs.core.job import Job, JobStatus
from jobs.core.ports import StepContext
from jobs.errors import LeaseLost
from sessions_app.blocks import gap_block
from sessions_app.builder import ImageFile, build_minutes
from sessions_app.models import JournalRow, Session, State
from sessions_app.projection import place_of, sealed_form
from sessions_app.services.finalize import missing_ranges
from sessions_app.services.inheritance import assets_of, inherited_gaps
from sessions_app.services.journal import sealed_entries
from sessions_app.services.projecting import projected
from sessions_app.services.states import move
from tenants.services import DOCX


def write_dump(context: StepContext) -> dict[str, Any]:
    """Replay the journal into the session dump and store it under its own hash."""
    session = _session(context)
    dump = canonical_json(session_dump(session))
    digest = Sha256.of(dump)
    key = f"{session.tenant_id}/{session.id}/session_dump-{digest.hex[:16]}.json"
    object_store().put(Bucket.DOCUMENTS, key, dump, "application/json")
    Session.objects.filter(pk=session.id).update(dump_key=key)
    return {"dump_key": key, "dump_sha256": str(digest)}


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
    """Build the DOCX from the stored dump and the pinned skeleton, and store it under its own hash.

    Raises `EvidenceInconsistent` (`dump_altered`, `skeleton_altered`) and the builder's errors (`build_image_mismatch`
    for an image) when the store holds other content than what was pinned or recorded.
    """
    session = _session(context)
    facts = context.job.facts
    stored_dump = object_store().get(Bucket.DOCUMENTS, facts["dump_key"])
    check_content("dump", stored_dump, Sha256.parse(facts["dump_sha256"]))
    dump = json.loads(stored_dump)
    images = {
        asset_id: ImageFile(
            data=object_store().get(Bucket.ASSETS, asset["key"]),
            media_type=asset["media_type"],
            width_px=asset["width_px"],
            height_px=asset["height_px"],
        )
        for asset_id, asset in dump["assets"].items()
    }
    built = build_minutes(_pinned_skeleton(session), dump, images)
    key = f"{session.tenant_id}/{session.id}/minutes-{built.sha256.hex[:16]}.docx"
    object_store().put(Bucket.DOCUMENTS, key, built.docx, DOCX)
    Session.objects.filter(pk=session.id).update(document_key=key)
    move(session.id, State.BUILDING, State.SEALING)
    return {
        "document_key": key,
        "document_sha256": str(built.sha256),
        "unplaced": [{"block_id": item.block_id, "placeholder": item.placeholder} for item in built.unplaced],
    }


def _pinned_skeleton(session: Session) -> bytes:
    """Return the skeleton that the session pinned: that version of the object, with that hash."""
    pinned = session.skeleton_version
    skeleton = object_store().get(Bucket.SKELETONS, pinned.object_key, version_id=pinned.s3_version_id or None)
    check_content("skeleton", skeleton, Sha256.parse(pinned.sha256))
    return skeleton


def hand_over(context: StepContext) -> dict[str, Any]:
    """Copy every recording of the session into WORM custody, verified, before anything else may happen to it."""
    session = _session(context)
    held = hand_over_audio(
        session.id, sealed_entries(session.id), corrects=session.parent_session_id, on_copied=context.heartbeat
    )
    return {"held_recordings": len(held)}


def seal(context: StepContext) -> dict[str, Any]:
    """Seal the session: snapshot in the tenant's chain, evidence beside it."""
    session, facts = _session(context), context.job.facts
    snapshot = seal_session(
        SealRequest(
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
    )
    return {"snapshot_id": str(snapshot.id), "integrity_hash": snapshot.integrity_hash}


def finish(job: Job) -> None:
    """Close the session, or say what failed, in the transaction that ends the job."""
    if job.session_id is None:
        return
    if job.status is JobStatus.COMPLETED:
        facts = job.facts
        done = {"snapshot_id": UUID(facts["snapshot_id"]), "integrity_hash": facts["integrity_hash"]}
        move(job.session_id, State.SEALING, State.CLOSED, closed_at=job.finished_at, **done)
        return
    failure = {"step": job.current_step, "code": job.error_code or "cancelled", "message": job.error_message}
    # The session's own state decides: a build that is done over again may fail when the session is sealing already.
    if not move(job.session_id, State.BUILDING, State.BUILD_FAILED, failure=failure):
        move(job.session_id, State.SEALING, State.SEAL_FAILED, failure=failure)


def _session(context: StepContext) -> Session:
    """Return the session of a step; one whose job was put back to work by the jobs API is at work again."""
    resumed = {State.BUILD_FAILED: State.BUILDING, State.SEAL_FAILED: State.SEALING}
    session: Session = Session.objects.select_related("tenant", "config_version", "skeleton_version").get(
        pk=context.job.session_id
    )
    failed = State(session.state)
    if failed in resumed:
        with transaction.atomic():
            if not jobs.hold(context.job):  # cancelled meanwhile: the session stays as the cancellation left it
                raise LeaseLost(context.job.id)
            move(session.id, failed, resumed[failed], failure=None)
    return session
