"""A small sealed session made of the pure parts: the ground on which custody is tried and tampered with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from astra_site.lib.hashing import Sha256, canonical_json
from custody.audit_report import HeldAudio, report_body, sealed_report
from custody.chain import ChainPosition, SealedHashes, SignedSnapshot, SnapshotSubject, snapshot_payload
from custody.evidence import AudioFile, EvidenceParts, audio_path, evidence_files, write_zip
from custody.journal import AudioRecord, JournalEntry, audio_records, journal_lines
from custody.signing import SeedSigner

TENANT_ID = UUID("0193a000-0000-7000-8000-000000000001")
SESSION_ID = UUID("0193a000-0000-7000-8000-000000000002")
SNAPSHOT_ID = UUID("0193a000-0000-7000-8000-000000000003")
STARTED_AT = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
SEALED_AT = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
SIGNER = SeedSigner(bytes(range(32)))
DOCUMENT = b"PK\x03\x04 the minutes"
SKELETON = Sha256.of(b"the skeleton")
CONFIG: dict[str, Any] = {"schema": "astra.config/1", "default_zone": "ZONA_VARIOS", "members": ["John Mosquera"]}
AUDIO = [b"RIFF one" * 40, b"RIFF two" * 50, b"RIFF one" * 40]


def recording(number: int) -> AudioRecord:
    """The recording sent with sequence number `number` (1 to 3; the third repeats the first's content)."""
    data = AUDIO[number - 1]
    return AudioRecord(f"tmp/{number}", Sha256.of(data), len(data), "audio/wav", 5000)


def entries() -> list[JournalEntry]:
    """A journal: three recordings with their results, and a change of speaker."""
    found: list[JournalEntry] = []

    def add(kind: str, sequence_id: int | None, payload: dict[str, Any], audio: AudioRecord | None = None) -> None:
        moment = STARTED_AT + timedelta(seconds=len(found))
        found.append(JournalEntry(len(found) + 1, kind, moment, sequence_id, payload, audio, "client:demo"))

    add("AUDIO", 1, {"captured_at": None}, recording(1))
    add("CONTEXT", None, {"speaker": "Concejala María Ñúñez \u2028 \x7f €"})
    add("AUDIO", 2, {"captured_at": None}, recording(2))
    add("RESULT", 1, {"text": "Se abre la sesión.", "confidence": 0.93, "engine": "whisper", "model": "micro"})
    add("RESULT", 2, {"confidence": 1e-7, "big": 1e21, "transcript": {"engine": "whisper", "model": "micro"}})
    add("AUDIO", 3, {}, recording(3))
    return found


def block(number: int, **changes: Any) -> dict[str, Any]:
    """A ready block that leads to recording `number`."""
    trace = {"sequence_id": number, "start_ms": 100, "end_ms": 4000, "sha256": str(recording(number).sha256)}
    plain = {
        "block_id": f"{number}.0",
        "sequence_id": number,
        "part": 0,
        "type": "TEXT",
        "status": "READY",
        "intent": "DEBATE",
        "text": "Gracias, presidente.",
        "restricted": False,
        "needs_review": False,
        "confidence": 0.93,
        "audio": trace,
    }
    return plain | changes


def dump(blocks: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The session's dump."""
    return {
        "schema": "astra.session-dump/1",
        "session": {
            "id": str(SESSION_ID),
            "tenant_id": str(TENANT_ID),
            "tenant_name": "Concejo de Prueba",
            "mode": "realtime",
            "client_timezone": "America/Bogota",
            "started_at": "2026-11-20T14:00:00Z",
            "metadata": {"number": "012"},
        },
        "config": {"id": "c1", "number": 4, "sha256": str(Sha256.of_json(CONFIG)), "content": CONFIG},
        "skeleton": {"id": "s1", "s3_version_id": None, "sha256": str(SKELETON)},
        "blocks": blocks
        if blocks is not None
        else [
            block(1, intent="OPEN_SESSION", type="TEMPLATE"),
            block(2, restricted=True),
            block(3, type="AUDIO_PENDING", status="PENDING", needs_review=True),
            block(3, block_id="3.1", part=1, type="SYSTEM_NOTE", audio=None),
        ],
        "assets": {},
    }


def held() -> list[HeldAudio]:
    """Custody records of the two distinct recordings."""
    until = SEALED_AT + timedelta(days=3650)
    return [
        HeldAudio(
            record.sha256, record.size_bytes, f"worm/{record.sha256.hex}", None, "local-readonly", until, SEALED_AT
        )
        for record in (recording(1), recording(2))
    ]


def signed(
    journal: list[JournalEntry] | None = None,
    position: ChainPosition | None = None,
    signer: SeedSigner = SIGNER,
    body: dict[str, Any] | None = None,
) -> SignedSnapshot:
    """A signed snapshot of the sample session; `body` replaces its audit report."""
    rows = journal or entries()
    hashes = SealedHashes(
        document=Sha256.of(DOCUMENT),
        dump=Sha256.of_json(dump()),
        config=Sha256.of_json(CONFIG),
        skeleton=SKELETON,
        report=Sha256.of_json(body if body is not None else report_body(dump(), rows, held())),
    )
    payload = snapshot_payload(
        SnapshotSubject(SNAPSHOT_ID, TENANT_ID, SESSION_ID, None, hashes),
        position or ChainPosition(1, None),
        journal_lines(rows),
        audio_records(rows),
        sealed_at=SEALED_AT,
        key_id=signer.key_id,
    )
    return SignedSnapshot.sign(payload, signer)


def parts(snapshot: SignedSnapshot | None = None) -> EvidenceParts:
    """Everything that the sample's evidence is made of."""
    rows = entries()
    snapshot = snapshot or signed()
    return EvidenceParts(
        document=DOCUMENT,
        dump=canonical_json(dump()),
        config=canonical_json(CONFIG),
        lines=journal_lines(rows),
        audio=audio_records(rows),
        snapshot=snapshot,
        report=sealed_report(report_body(dump(), rows, held()), snapshot),
    )


def audio_files() -> list[AudioFile]:
    """The distinct recordings as files."""
    return [
        AudioFile(audio_path(recording(1)), len(AUDIO[0]), lambda: BytesIO(AUDIO[0])),
        AudioFile(audio_path(recording(2)), len(AUDIO[1]), lambda: BytesIO(AUDIO[1])),
    ]


def evidence_zip(*, with_audio: bool = True, snapshot: SignedSnapshot | None = None) -> bytes:
    """The sample's evidence as a ZIP."""
    target = BytesIO()
    files = evidence_files(parts(snapshot), with_audio=with_audio)
    write_zip(target, files, audio_files() if with_audio else ())
    return target.getvalue()


def altered(entry: JournalEntry, **changes: Any) -> JournalEntry:
    """A copy of a journal entry with some fields changed."""
    return replace(entry, **changes)
