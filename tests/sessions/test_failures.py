"""What fails is visible, holds nothing up for ever, and can be tried again. Everything is broken for real."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings

from astra_site.lib.errors import InvalidInput
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.tenancy import tenant_scope
from jobs import services as jobs
from jobs.models import Status
from jobs.runtime.orchestration import orchestrator
from jobs.runtime.sweeper import sweep_once
from sessions_app.models import State
from sessions_app.services import minutes as production
from sessions_app.services import states
from tests.people import Person
from tests.sessions.minutes_client import BASE, CLOSING, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.problems import assert_problem
from tests.sessions.samples import FLAC, WAV

pytestmark = pytest.mark.django_db(transaction=True)


def path_of(bucket: Bucket, key: str) -> Path:
    """Where the local store keeps an object."""
    return Path(settings.OBJECT_STORE_URL.removeprefix("file://")) / str(bucket) / key


@contextmanager
def without(path: Path) -> Iterator[None]:
    """Take a file away, then bring it back."""
    away = path.with_name(path.name + ".away")
    path.rename(away)
    try:
        yield
    finally:
        away.rename(path)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice)


def with_lost_audio(minutes: Minutes) -> None:
    """Opening, a chunk whose stored audio is gone, and a vote."""
    minutes.say(1, OPENING)
    minutes.send_audio(2, WAV)
    minutes.say(3, VOTE)
    with without(path_of(Bucket.AUDIO, minutes.journal()[1].audio_key)):
        finish_jobs()


def test_a_chunk_that_can_not_be_heard_is_a_visible_block(minutes: Minutes) -> None:
    with_lost_audio(minutes)
    pending = minutes.blocks()[1]
    assert (pending["type"], pending["status"]) == ("AUDIO_PENDING", "ERROR_PENDING_REVIEW")
    assert pending["data"]["error_code"] == "object_missing"
    assert pending["audio"]["sha256"] == minutes.journal()[1].audio_sha256
    assert [block["intent"] for block in minutes.blocks()] == ["OPEN_SESSION", None, "VOTE"]
    minutes.close()
    assert [block["type"] for block in minutes.dump()["blocks"]] == ["TEMPLATE", "AUDIO_PENDING", "TEMPLATE"]


def test_a_failure_while_draining_lets_the_session_close(minutes: Minutes) -> None:
    minutes.send_audio(1, WAV)
    minutes.finalize()
    with without(path_of(Bucket.AUDIO, minutes.journal()[0].audio_key)):
        finish_jobs()
    assert [block["type"] for block in minutes.blocks()] == ["AUDIO_PENDING"]
    assert minutes.show()["state"] in ("CLOSED", "SEAL_FAILED")
    finish_jobs()
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


def test_retrying_the_job_of_a_closed_session_ends_and_changes_nothing(minutes: Minutes) -> None:
    with_lost_audio(minutes)
    closed = minutes.close()
    before = [row.sha256 for row in minutes.journal()]
    failed = minutes.jobs(status=Status.FAILED)[0]
    assert minutes.api.post(f"{BASE}/jobs/{failed.id}/retry").status_code == 200
    finish_jobs()
    assert [job.status for job in minutes.jobs(flow="transcribe_chunk")].count(Status.FAILED) == 1
    assert [row.sha256 for row in minutes.journal()] == before
    assert minutes.show()["delivery"]["integrity_hash"] == closed["delivery"]["integrity_hash"]


def test_a_recording_damaged_in_the_store_is_visible_and_never_sealed(minutes: Minutes) -> None:
    audio_url = minutes.upload_recording(FLAC).json()["audio_url"]
    minutes.submit_recording(audio_url)
    path = path_of(Bucket.AUDIO, audio_url.removeprefix("astra://audio/"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1000])
    finish_jobs()
    assert [block["data"]["error_code"] for block in minutes.blocks()] == ["audio_truncated"]
    minutes.finalize()
    finish_jobs()
    failed = minutes.show()
    assert (failed["state"], failed["failure"]["code"]) == ("SEAL_FAILED", "worm_copy_differs")
    path.write_bytes(whole)
    minutes.finalize()
    finish_jobs()
    assert minutes.finalize().json()["state"] == "CLOSED"


def test_a_failed_build_is_visible_and_finalize_tries_again(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    with without(path_of(Bucket.SKELETONS, minutes.row().skeleton_version.object_key)):
        minutes.finalize()
        finish_jobs()
        failed = minutes.show()
        assert failed["state"] == "BUILD_FAILED"
        assert (failed["failure"]["step"], failed["failure"]["code"]) == ("build_document", "object_missing")
        assert failed["delivery"] is None
        assert_problem(minutes.api.get(minutes.url("audit-report")), 409, "session_not_closed")
        assert_problem(minutes.say(2, CLOSING), 409, "session_not_open")
    again = minutes.finalize()
    assert (again.status_code, again.json()["state"], again.json()["failure"]) == (202, "BUILDING", None)
    finish_jobs()
    assert minutes.finalize().json()["state"] == "CLOSED"


def test_a_corrupted_skeleton_fails_the_build_not_the_worker(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    path = path_of(Bucket.SKELETONS, minutes.row().skeleton_version.object_key)
    whole = path.read_bytes()
    path.write_bytes(b"PK\x03\x04 no longer a document")
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "BUILD_FAILED"
    path.write_bytes(whole)
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


def test_a_failed_seal_delivers_nothing_and_finalize_tries_again(minutes: Minutes) -> None:
    minutes.send_audio(1, WAV)
    minutes.say(2, VOTE)
    finish_jobs()
    minutes.finalize()
    with without(path_of(Bucket.AUDIO, minutes.journal()[0].audio_key)):
        finish_jobs()
        failed = minutes.show()
        assert failed["state"] == "SEAL_FAILED"
        assert failed["failure"]["step"] == "hand_over_audio"
        assert failed["delivery"] is None
    minutes.finalize()
    finish_jobs()
    assert minutes.finalize().json()["state"] == "CLOSED"


def test_audio_that_was_changed_in_the_store_is_not_sealed(minutes: Minutes) -> None:
    minutes.send_audio(1, WAV)
    finish_jobs()
    path = path_of(Bucket.AUDIO, minutes.journal()[0].audio_key)
    path.write_bytes(WAV[:-2] + b"\x01\x02")
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "SEAL_FAILED"
    path.write_bytes(WAV)
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


def test_a_dump_that_disappeared_is_written_again_or_fails_visibly(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    minutes.finalize()
    with without(path_of(Bucket.SKELETONS, minutes.row().skeleton_version.object_key)):
        finish_jobs()
    path_of(Bucket.DOCUMENTS, minutes.row().dump_key).unlink()
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "BUILD_FAILED"
    assert minutes.show()["failure"]["code"] == "object_missing"


def test_cancelled_production_is_visible_and_finalize_starts_anew(minutes: Minutes, alice: Person) -> None:
    minutes.say(1, OPENING)
    finish_jobs()
    minutes.finalize()
    with tenant_scope(alice.tenant_id):
        jobs.cancel(minutes.jobs(flow="produce_minutes")[0].id)
    stopped = minutes.show()
    assert (stopped["state"], stopped["failure"]["code"]) == ("BUILD_FAILED", "cancelled")
    assert minutes.finalize().json()["state"] == "BUILDING"
    finish_jobs()
    assert minutes.finalize().json()["state"] == "CLOSED"
    assert object_store().head(Bucket.DOCUMENTS, minutes.row().document_key)


@pytest.mark.parametrize("bucket", [Bucket.WORM, Bucket.DOCUMENTS])
def test_a_store_that_takes_nothing_for_a_while_is_tried_again(minutes: Minutes, alice: Person, bucket: Bucket) -> None:
    minutes.send_audio(1, WAV)
    minutes.say(2, VOTE)
    finish_jobs()
    folder = path_of(bucket, str(alice.tenant_id))
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    minutes.finalize()
    finish_jobs()
    expected = ("SEAL_FAILED", "hand_over_audio") if bucket is Bucket.WORM else ("BUILD_FAILED", "write_dump")
    failed = minutes.show()
    assert (failed["state"], failed["failure"]["step"]) == expected
    (job,) = minutes.jobs(flow="produce_minutes")
    assert job.attempts > 0
    folder.unlink()
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


@pytest.mark.parametrize("lost", ["skeleton", "audio"])
def test_a_failed_production_that_is_retried_as_a_job_closes_the_session(minutes: Minutes, lost: str) -> None:
    minutes.send_audio(1, WAV)
    finish_jobs()
    row = minutes.row()
    skeleton, audio = (
        (Bucket.SKELETONS, row.skeleton_version.object_key),
        (Bucket.AUDIO, minutes.journal()[0].audio_key),
    )
    with without(path_of(*(skeleton if lost == "skeleton" else audio))):
        minutes.finalize()
        finish_jobs()
        assert minutes.show()["state"] == ("BUILD_FAILED" if lost == "skeleton" else "SEAL_FAILED")
    (job,) = minutes.jobs(flow="produce_minutes")
    assert minutes.api.post(f"{BASE}/jobs/{job.id}/retry").status_code == 200
    assert minutes.finalize().status_code == 202
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


@pytest.mark.parametrize("error", [ConnectionError("gone"), InvalidInput("refused", "Never again.")])
def test_a_step_that_dies_after_it_moved_the_session_leaves_no_session_behind(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    minutes.say(1, OPENING)
    move = states.move
    deaths = [error]

    def move_and_die(session_id: UUID, before: State, after: State, **changes: Any) -> bool:
        moved = move(session_id, before, after, **changes)
        if after == State.SEALING and deaths:
            raise deaths.pop()
        return moved

    monkeypatch.setattr(production, "move", move_and_die)
    minutes.finalize()
    finish_jobs()
    if isinstance(error, InvalidInput):
        assert (minutes.show()["state"], minutes.show()["failure"]["code"]) == ("SEAL_FAILED", "refused")
        minutes.finalize()
        finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


def test_the_sweeper_moves_on_a_session_whose_last_input_nobody_noticed(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes.say(1, OPENING)
    minutes.finalize()
    with monkeypatch.context() as patched:
        patched.setattr("sessions_app.flows.advance", lambda _: False)
        finish_jobs()
    assert (minutes.show()["state"], minutes.show()["drain"]["pending"]) == ("DRAINING", [])
    sweep_once(orchestrator())
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"
