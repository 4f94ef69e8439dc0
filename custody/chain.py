"""The snapshot: what is sealed, how it is hashed, and how it is tied to the tenant's snapshot before it.

`docs/evidence-bundle.md` specifies every byte of this for other people's verifiers; change both or neither.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from astra_site.lib.hashing import Sha256, canonical_json
from custody.journal import AudioRecord, utc_text
from custody.merkle import MerkleTree, leaf_hash
from custody.signing import Signer

SCHEMA = "astra.snapshot/1"
SIGNED_SCHEMA = "astra.signed-snapshot/1"
LEAF_RULE = "astra.leaves/1"
SIGNATURE_DOMAIN = b"astra.snapshot-signature/1\n"
_JOURNAL_LEAF = b"astra.leaf.journal/1\n"
_AUDIO_LEAF = b"astra.leaf.audio/1\n"


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """A place in a tenant's chain: `number` counts from 1, `previous` is None for the first snapshot only."""

    number: int
    previous: Sha256 | None


@dataclass(frozen=True, slots=True)
class SealedHashes:
    """The hashes of the files that a snapshot stands for. `report` is that of the audit report without its seal."""

    document: Sha256
    dump: Sha256
    config: Sha256
    skeleton: Sha256
    report: Sha256


@dataclass(frozen=True, slots=True)
class SnapshotSubject:
    """Whom and what a snapshot is about."""

    snapshot_id: UUID
    tenant_id: UUID
    session_id: UUID
    parent_snapshot_id: UUID | None
    hashes: SealedHashes


def session_tree(lines: Sequence[bytes], audio: Sequence[AudioRecord]) -> MerkleTree:
    """The tree of a session: one leaf per journal line in order, then one leaf per recording in journal order."""
    leaves = [leaf_hash(_JOURNAL_LEAF + line) for line in lines]
    leaves += [leaf_hash(_AUDIO_LEAF + record.sha256.digest) for record in audio]
    return MerkleTree(leaves)


def snapshot_payload(
    subject: SnapshotSubject,
    position: ChainPosition,
    lines: Sequence[bytes],
    audio: Sequence[AudioRecord],
    *,
    sealed_at: datetime,
    key_id: str,
) -> dict[str, Any]:
    """The JSON object that is hashed and signed. It holds strings, integers, nulls and objects only, no floats."""
    tree = session_tree(lines, audio)
    return {
        "schema": SCHEMA,
        "snapshot_id": str(subject.snapshot_id),
        "tenant_id": str(subject.tenant_id),
        "session_id": str(subject.session_id),
        "number": position.number,
        "previous_snapshot": str(position.previous) if position.previous else None,
        "parent_snapshot_id": str(subject.parent_snapshot_id) if subject.parent_snapshot_id else None,
        "hashes": {
            "document": str(subject.hashes.document),
            "dump": str(subject.hashes.dump),
            "config": str(subject.hashes.config),
            "skeleton": str(subject.hashes.skeleton),
            "report": str(subject.hashes.report),
        },
        "merkle": {
            "algorithm": "rfc6962-sha256",
            "leaf_rule": LEAF_RULE,
            "tree_size": tree.size,
            "journal_leaves": len(lines),
            "audio_leaves": len(audio),
            "root": str(tree.root),
        },
        "audio": {"count": len(audio), "total_bytes": sum(record.size_bytes for record in audio)},
        "sealed_at": utc_text(sealed_at),
        "key_id": key_id,
    }


def integrity_hash(payload: Mapping[str, Any]) -> Sha256:
    """SHA-256 of the payload's canonical JSON: the one hash that stands for the whole session."""
    return Sha256.of_json(payload)


def signed_message(integrity: Sha256) -> bytes:
    """The bytes under the signature; the prefix keeps this signature from meaning anything elsewhere."""
    return SIGNATURE_DOMAIN + str(integrity).encode("ascii")


@dataclass(frozen=True, slots=True)
class SignedSnapshot:
    """A payload with its hash and signature (64 bytes, Ed25519)."""

    payload: Mapping[str, Any]
    integrity_hash: Sha256
    key_id: str
    public_key: bytes
    signature: bytes

    @classmethod
    def sign(cls, payload: Mapping[str, Any], signer: Signer) -> SignedSnapshot:
        """Hash and sign; the payload has to name the signer's key."""
        integrity = integrity_hash(payload)
        return cls(payload, integrity, signer.key_id, signer.public_key, signer.sign(signed_message(integrity)))

    def to_json(self) -> dict[str, Any]:
        """The content of `snapshot.json`."""
        return {
            "schema": SIGNED_SCHEMA,
            "payload": dict(self.payload),
            "integrity_hash": str(self.integrity_hash),
            "signature": {
                "algorithm": "Ed25519",
                "key_id": self.key_id,
                "value": base64.b64encode(self.signature).decode("ascii"),
            },
        }

    def to_bytes(self) -> bytes:
        """The bytes of `snapshot.json`."""
        return canonical_json(self.to_json())
