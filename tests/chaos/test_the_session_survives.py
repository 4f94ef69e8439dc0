"""Redis is emptied, or the worker killed, in the middle of a session: its minutes say the same as without."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from demo.client import Client
from demo.recorded_session import Chunk, RecordedSession
from demo.stack import Stack
from tests.chaos.disturbed import WITHIN_S, Disturbed, Recognised, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
TEXTS = ("Se abre la sesión.", "El alumbrado de la vereda está en mal estado.", "Se levanta la sesión.")
Open = Callable[[str], Disturbed]


@pytest.fixture(scope="module")
def session(stack: Stack, stack_client: Client) -> Open:
    """Start a session in a mode."""
    return lambda mode: Disturbed(stack, stack_client, mode)


@pytest.fixture(scope="module")
def recording() -> RecordedSession:
    return RecordedSession()


@pytest.fixture(scope="module")
def chunks(recording: RecordedSession) -> Sequence[Chunk]:
    """The whole session, the end of it first."""
    return list(reversed(recording.chunks()))


@pytest.fixture(scope="module")
def live(session: Open, chunks: Sequence[Chunk]) -> Recognised:
    """What live minutes say when nothing happens."""
    undisturbed = session("realtime")
    send(undisturbed, chunks)
    said = undisturbed.close()
    assert len(said) >= len(chunks)
    return said


@pytest.fixture(scope="module")
def batch(session: Open, recording: RecordedSession) -> Recognised:
    """What the minutes of a recording say when nothing happens."""
    undisturbed = session("batch")
    await_transcription(undisturbed, submit(undisturbed, recording))
    return undisturbed.close()


def send(to: Disturbed, chunks: Sequence[Chunk]) -> None:
    for chunk in chunks:
        to.client.append(to.session_id, chunk)


def submit(to: Disturbed, recording: RecordedSession) -> str:
    upload = to.client.upload_recording(to.session_id, recording.path.read_bytes())
    return to.client.transcribe(to.session_id, upload["audio_url"])


def await_progress(of: Disturbed, job_id: str) -> None:
    """Return in the middle of the transcription of a recording."""
    wait_for(lambda: bool(of.client.job(job_id)["progress"].get("done")), "a part of the recording transcribed")
    assert of.client.job(job_id)["status"] == "PROCESSING"


def await_transcription(of: Disturbed, job_id: str) -> None:
    job = of.client.wait(lambda: of.client.job(job_id), lambda job: job["finished_at"] is not None, WITHIN_S)
    assert job["status"] == "COMPLETED", job


def test_redis_emptied_while_chunks_come_and_while_they_drain(
    session: Open, chunks: Sequence[Chunk], live: Recognised
) -> None:
    disturbed = session("realtime")
    send(disturbed, chunks[:2])
    disturbed.empty_redis()
    send(disturbed, chunks[2:])
    assert disturbed.finalize()["drain"]["pending"]
    disturbed.empty_redis()
    assert disturbed.close() == live


def test_worker_killed_while_chunks_come(session: Open, chunks: Sequence[Chunk], live: Recognised) -> None:
    disturbed = session("realtime")
    half = len(chunks) // 2
    send(disturbed, chunks[:half])
    wait_for(lambda: bool(disturbed.jobs_at_work()), "a job in work")
    with disturbed.without_worker():
        send(disturbed, chunks[half:])
        assert disturbed.client.append(disturbed.session_id, chunks[0])["repeated"]
    assert disturbed.close() == live


def test_redis_emptied_while_a_recording_is_transcribed(
    session: Open, recording: RecordedSession, batch: Recognised
) -> None:
    disturbed = session("batch")
    job_id = submit(disturbed, recording)
    await_progress(disturbed, job_id)
    disturbed.empty_redis()
    await_transcription(disturbed, job_id)
    assert disturbed.close() == batch


def test_worker_killed_while_a_recording_is_transcribed(
    session: Open, recording: RecordedSession, batch: Recognised
) -> None:
    disturbed = session("batch")
    job_id = submit(disturbed, recording)
    await_progress(disturbed, job_id)
    with disturbed.without_worker():
        assert [job["id"] for job in disturbed.jobs_at_work()] == [job_id]
    await_transcription(disturbed, job_id)
    assert disturbed.close() == batch


def test_worker_killed_between_the_built_document_and_its_seal(session: Open) -> None:
    disturbed = session("realtime")
    for number, text in enumerate(TEXTS, start=1):
        disturbed.client.append_text(disturbed.session_id, number, text)
    with disturbed.unwritable("custody_snapshot"):
        disturbed.finalize()
        wait_for(lambda: disturbed.job_of("produce_minutes").get("current_step") == "seal", "a document to be sealed")
        with disturbed.without_worker():
            assert disturbed.job_of("produce_minutes")["status"] == "PROCESSING"
    assert [text for _, _, text, _ in disturbed.close()] == list(TEXTS)
