"""A client of the sessions API, in the words of a council session."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile
from lxml import etree
from rest_framework.test import APIClient

from astra_site.lib.clock import utc_now
from astra_site.lib.hashing import canonical_json
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import all_tenants
from jobs.models import Job, Status
from jobs.runtime.work import run_due_jobs
from sessions_app.models import JournalRow, Session
from tests.people import Person, client_for

BASE = "/v1/orchestrator"
START = {"client_timezone": "America/Bogota", "metadata": {"number": "014", "city": "Quibdó"}}
OPENING = "Siendo las nueve y quince de la mañana se abre la sesión ordinaria."
VOTE = "Con catorce votos a favor, dos en contra y una abstención queda aprobada la proposición."
DEBATE = "Los recursos del acueducto no alcanzan para el barrio."
CLOSING = "Siendo las once de la mañana se levanta la sesión."


@dataclass(frozen=True)
class Minutes:
    """One session, through the API."""

    api: APIClient
    session_id: str

    @classmethod
    def start(cls, person: Person, **fields: Any) -> Minutes:
        """Start a session."""
        api = client_for(person)
        answer = api.post(f"{BASE}/session/start", {**START, **fields}, format="json")
        assert answer.status_code == 201, answer.content
        return cls(api, answer.json()["session_id"])

    def url(self, verb: str = "") -> str:
        """An address of this session."""
        return f"{BASE}/session/{self.session_id}/{verb}".rstrip("/")

    def say(self, sequence_id: int, text: str, **fields: Any) -> Any:
        """Append text."""
        return self.api.post(self.url("append"), {"sequence_id": sequence_id, "text": text, **fields}, format="json")

    def send_audio(self, sequence_id: int, audio: bytes) -> Any:
        """Append audio as base64."""
        chunk = base64.b64encode(audio).decode()
        return self.api.post(self.url("append"), {"sequence_id": sequence_id, "audio_chunk": chunk}, format="json")

    def send_file(self, sequence_id: int, audio: bytes) -> Any:
        """Append audio as a multipart file."""
        body = {"sequence_id": sequence_id, "audio": SimpleUploadedFile("chunk.wav", audio, "audio/wav")}
        return self.api.post(self.url("append"), body, format="multipart")

    def set_context(self, **changes: Any) -> Any:
        """Change the context."""
        return self.api.patch(self.url("current-context"), changes, format="json")

    def show_image(self, image: bytes, **fields: Any) -> Any:
        """Upload an image."""
        body = {"file": SimpleUploadedFile("image.png", image, "image/png"), **fields}
        return self.api.post(self.url("upload-asset"), body, format="multipart")

    def upload_recording(self, audio: bytes) -> Any:
        """Upload a recording."""
        return send_body(self.api, "POST", self.url("recording"), audio, "audio/wav")

    def submit_recording(self, audio_url: str, **model_config: Any) -> Any:
        """Ask for the transcription of an uploaded recording."""
        body = {"session_id": self.session_id, "audio_url": audio_url, "model_config": model_config}
        return self.api.post(f"{BASE}/jobs", body, format="json")

    def finalize(self, **fields: Any) -> Any:
        """Ask for the minutes."""
        return self.api.post(self.url("finalize"), fields, format="json")

    def show(self) -> Any:
        """The session as the API shows it."""
        return self.api.get(self.url()).json()

    def blocks(self) -> list[dict[str, Any]]:
        """The session's blocks as the API shows them."""
        return list(self.api.get(self.url("blocks"), {"limit": 500}).json()["blocks"])

    def close(self, **fields: Any) -> Any:
        """Finalize, do the work, and return the closed session."""
        answer = self.finalize(**fields)
        assert answer.status_code == 202, answer.content
        finish_jobs()
        answer = self.finalize()
        assert (answer.status_code, answer.json()["state"]) == (200, "CLOSED"), answer.content
        return answer.json()

    def row(self) -> Session:
        """The session's row."""
        with all_tenants(reason="a test looks"):
            found: Session = Session.objects.select_related("skeleton_version").get(pk=self.session_id)
        return found

    def journal(self) -> list[JournalRow]:
        """The session's journal."""
        with all_tenants(reason="a test looks"):
            return list(JournalRow.objects.filter(session_id=self.session_id).order_by("number"))

    def kinds(self) -> list[str]:
        """The kinds of the journal's entries, in order."""
        return [row.kind for row in self.journal()]

    def jobs(self, **wanted: Any) -> list[Job]:
        """The session's jobs."""
        with all_tenants(reason="a test looks"):
            return list(Job.objects.filter(session_id=self.session_id, **wanted).order_by("created_at", "id"))

    def dump(self) -> dict[str, Any]:
        """The stored session dump."""
        found: dict[str, Any] = json.loads(object_store().get(Bucket.DOCUMENTS, self.row().dump_key))
        return found

    def dumped_blocks(self) -> bytes:
        """The blocks of the stored dump, as canonical bytes."""
        return canonical_json(self.dump()["blocks"])

    def document(self) -> bytes:
        """The stored document."""
        return object_store().get(Bucket.DOCUMENTS, self.row().document_key)

    def document_text(self) -> str:
        """Everything that the stored document says, run together."""
        with zipfile.ZipFile(io.BytesIO(self.document())) as package:
            body = etree.fromstring(package.read("word/document.xml"))
        return "".join(str(text) for text in body.itertext())


def send_body(api: APIClient, method: str, address: str, body: bytes, content_type: str) -> Any:
    """Send bytes as they are."""
    return api.generic(method, address, body, content_type=content_type)  # type: ignore[arg-type]  # stub: bytes work


def finish_jobs(rounds: int = 20) -> None:
    """Do all the work that is queued, without waiting for the pauses between two tries.

    What only waits for something else (a step that postponed itself) is asked once more and then left waiting.
    """
    postponed: set[UUID] = set()
    for _ in range(rounds):
        run_due_jobs(1000)
        with all_tenants(reason="a test hurries the clock"):
            queued = Job.objects.filter(status=Status.QUEUED)
            left = set(queued.values_list("pk", flat=True))
            waiting = set(queued.filter(error_code="step_postponed").values_list("pk", flat=True))
            if left == waiting and waiting <= postponed:
                return
            postponed = waiting
            queued.update(not_before=utc_now())
    raise AssertionError("There is still work after many rounds.")


def world(*tenant_ids: UUID) -> Mapping[str, Any]:
    """Everything of these tenants that a refused call must not change."""
    with all_tenants(reason="a test looks"):
        sessions = Session.objects.filter(tenant_id__in=tenant_ids).order_by("id")
        journal = JournalRow.objects.filter(tenant_id__in=tenant_ids).order_by("session_id", "number")
        jobs = Job.objects.filter(tenant_id__in=tenant_ids).order_by("id")
        return {
            "sessions": list(sessions.values()),
            "journal": list(journal.values_list("session_id", "number", "sha256")),
            "jobs": list(jobs.values_list("id", "status", "revision")),
            "objects": [
                (bucket, key)
                for bucket in Bucket
                for owner in tenant_ids
                for key in object_store().iter_keys(bucket, str(owner))
            ],
            "buffers": [_buffer(row.id) for row in sessions],
        }


def _buffer(session_id: UUID) -> Any:
    from_redis = redis_client()
    prefix = f"session:{{{session_id}}}"
    return from_redis.hgetall(f"{prefix}:bodies"), from_redis.zrange(f"{prefix}:order", 0, -1)
