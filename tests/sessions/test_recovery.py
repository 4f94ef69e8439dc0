"""Audio that could not be heard at first is heard after all: its words replace the pending block."""

from __future__ import annotations

import pytest

from astra_site.lib.object_store import Bucket
from demo.recorded_session import RecordedSession
from jobs.models import Job, Status
from sessions_app.projection import sealed_form
from tests.people import Person
from tests.sessions.minutes_client import BASE, CLOSING, Minutes, finish_jobs
from tests.sessions.test_failures import path_of, without

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    """A session of one spoken chunk that was lost for a while, and a closing."""
    minutes = Minutes.start(alice, mode="realtime")
    minutes.send_audio(1, RecordedSession().chunks()[0].wav)
    minutes.say(2, CLOSING)
    with without(path_of(Bucket.AUDIO, minutes.journal()[0].audio_key)):
        finish_jobs()
    assert [block["type"] for block in minutes.blocks()] == ["AUDIO_PENDING", "TEMPLATE"]
    return minutes


def failed_job(minutes: Minutes) -> Job:
    return minutes.jobs(status=Status.FAILED)[0]


def test_a_retried_transcription_replaces_the_pending_block(minutes: Minutes) -> None:
    assert minutes.api.post(f"{BASE}/jobs/{failed_job(minutes).id}/retry").status_code == 200
    finish_jobs()
    intents = [block["intent"] for block in minutes.blocks()]
    assert "OPEN_SESSION" in intents
    assert intents[-1] == "CLOSE_SESSION"
    assert {block["status"] for block in minutes.blocks()} == {"READY"}
    assert minutes.kinds()[-2:] == ["transcript", "recovered"]
    minutes.close()
    assert minutes.dump()["blocks"] == [sealed_form(block) for block in minutes.blocks()]


def test_recovering_twice_leaves_one_result(minutes: Minutes) -> None:
    job = failed_job(minutes)
    minutes.api.post(f"{BASE}/jobs/{job.id}/retry")
    finish_jobs()
    blocks, kinds = minutes.blocks(), minutes.kinds()
    assert minutes.api.post(f"{BASE}/jobs/{job.id}/retry").status_code == 409
    finish_jobs()
    assert (minutes.blocks(), minutes.kinds()) == (blocks, kinds)


def test_while_draining_a_retry_still_reaches_the_minutes(minutes: Minutes) -> None:
    minutes.say(4, CLOSING)
    assert minutes.finalize().json()["drain"]["missing"] == [3]
    minutes.api.post(f"{BASE}/jobs/{failed_job(minutes).id}/retry")
    finish_jobs()
    minutes.close(accept_gaps=True)
    assert {block["status"] for block in minutes.dump()["blocks"]} == {"READY"}
