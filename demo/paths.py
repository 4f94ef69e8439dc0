"""The two ways through ASTRA: live in chunks, and one file in batch. Each returns what it saw."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.client import Client
from demo.recorded_session import Chunk, RecordedSession
from demo.script import CITY, CORPORATION, PRESIDENT, SECRETARY

Report = Callable[[str], None]
_WORK_WITHIN_S = 600.0
_SHUFFLE_SEED = 4


@dataclass(slots=True)
class PathResult:
    """One way through: timings by step in s, the blocks, and the closed session as the API shows it."""

    name: str
    seconds: dict[str, float] = field(default_factory=dict)
    blocks: Sequence[Mapping[str, Any]] = ()
    session: Mapping[str, Any] = field(default_factory=dict)
    document: Path = Path()
    evidence: Path = Path()

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time of the block to a step."""
        started = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - started


def live_path(client: Client, recording: RecordedSession, image: bytes, folder: Path, report: Report) -> PathResult:
    """Send the session as chunks, out of order and one twice; change the speaker and add an image on the way."""
    result = PathResult("live")
    with result.timed("start"):
        session_id = client.start("realtime", _metadata("014"))
    report(f"session {session_id} is pinned to its configuration and skeleton")
    chunks = recording.chunks()
    speaker, first = _change_of_speaker(recording, chunks)
    with result.timed("send"):
        _send(client, session_id, chunks[:first], report, repeat=2)
        client.set_context(session_id, speaker=speaker)
        report(f"from chunk {first + 1} on, the speaker is {speaker}")
        client.upload_image(session_id, image, "Luminarias de la zona rural")
        report("one image is uploaded")
        _send(client, session_id, chunks[first:], report)
    _finish(client, session_id, result, folder, report)
    return result


def batch_path(client: Client, recording: RecordedSession, folder: Path, report: Report) -> PathResult:
    """Send the same session as one file and have it transcribed by a job."""
    result = PathResult("batch")
    with result.timed("start"):
        session_id = client.start("batch", _metadata("015"))
    with result.timed("send"):
        upload = client.upload_recording(session_id, recording.path.read_bytes())
        job_id = client.transcribe(session_id, upload["audio_url"])
    report(f"{upload['size_bytes'] / 1e6:.1f} MB uploaded, job {job_id} is queued")
    with result.timed("transcribe"):
        _watch(client, job_id, report)
    _finish(client, session_id, result, folder, report)
    return result


def _metadata(number: str) -> dict[str, str]:
    return {
        "corporation": CORPORATION,
        "city": CITY,
        "number": number,
        "kind": "Ordinaria",
        "president": PRESIDENT,
        "secretary": SECRETARY,
    }


def _change_of_speaker(recording: RecordedSession, chunks: Sequence[Chunk]) -> tuple[str, int]:
    """Return who speaks at a chunk border near the middle that falls between two speakers, and the chunk's position."""
    middle = len(chunks) // 2
    for position in sorted(range(1, len(chunks)), key=lambda place: abs(place - middle)):
        start_ms = chunks[position].start_ms
        before = [item for item in recording.utterances if int(str(item["end_ms"])) <= start_ms]
        after = [item for item in recording.utterances if int(str(item["start_ms"])) >= start_ms]
        if before and after and before[-1]["speaker"] != after[0]["speaker"] and after[0]["speaker"] != PRESIDENT:
            return str(after[0]["speaker"]), position
    return PRESIDENT, middle


def _send(client: Client, session_id: str, chunks: Sequence[Chunk], report: Report, repeat: int | None = None) -> None:
    """Send chunks in a shuffled order; the one at position `repeat` twice."""
    order = list(chunks)
    random.Random(_SHUFFLE_SEED).shuffle(order)  # noqa: S311 - the same disorder in every run
    if repeat is not None:
        order.append(order[repeat])
    for chunk in order:
        answer = client.append(session_id, chunk)
        again = " (again: answered as before)" if answer["repeated"] else ""
        report(f"chunk {chunk.sequence_id:2d} acknowledged in {client.append_ms[-1]:4.0f} ms{again}")


def _watch(client: Client, job_id: str, report: Report) -> None:
    shown = -1.0

    def ask() -> Mapping[str, Any]:
        nonlocal shown
        job = client.job(job_id)
        done, total = job["progress"].get("done") or 0.0, job["progress"].get("total") or 0.0
        if done > shown and total:
            shown = done
            report(f"{done:.0f} of {total:.0f} s of audio are transcribed")
        return job

    job = client.wait(ask, lambda job: job["status"] in ("COMPLETED", "FAILED", "CANCELLED"), _WORK_WITHIN_S)
    if job["status"] != "COMPLETED":
        raise RuntimeError(f"The transcription ended as {job['status']}: {job['error_message']}")


def _finish(client: Client, session_id: str, result: PathResult, folder: Path, report: Report) -> None:
    """Finalize, wait until the session is closed, and fetch what was sealed."""
    shown = ""

    def ask() -> Mapping[str, Any]:
        nonlocal shown
        session = client.finalize(session_id)
        left = f", {len(session['drain']['pending'])} inputs are still in work" if session["drain"] else ""
        if (now := session["state"] + left) != shown:
            shown = now
            report(f"finalize: {now}")
        if session["failure"]:
            raise RuntimeError(f"The session is {session['state']}: {session['failure']}")
        return session

    with result.timed("drain, build and seal"):
        result.session = client.wait(ask, lambda session: session["state"] == "CLOSED", _WORK_WITHIN_S)
    result.blocks = client.blocks(session_id)
    with result.timed("download"):
        folder.mkdir(parents=True, exist_ok=True)
        result.document = folder / f"acta-{result.name}.docx"
        result.evidence = folder / f"evidence-{result.name}.zip"
        result.document.write_bytes(client.download(result.session["delivery"]["download_url"]))
        result.evidence.write_bytes(client.download(result.session["delivery"]["evidence_url"]))
