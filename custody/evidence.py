"""Evidence: the files from which anyone can check a sealed session without us (`docs/evidence-bundle.md`)."""

from __future__ import annotations

import base64
import shutil
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from astra_site.lib.hashing import Sha256, canonical_json
from custody.chain import SignedSnapshot
from custody.journal import AudioRecord

SCHEMA = "astra.evidence/1"
KEYS_SCHEMA = "astra.public-keys/1"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_EXTENSIONS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/flac": "flac",
    "audio/webm": "webm",
}


@dataclass(frozen=True, slots=True)
class EvidenceParts:
    """Everything that goes into the evidence besides recordings. `config` is the canonical JSON that was hashed."""

    document: bytes
    dump: bytes
    config: bytes
    lines: Sequence[bytes]
    audio: Sequence[AudioRecord]
    snapshot: SignedSnapshot
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A recording to put in at `path`; `open_stream` is called once, when its turn comes, so that memory stays flat."""

    path: str
    size_bytes: int
    open_stream: Callable[[], BinaryIO]


def audio_path(record: AudioRecord) -> str:
    """The recording's place in the evidence, named by its content."""
    media_type = record.media_type.partition(";")[0].strip().lower()
    return f"audio/{record.sha256.hex}.{_EXTENSIONS.get(media_type, 'bin')}"


def public_keys_json(keys: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """Content of `public_keys.json` from pairs of key id and raw public key."""
    return {
        "schema": KEYS_SCHEMA,
        "keys": [
            {"key_id": key_id, "algorithm": "Ed25519", "public_key": base64.b64encode(raw).decode("ascii")}
            for key_id, raw in keys
        ],
    }


def evidence_files(parts: EvidenceParts, *, with_audio: bool = False) -> dict[str, bytes]:
    """The files by path, in the order in which they are written; equal parts give equal bytes.

    `with_audio` says in the manifest whether the recordings travel along; they are written by `write_zip`.
    """
    snapshot = parts.snapshot
    files = {
        "document.docx": parts.document,
        "session_dump.json": parts.dump,
        "config.json": parts.config,
        "journal.jsonl": b"".join(line + b"\n" for line in parts.lines),
        "snapshot.json": snapshot.to_bytes(),
        "audit_report.json": canonical_json(parts.report),
        "public_keys.json": canonical_json(public_keys_json([(snapshot.key_id, snapshot.public_key)])),
    }
    manifest = {
        "schema": SCHEMA,
        "integrity_hash": str(snapshot.integrity_hash),
        "files": [
            {"path": path, "sha256": str(Sha256.of(data)), "size_bytes": len(data)} for path, data in files.items()
        ],
        "audio": [
            {
                "path": audio_path(record),
                "sha256": str(record.sha256),
                "size_bytes": record.size_bytes,
                "included": with_audio,
            }
            for record in distinct_audio(parts.audio)
        ],
    }
    return {"manifest.json": canonical_json(manifest), **files}


def distinct_audio(audio: Sequence[AudioRecord]) -> list[AudioRecord]:
    """One record per content, in the order of first appearance."""
    first: dict[Sha256, AudioRecord] = {}
    for record in audio:
        first.setdefault(record.sha256, record)
    return list(first.values())


def write_zip(target: BinaryIO, files: dict[str, bytes], audio: Iterable[AudioFile] = ()) -> None:
    """Write a ZIP with fixed times and order; recordings are stored without compression, piece by piece."""
    with zipfile.ZipFile(target, "w") as archive:
        for path, data in files.items():
            archive.writestr(_entry(path, zipfile.ZIP_DEFLATED), data, compresslevel=6)
        for file in audio:
            entry = _entry(file.path, zipfile.ZIP_STORED)
            entry.file_size = file.size_bytes
            with file.open_stream() as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, 1024 * 1024)


def write_folder(folder: Path, files: dict[str, bytes], audio: Iterable[AudioFile] = ()) -> None:
    """Write the same files into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        (folder / path).write_bytes(data)
    for file in audio:
        place = folder / file.path
        place.parent.mkdir(exist_ok=True)
        with file.open_stream() as source, place.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1024 * 1024)


def _entry(path: str, compression: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, _ZIP_TIME)
    entry.compress_type = compression
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry
