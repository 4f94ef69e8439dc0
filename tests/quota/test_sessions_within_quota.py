"""Sessions of a council whose quota runs out: they go on, they end with a document, and a top-up makes them whole."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from astra_site.lib.clock import utc_now
from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, object_store
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import tenant_scope
from jobs.runtime.orchestration import orchestrator
from jobs.runtime.sweeper import sweep_once
from sessions_app.services.transcripts import transcribe_input
from tenants.models import QuotaEntry
from tests.people import Person
from tests.quota.ground import AI, STORAGE, Ground
from tests.quota.test_ledger import command
from tests.sessions.minutes_client import CLOSING, OPENING, Minutes, finish_jobs
from tests.sessions.problems import assert_problem
from tests.sessions.samples import FLAC, OTHER_WAV, WAV, png

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]
SPEECH = (Path(__file__).parents[1] / "data" / "speech" / "contract" / "vote.flac").read_bytes()


@pytest.fixture
def ai(alice: Person) -> Ground:
    return Ground(tenant=alice.council, now=utc_now())


@pytest.fixture
def storage(alice: Person) -> Ground:
    return Ground(tenant=alice.council, now=utc_now(), resource=STORAGE)


def transcript_of(minutes: Minutes) -> dict[str, int]:
    (row,) = [row for row in minutes.journal() if row.kind == "transcript"]
    payload: dict[str, int] = row.payload
    return payload


def test_speech_is_paid_by_what_the_engine_heard_once(alice: Person, ai: Ground) -> None:
    ai.set_limit(3_600_000)
    minutes = Minutes.start(alice)
    minutes.send_audio(1, SPEECH)
    minutes.send_audio(2, WAV)  # a tone: nobody speaks
    minutes.say(3, CLOSING)
    finish_jobs()
    used, length_ms = ai.usage().standing.used, minutes.journal()[0].audio_duration_ms
    assert 0 < used <= (length_ms or 0)
    (paid,) = [entry for entry in ai.entries() if entry.kind == "settle"]
    heard = [row.payload["heard_ms"] for row in minutes.journal() if row.kind == "transcript"]
    assert sorted(heard) == [0, paid.amount]
    assert str(paid.session_id) == minutes.session_id
    assert ai.usage().held == 0
    minutes.close()
    assert ai.usage().standing.used == used


def test_a_session_without_quota_ends_with_a_document_and_a_top_up_makes_it_whole(alice: Person, ai: Ground) -> None:
    ai.set_limit(0)
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    minutes.send_audio(2, SPEECH)
    minutes.say(3, CLOSING)
    finish_jobs()
    pending = minutes.blocks()[1]
    assert pending["type"] == "AUDIO_PENDING"
    assert pending["data"]["error_code"] == "quota_exhausted"
    assert pending["audio"]["sha256"] == minutes.journal()[1].audio_sha256
    other = Minutes.start(alice)
    other.send_audio(1, SPEECH)
    finish_jobs()
    minutes.close()
    assert [block["type"] for block in minutes.dump()["blocks"]] == ["TEMPLATE", "AUDIO_PENDING", "TEMPLATE"]
    assert ai.usage().standing.used == 0

    ai.top_up(3_600_000)
    finish_jobs()  # nobody asks for it: the recovery has waited
    assert [block["type"] for block in other.blocks()] != ["AUDIO_PENDING"]
    assert ai.usage().standing.used == transcript_of(other)["heard_ms"] > 0
    other.close()


def test_another_council_goes_on(alice: Person, charlie: Person, ai: Ground) -> None:
    ai.set_limit(0)
    minutes = Minutes.start(charlie)
    minutes.send_audio(1, SPEECH)
    finish_jobs()
    assert [block["type"] for block in minutes.blocks()] != ["AUDIO_PENDING"]


def test_redis_emptied_between_any_two_steps_changes_no_bill(alice: Person, ai: Ground) -> None:
    ai.set_limit(3_600_000)
    minutes = Minutes.start(alice)
    minutes.send_audio(1, SPEECH)
    redis_client().flushall()
    finish_jobs()
    redis_client().flushall()
    used = ai.usage().standing.used
    assert used == transcript_of(minutes)["heard_ms"]
    assert ai.left() == 3_600_000 - used


def test_a_doubled_transcription_is_paid_once(alice: Person, ai: Ground) -> None:
    minutes = Minutes.start(alice)
    minutes.send_audio(1, SPEECH)
    (job,) = minutes.jobs()
    with tenant_scope(alice.tenant_id):
        context = type("Context", (), {"report_progress": staticmethod(lambda *_: None), "job": job})()
        for _ in range(2):
            transcribe_input(minutes.row().__class__.objects.get(pk=minutes.session_id), 1, context)
        finish_jobs()
        assert QuotaEntry.objects.filter(resource=AI).count() == 1


def test_used_up_storage_refuses_what_is_new_and_never_a_running_session(alice: Person, storage: Ground) -> None:
    minutes = Minutes.start(alice)
    minutes.send_audio(1, WAV)
    storage.set_limit(10)
    assert_problem(minutes.upload_recording(FLAC), 409, "storage_quota_exhausted")
    assert_problem(minutes.show_image(png()), 409, "storage_quota_exhausted")
    sweep_once(orchestrator())
    assert storage.usage().standing.used == len(WAV)
    refused = minutes.api.post("/v1/orchestrator/session/start", {"client_timezone": "America/Bogota"}, format="json")
    assert_problem(refused, 409, "storage_quota_exhausted")
    assert minutes.send_audio(2, OTHER_WAV).status_code == 202
    finish_jobs()
    minutes.close()
    assert storage.usage().standing.used == len(WAV) + len(OTHER_WAV)
    storage.top_up(10**9)
    again = Minutes.start(alice)
    assert again.show_image(png()).status_code == 201


def test_files_are_booked_once_however_often_they_come(alice: Person, storage: Ground) -> None:
    storage.set_limit(10**9)
    minutes = Minutes.start(alice)
    for _ in range(2):
        assert minutes.upload_recording(FLAC).status_code == 201
        assert minutes.show_image(png()).status_code in (200, 201)
        assert Minutes.start(alice).show_image(png()).status_code in (200, 201)
    assert sorted(entry.reference.partition(":")[0] for entry in storage.entries()) == ["", "asset", "recording"]
    used = storage.usage().standing.used
    minutes.submit_recording(minutes.upload_recording(FLAC).json()["audio_url"])
    finish_jobs()
    minutes.close()
    assert storage.usage().standing.used == used > len(FLAC)
    storage.set_limit(0)
    assert minutes.upload_recording(FLAC).status_code == 201  # it is stored and paid for already


def test_a_store_that_takes_nothing_costs_nothing(
    alice: Person, storage: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = Minutes.start(alice)
    storage.set_limit(10**9)
    monkeypatch.setattr("sessions_app.services.uploads.object_store", _full_store)
    with pytest.raises(OSError, match="full"):
        minutes.upload_recording(FLAC)
    assert (storage.usage().standing.used, storage.usage().held) == (0, 0)


def _full_store() -> object:
    raise OSError("the disk is full")


def test_reconciling_books_what_was_stored_before_there_was_a_ledger(
    alice: Person, storage: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = Minutes.start(alice)
    with monkeypatch.context() as before:
        for place in ("uploads", "inputs"):
            before.setattr(f"sessions_app.services.{place}.storage_booked", lambda *args, **kwargs: nullcontext())
        minutes.send_audio(1, WAV)
        image = minutes.show_image(png()).json()
        minutes.submit_recording(minutes.upload_recording(FLAC).json()["audio_url"])
    assert storage.usage().standing.used == 0
    (line,) = command("reconcile_quota", alice.council.slug)
    stored = object_store().head(Bucket.ASSETS, f"{alice.tenant_id}/{Sha256.parse(image['sha256']).hex}")
    assert stored is not None
    assert (line["what"], line["booked"]) == ("storage", len(WAV) + len(FLAC) + stored.size_bytes)
    assert command("reconcile_quota", alice.council.slug) == []
