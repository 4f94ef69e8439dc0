"""A client of the API, as any app would be one: HTTP and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from demo.recorded_session import Chunk

_BASE = "/v1/orchestrator"
_TIMEOUT_S = 60.0
_POLL_S = 0.25
JSON = Mapping[str, Any]


class Refused(RuntimeError):
    """The server answered with a problem."""


@dataclass(slots=True)
class Client:
    """Talks to one server with one token; keeps the latency of every append in ms."""

    url: str
    token: str
    append_ms: list[float] = field(default_factory=list)
    _http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Open the connection pool."""
        headers = {"Authorization": f"Bearer {self.token}"}
        self._http = httpx.Client(base_url=self.url + _BASE, headers=headers, timeout=_TIMEOUT_S)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, mode: str, metadata: JSON) -> str:
        """Start a session and return its id."""
        body = {"client_timezone": "America/Bogota", "mode": mode, "metadata": dict(metadata)}
        return str(self._call("POST", "/session/start", json=body)["session_id"])

    def append(self, session_id: str, chunk: Chunk) -> JSON:
        """Send a chunk as a multipart file."""
        started = time.perf_counter()
        answer = self._call(
            "POST",
            f"/session/{session_id}/append",
            data={"sequence_id": str(chunk.sequence_id)},
            files={"audio": (f"{chunk.sequence_id}.wav", chunk.wav, "audio/wav")},
        )
        self.append_ms.append((time.perf_counter() - started) * 1000)
        return answer

    def append_text(self, session_id: str, sequence_id: int, text: str) -> JSON:
        """Send typed text in the place of a chunk."""
        return self._call("POST", f"/session/{session_id}/append", json={"sequence_id": sequence_id, "text": text})

    def set_context(self, session_id: str, **changes: object) -> JSON:
        """Say who speaks from the next chunk on."""
        return self._call("PATCH", f"/session/{session_id}/current-context", json=changes)

    def upload_image(self, session_id: str, image: bytes, caption: str) -> JSON:
        """Add an image."""
        return self._call(
            "POST",
            f"/session/{session_id}/upload-asset",
            data={"caption": caption},
            files={"file": ("image.png", image)},
        )

    def upload_recording(self, session_id: str, recording: bytes) -> JSON:
        """Upload a whole recording."""
        headers = {"Content-Type": "audio/flac"}
        return self._call("POST", f"/session/{session_id}/recording", content=recording, headers=headers)

    def transcribe(self, session_id: str, audio_url: str) -> str:
        """Ask for the transcription of an upload and return the job's id."""
        body = {"session_id": session_id, "audio_url": audio_url, "model_config": {"provider": "whisper"}}
        return str(self._call("POST", "/jobs", json=body)["id"])

    def job(self, job_id: str) -> JSON:
        """Return a job."""
        return self._call("GET", f"/jobs/{job_id}")

    def jobs(self, session_id: str) -> Sequence[JSON]:
        """Return the newest jobs of a session."""
        found: Sequence[JSON] = self._call("GET", "/jobs", params={"session_id": session_id})["results"]
        return found

    def job_events(self, job_id: str) -> Sequence[JSON]:
        """Return a job's history, oldest first."""
        found: Sequence[JSON] = self._call("GET", f"/jobs/{job_id}/events")["results"]
        return found

    def session(self, session_id: str) -> JSON:
        """Return a session."""
        return self._call("GET", f"/session/{session_id}")

    def finalize(self, session_id: str) -> JSON:
        """Ask for the minutes."""
        return self._call("POST", f"/session/{session_id}/finalize", json={})

    def blocks(self, session_id: str) -> Sequence[JSON]:
        """Return all blocks, page by page."""
        found: list[JSON] = []
        first, total = 0, 1
        while first < total:
            page = self._call("GET", f"/session/{session_id}/blocks", params={"first": first, "limit": 100})
            found += page["blocks"]
            total, first = page["position_count"], first + 100
        return found

    def download(self, url: str) -> bytes:
        """Fetch a delivered file by its link, which needs no token."""
        response = httpx.get(url, timeout=_TIMEOUT_S)
        response.raise_for_status()
        return response.content

    def wait(self, ask: Callable[[], JSON], done: Callable[[JSON], bool], within_s: float) -> JSON:
        """Ask again and again until it is done; raise `TimeoutError` after `within_s`."""
        deadline = time.monotonic() + within_s
        while True:
            answer = ask()
            if done(answer):
                return answer
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not done within {within_s:.0f} s; the last answer was {answer}")
            time.sleep(_POLL_S)

    def _call(self, method: str, path: str, **request: Any) -> JSON:
        response = self._http.request(method, path, **request)
        if response.status_code >= 400:
            raise Refused(f"{method} {path}: {response.status_code} {response.text}")
        answer: JSON = response.json()
        return answer
