"""Handing evidence out, with the recordings if somebody wants them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

from astra_site.lib.hashing import canonical_json
from astra_site.lib.object_store import Bucket, ObjectStore, object_store
from custody.evidence import AudioFile, public_keys_json, write_zip
from custody.keys import installation_signer
from custody.models import Snapshot
from custody.services import stored_evidence
from custody.worm import held_objects


def write_evidence_with_audio(snapshot: Snapshot, target: BinaryIO, *, store: ObjectStore | None = None) -> None:
    """Write the evidence with every recording from WORM custody; recordings are streamed, memory stays flat."""
    source = store or object_store()
    with zipfile.ZipFile(io.BytesIO(stored_evidence(snapshot, store=source))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    for row in manifest["audio"]:
        row["included"] = True
    files["manifest.json"] = canonical_json(manifest)
    write_zip(target, files, _audio_files(snapshot, manifest, source))


def _audio_files(snapshot: Snapshot, manifest: dict[str, Any], store: ObjectStore) -> Iterator[AudioFile]:
    held = {row.sha256: row for row in held_objects(snapshot.session_id)}
    for row in manifest["audio"]:
        kept = held[row["sha256"]]
        open_stream = partial(store.open, Bucket.WORM, kept.worm_key, version_id=kept.version_id)
        yield AudioFile(row["path"], row["size_bytes"], open_stream)


def installation_public_keys() -> bytes:
    """`public_keys.json` with this installation's key: what a council publishes so that others can trust its seals."""
    signer = installation_signer()
    return canonical_json(public_keys_json([(signer.key_id, signer.public_key)]))
