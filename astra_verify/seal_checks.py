"""Checks of the seal itself: snapshot, signature, trust, chain, time."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from astra_verify import canonical, signatures
from astra_verify.evidence import Evidence, hash_text, members, record, rows, schema, text, whole
from astra_verify.findings import Disproved, NotCheckable

SNAPSHOT_SCHEMA = "astra.snapshot/1"
SIGNED_SCHEMA = "astra.signed-snapshot/1"
MANIFEST_SCHEMA = "astra.evidence/1"
_SIGNED_MEMBERS = frozenset({"schema", "payload", "integrity_hash", "signature"})
_SIGNATURE_MEMBERS = frozenset({"algorithm", "key_id", "value"})
_MANIFEST_MEMBERS = frozenset({"schema", "integrity_hash", "files", "audio"})
_FILE_MEMBERS = frozenset({"path", "sha256", "size_bytes"})
_AUDIO_MEMBERS = frozenset({"path", "sha256", "size_bytes", "included"})
_CORE_FILES = (
    "audit_report.json",
    "config.json",
    "document.docx",
    "journal.jsonl",
    "public_keys.json",
    "session_dump.json",
    "snapshot.json",
)


def bundle_is_whole(evidence: Evidence) -> str:
    """Every listed file is there as listed, every obligatory file is listed, nothing else is there."""
    manifest = evidence.manifest
    schema(manifest, MANIFEST_SCHEMA, "The manifest")
    members(manifest, _MANIFEST_MEMBERS, "The manifest")
    listed = _by_path(rows(manifest.get("files"), "The manifest's list of files"), _FILE_MEMBERS)
    for path in _CORE_FILES:
        if path not in listed:
            raise Disproved(f"The manifest does not list {path}.")
    for path in sorted(set(listed) - set(_CORE_FILES)):
        raise Disproved(f"The manifest lists {path}, which is not part of any evidence.")
    for path, row in listed.items():
        if evidence.bundle.sha256(path) != row.get("sha256") or evidence.bundle.size(path) != row.get("size_bytes"):
            raise Disproved(f"{path} is not the file that the manifest lists.")
    audio = _by_path(rows(manifest.get("audio"), "The manifest's list of recordings"), _AUDIO_MEMBERS)
    for path in evidence.bundle.paths:
        if path != "manifest.json" and path not in listed and path not in audio:
            raise Disproved(f"{path} is not part of this evidence; nothing is proven about it.")
    _check_listed_audio(evidence, audio)
    if manifest.get("integrity_hash") != evidence.signed.get("integrity_hash"):
        raise Disproved("The manifest belongs to another snapshot.")
    return f"{len(listed)} files are as listed, and nothing else lies beside them."


def _by_path(listed: list[dict[str, Any]], known: frozenset[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in listed:
        members(row, known, "A row of the manifest")
        path = text(row.get("path"), "A path in the manifest")
        if path in found:
            raise Disproved(f"The manifest lists {path} twice.")
        found[path] = row
    return found


def _check_listed_audio(evidence: Evidence, audio: dict[str, dict[str, Any]]) -> None:
    for path, row in audio.items():
        sha256 = hash_text(row.get("sha256"), f"The manifest's hash of {path}")
        if not re.fullmatch(rf"audio/{sha256.removeprefix('sha256:')}\.[a-z0-9]{{1,8}}", path):
            raise Disproved(f"The manifest lists {path} with another hash than its name.")
        whole(row.get("size_bytes"), f"The manifest's size of {path}")
        included = row.get("included")
        if not isinstance(included, bool) or (included and not evidence.bundle.has(path)):
            raise Disproved(f"The manifest is wrong about {path} travelling along.")


def snapshot_hash(evidence: Evidence) -> str:
    """The integrity hash is the SHA-256 of the canonical payload."""
    return _snapshot_hash(evidence.signed)


def _snapshot_hash(signed: dict[str, Any]) -> str:
    payload = record(signed.get("payload"), "The snapshot's payload")
    members(signed, _SIGNED_MEMBERS, "snapshot.json")
    schema(signed, SIGNED_SCHEMA, "The signed snapshot")
    schema(payload, SNAPSHOT_SCHEMA, "The payload")
    stated = hash_text(signed.get("integrity_hash"), "The integrity hash")
    try:
        found = f"sha256:{hashlib.sha256(canonical.canonical(payload)).hexdigest()}"
    except canonical.NotJson as error:
        raise Disproved(f"The payload has no canonical form: {error}.") from error
    if found != stated:
        raise Disproved(f"The payload hashes to {found}, the snapshot states {stated}.")
    return f"integrity_hash {stated}"


def signature_holds(evidence: Evidence) -> str:
    """The signature over the integrity hash is good under the key that snapshot and key file name."""
    signature = record(evidence.signed.get("signature"), "The signature")
    members(signature, _SIGNATURE_MEMBERS, "The signature")
    if signature.get("algorithm") != "Ed25519":
        raise Disproved("The signature is not Ed25519.")
    key_id = text(signature.get("key_id"), "The signature's key id")
    if evidence.payload.get("key_id") != key_id:
        raise Disproved("The sealed payload names another key than the signature.")
    key = _carried_key(evidence, key_id)
    if not signatures.signed_by(evidence.signed, key):
        raise Disproved(f"The Ed25519 signature is not good under key {key_id}.")
    return f"The Ed25519 signature over the integrity hash is good under key {key_id}."


def _carried_key(evidence: Evidence, key_id: str) -> bytes:
    keys = signatures.carried_keys(evidence.bundle.json("public_keys.json"))
    if key_id not in keys:
        raise Disproved(f"public_keys.json does not hold the key {key_id}.")
    return keys[key_id]


def key_is_trusted(evidence: Evidence) -> str:
    """The signing key is one that the verifying person got from somewhere else."""
    trusted = evidence.outside.trusted_keys
    key_id = evidence.payload.get("key_id")
    if trusted is None:
        raise NotCheckable(
            f"The key {key_id} is only carried in the evidence itself. Whoever forged all of it could have made it "
            "up: get the council's published key and pass it with --trusted-key."
        )
    if not any(signatures.signed_by(evidence.signed, key) for key in trusted):
        raise Disproved("The signature is not by any of the trusted keys.")
    return (
        f"The signature is by a key that you trust ({key_id}). A key signs for every council of its operator: that "
        f"these are the minutes of tenant {evidence.payload.get('tenant_id')} is the operator's word."
    )


def chain_link(evidence: Evidence) -> str:
    """The snapshot is tied to the one before it in the tenant's chain."""
    number = whole(evidence.payload.get("number"), "The snapshot's number")
    before = evidence.payload.get("previous_snapshot")
    if (number == 1) != (before is None) or number == 0:
        raise Disproved("Exactly the first snapshot of a chain has none before it.")
    previous = evidence.outside.previous
    if number == 1:
        if previous is not None:
            raise Disproved("A previous snapshot was given, yet this is the first of its chain.")
        return "This is the first snapshot of the tenant's chain."
    hash_text(before, "The previous snapshot's hash")
    if previous is None:
        raise NotCheckable(f"It follows snapshot {number - 1}, {before}; pass that one with --previous to check.")
    stated = _previous_hash(evidence, previous)
    if stated != before:
        raise Disproved(f"It follows {before}, not the given snapshot {stated}.")
    if record(previous.get("payload"), "The previous payload").get("number") != number - 1:
        raise Disproved("The given snapshot has not the number just before this one.")
    return f"It follows the given snapshot {number - 1}, {before}."


def _previous_hash(evidence: Evidence, previous: dict[str, Any]) -> str:
    try:
        _snapshot_hash(previous)
    except Disproved as error:
        raise Disproved(f"The given previous snapshot is not intact: {error}") from error
    payload = record(previous.get("payload"), "The previous payload")
    if payload.get("tenant_id") != evidence.payload.get("tenant_id"):
        raise Disproved("The given previous snapshot belongs to another tenant.")
    return str(previous["integrity_hash"])


def sealing_time(evidence: Evidence) -> str:
    """When it was sealed can't be proven without a third party."""
    raise NotCheckable(
        f"{evidence.payload.get('sealed_at')} is what the signer states. This evidence carries no time stamp of a "
        "third party, so the moment itself is not proven."
    )
