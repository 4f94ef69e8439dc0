"""A session of thousands of inputs, journaled as the product would have, without the days of talk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from astra_site.lib.clock import utc_now
from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, object_store
from custody.journal import AudioRecord, JournalEntry
from sessions_app.blocks import AudioSource, ExplicitContext, SpokenContext, make_blocks
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.understanding.client import EmbeddedCoreClient, understand
from sessions_app.understanding.types import TenantLanguage, Understanding, Utterance

SAID = (
    "Siendo las nueve y quince de la mañana se abre la sesión ordinaria.",
    "Los recursos del acueducto no alcanzan para el barrio y las familias llevan tres meses sin agua potable.",
    "Con catorce votos a favor, dos en contra y una abstención queda aprobada la proposición.",
    "El alumbrado público de la zona rural está en mal estado y nadie responde por los daños.",
    "Proposición número doce: que se cite al secretario de infraestructura para el próximo martes.",
)
CHUNK_MS = 5_000


def grow(session: Session, inputs: int, *, spoken: bool = False, understood: bool = True) -> None:
    """Journal `inputs` more inputs with their blocks; `spoken` ones have a small recording each in the object store."""
    writer = _Writer(session, spoken)
    first = session.highest_sequence_id + 1
    for start in range(first, first + inputs, 2_000):
        rows = [
            row
            for number in range(start, min(start + 2_000, first + inputs))
            for row in writer.rows_of(number, understood=understood)
        ]
        JournalRow.objects.bulk_create(rows)
    Session.objects.filter(pk=session.pk).update(journal_length=writer.number, highest_sequence_id=first + inputs - 1)
    session.refresh_from_db()


class _Writer:
    """Numbers the rows of a session and gives each the hash that custody will ask for."""

    def __init__(self, session: Session, spoken: bool) -> None:
        self.session = session
        self.spoken = spoken
        self.number = session.journal_length
        self.context = SpokenContext()
        self.began = utc_now()
        self.understood = [_understand(text) for text in SAID]

    def rows_of(self, sequence_id: int, *, understood: bool) -> Iterator[JournalRow]:
        text = SAID[sequence_id % len(SAID)]
        audio = _recording(self.session.tenant_id, self.session.pk, sequence_id) if self.spoken else None
        kind, payload = (EntryKind.AUDIO, {"codec": "pcm"}) if audio else (EntryKind.TEXT, {"text": text})
        yield self._row(kind, sequence_id, payload, audio=audio, actor="bench")
        if not understood:
            return
        source = AudioSource(str(audio.sha256), (sequence_id - 1) * CHUNK_MS) if audio else None
        blocks, self.context = make_blocks(
            sequence_id,
            [self.understood[sequence_id % len(SAID)]],
            self.context,
            ExplicitContext(),
            self.session.config_version.content,
            source,
        )
        after = {**self.context.to_json(), "session_end_ms": sequence_id * CHUNK_MS}
        yield self._row(EntryKind.BLOCKS, sequence_id, {"core": "embedded", "blocks": blocks, "after": after})

    def _row(
        self,
        kind: EntryKind,
        sequence_id: int,
        payload: dict[str, Any],
        *,
        audio: AudioRecord | None = None,
        actor: str | None = None,
    ) -> JournalRow:
        self.number += 1
        recorded_at = self.began + timedelta(milliseconds=self.number)
        entry = JournalEntry(self.number, str(kind), recorded_at, sequence_id, payload, audio, actor)
        return JournalRow(
            tenant_id=self.session.tenant_id,
            session=self.session,
            number=entry.number,
            kind=kind,
            sequence_id=sequence_id,
            payload=payload,
            actor=actor,
            sha256=str(entry.own_hash()),
            audio_key=audio.key if audio else "",
            audio_sha256=str(audio.sha256) if audio else "",
            audio_size_bytes=audio.size_bytes if audio else None,
            audio_media_type=audio.media_type if audio else "",
            audio_duration_ms=audio.duration_ms if audio else None,
            recorded_at=recorded_at,
        )


def _understand(text: str) -> Understanding:
    utterance = Utterance(text, 0, CHUNK_MS, 0.9)
    (understood,), _ = understand(EmbeddedCoreClient(), (utterance,), SpokenContext().dialogue, TenantLanguage())
    return understood


def _recording(tenant_id: UUID, session_id: UUID, sequence_id: int) -> AudioRecord:
    content = f"{session_id} {sequence_id}".encode() * 100
    digest = Sha256.of(content)
    key = f"{tenant_id}/{session_id}/{sequence_id:07d}-{digest.hex}"
    object_store().put(Bucket.AUDIO, key, content, "audio/wav")
    return AudioRecord(key, digest, len(content), "audio/wav", CHUNK_MS)
