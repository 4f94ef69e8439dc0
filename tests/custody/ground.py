"""A council, an object store in a folder, and sessions ready to be sealed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from astra_site.lib.hashing import Sha256, canonical_json
from astra_site.lib.ids import new_id
from astra_site.lib.object_store import Bucket, ObjectStore
from astra_site.lib.object_store.local import LocalObjectStore
from custody.journal import JournalEntry
from custody.models import HeldObject
from custody.services import SealRequest
from custody.worm import hand_over_audio
from tenants.models import Tenant
from tests.custody.samples import AUDIO, CONFIG, DOCUMENT, SKELETON, dump, entries, recording


def store_in(folder: Path) -> LocalObjectStore:
    """An object store with the sample's recordings in its temporary bucket."""
    store = LocalObjectStore(folder, public_url="http://127.0.0.1:8000")
    for number, data in enumerate(AUDIO, start=1):
        store.put(Bucket.AUDIO, recording(number).key, data, "audio/wav")
    return store


def council(slug: str = "prueba") -> Tenant:
    """A tenant."""
    return Tenant.objects.create(slug=slug, name="Concejo de Prueba")


@dataclass(frozen=True)
class BuiltSession:
    """A session that was built and can be sealed."""

    tenant_id: UUID
    session_id: UUID
    journal: list[JournalEntry]

    @classmethod
    def of(cls, tenant: Tenant) -> BuiltSession:
        """A new session of a tenant with the sample's journal."""
        return cls(tenant.id, new_id(), entries())

    def request(self, store: ObjectStore, **changes: Any) -> SealRequest:
        """Build: store document and dump, and say what is to be sealed. `document` and `dump` replace the sample's."""
        files = {
            "document": changes.pop("document", DOCUMENT),
            "dump": changes.pop("dump", canonical_json(self.dump())),
        }
        for name, data in files.items():
            store.put(Bucket.DOCUMENTS, self.key(name, data), data, "application/octet-stream")
        plain: dict[str, Any] = {
            "session_id": self.session_id,
            "document_key": self.key("document", files["document"]),
            "document_sha256": Sha256.of(files["document"]),
            "dump_key": self.key("dump", files["dump"]),
            "dump_sha256": Sha256.of(files["dump"]),
            "config": CONFIG,
            "skeleton_sha256": SKELETON,
            "entries": self.journal,
        }
        return SealRequest(**(plain | changes))

    def key(self, name: str, data: bytes) -> str:
        """Where a built file is stored."""
        return f"{self.tenant_id}/{self.session_id}/{name}-{Sha256.of(data).hex[:16]}"

    def dump(self) -> dict[str, Any]:
        """The sample's dump, about this session."""
        content: dict[str, Any] = json.loads(canonical_json(dump()))
        content["session"].update(id=str(self.session_id), tenant_id=str(self.tenant_id))
        return content

    def hand_over(self, store: ObjectStore) -> list[HeldObject]:
        """Bring the session's recordings into custody."""
        return hand_over_audio(self.session_id, self.journal, store=store)
