"""Temporary audio goes only when custody holds it, and what reads it then reads the held copy."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from astra_site.lib.clock import utc_now
from astra_site.lib.errors import NotFound
from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, ObjectStoreUnavailable, object_store
from astra_site.lib.tenancy import all_tenants, tenant_scope
from custody.errors import WormCopyDiffers
from custody.models import HeldObject
from custody.worm import verify_held
from jobs.models import Status
from jobs.runtime.orchestration import orchestrator
from jobs.runtime.sweeper import sweep_once
from sessions_app.errors import SessionStateConflict
from sessions_app.models import JournalRow, Session, State
from sessions_app.services import cleaning
from sessions_app.services.audio import read_audio
from sessions_app.services.cleaning import CLEAN_SESSION, CleaningReport, clean_session, sweep_cleaning
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, Minutes, finish_jobs
from tests.sessions.samples import FLAC, WAV
from tests.sessions.test_failures import path_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _due_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TEMPORARY_AUDIO_DAYS = 0
    monkeypatch.setattr(cleaning, "_next_look_s", 0.0)
    monkeypatch.setattr(cleaning, "_LOOK_EVERY_S", 0.0)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    """A closed session of two chunks of audio and a sentence."""
    minutes = Minutes.start(alice, mode="realtime")
    for number, audio in enumerate((WAV, FLAC), 1):
        minutes.send_audio(number, audio)
    minutes.say(3, CLOSING)
    finish_jobs()
    minutes.close()
    return minutes


def audio_keys(minutes: Minutes) -> list[str]:
    row = minutes.row()
    return list(object_store().iter_keys(Bucket.AUDIO, f"{row.tenant_id}/{row.id}/"))


def clean(minutes: Minutes, **options: Any) -> CleaningReport:
    session = minutes.row()
    with tenant_scope(session.tenant_id):
        return clean_session(session, **options)


def spoken(minutes: Minutes) -> list[JournalRow]:
    return [row for row in minutes.journal() if row.kind == "audio"]


def held(minutes: Minutes) -> list[HeldObject]:
    with all_tenants(reason="a test looks"):
        return list(HeldObject.objects.filter(session_id=minutes.session_id).order_by("sha256"))


def spoil(row: HeldObject) -> None:
    path = path_of(Bucket.WORM, row.worm_key)
    path.chmod(0o644)
    path.write_bytes(b"x" * row.size_bytes)


def heard(row: JournalRow) -> bytes:
    with read_audio(row) as stream:
        return stream.read()


def test_what_custody_holds_is_removed_and_the_session_is_marked(minutes: Minutes) -> None:
    keys = audio_keys(minutes)
    assert len(keys) == 2
    report = clean(minutes)
    assert (report.removed, report.kept) == (keys, [])
    assert report.removed_bytes == sum(row.size_bytes for row in held(minutes))
    assert (audio_keys(minutes), minutes.row().cleaned_at is not None) == ([], True)
    marked = minutes.row().cleaned_at
    again = clean(minutes)
    assert (again.removed, minutes.row().cleaned_at) == ([], marked)


def test_audio_that_was_removed_is_read_from_custody(minutes: Minutes, charlie: Person) -> None:
    rows = spoken(minutes)
    with tenant_scope(minutes.row().tenant_id):
        before = [heard(row) for row in rows]
        clean(minutes)
        after = [heard(row) for row in rows]
        with pytest.raises(NotFound) as caught:
            read_audio(minutes.journal()[-1])
    assert before == after
    assert [str(Sha256.of(audio)) for audio in after] == [row.audio_sha256 for row in rows]
    assert caught.value.code == "audio_missing"
    with tenant_scope(charlie.tenant_id), pytest.raises(NotFound):
        read_audio(rows[0])


def test_a_dry_run_verifies_and_removes_nothing(minutes: Minutes) -> None:
    keys = audio_keys(minutes)
    assert clean(minutes, dry_run=True).removed == keys
    assert (audio_keys(minutes), minutes.row().cleaned_at) == (keys, None)


@pytest.mark.parametrize("what", ["worm_copy_differs", "custody_copy_missing", "audio_not_held"])
def test_what_custody_does_not_hold_as_it_should_is_kept_and_reported(minutes: Minutes, what: str) -> None:
    keys, row = audio_keys(minutes), spoken(minutes)[0]
    (copy,) = (copy for copy in held(minutes) if copy.sha256 == row.audio_sha256)
    if what == "worm_copy_differs":
        spoil(copy)
    elif what == "custody_copy_missing":
        path_of(Bucket.WORM, copy.worm_key).unlink()
    else:
        object_store().put(Bucket.AUDIO, row.audio_key, b"something else", "audio/wav")
    report = clean(minutes)
    assert report.kept == report.problems == [(row.audio_key, what)]
    assert report.removed == [key for key in keys if key != row.audio_key]
    assert (audio_keys(minutes), minutes.row().cleaned_at) == ([row.audio_key], None)


def test_an_upload_that_was_never_used_is_kept_until_an_operator_says_so(alice: Person) -> None:
    minutes = Minutes.start(alice)
    minutes.say(1, CLOSING)
    minutes.upload_recording(WAV)
    finish_jobs()
    minutes.close()
    (key,) = audio_keys(minutes)
    report = clean(minutes)
    assert (report.kept, report.problems) == ([(key, "unused_upload")], [])
    assert minutes.row().cleaned_at is not None
    assert clean(minutes, unused_uploads=True).removed == [key]
    assert audio_keys(minutes) == []


def test_an_upload_of_what_custody_holds_is_removed(minutes: Minutes) -> None:
    key = f"{minutes.row().tenant_id}/{minutes.session_id}/recording-again"
    with tenant_scope(minutes.row().tenant_id):
        object_store().put(Bucket.AUDIO, key, heard(spoken(minutes)[0]), "audio/wav")
    assert key in clean(minutes).removed


def test_only_a_closed_session_is_cleaned(minutes: Minutes, subtests: pytest.Subtests) -> None:
    keys = audio_keys(minutes)
    for state in set(State) - {State.CLOSED}:
        with subtests.test(state=state):
            with all_tenants(reason="a test sets the scene"):
                Session.objects.filter(pk=minutes.session_id).update(state=state)
            with pytest.raises(SessionStateConflict) as caught:
                clean(minutes)
            assert caught.value.code == "session_not_closed"
            with all_tenants(reason="as the sweeper does"):
                assert list(sweep_cleaning()) == []
    assert (minutes.jobs(flow=CLEAN_SESSION), audio_keys(minutes)) == ([], keys)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_kill_anywhere_is_finished_by_the_next_run(
    minutes: Minutes, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = type(object_store())
    delete, calls = store.delete, 0

    def die(self: Any, bucket: Bucket, key: str) -> None:
        nonlocal calls
        if calls == at:
            raise Killed
        calls += 1
        delete(self, bucket, key)

    def checked() -> None:
        if at == 2 and calls == 2:
            raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(store, "delete", die)
        with pytest.raises(Killed):
            clean(minutes, on_checked=checked)
    assert len(audio_keys(minutes)) == 2 - at
    clean(minutes)
    assert (audio_keys(minutes), minutes.row().cleaned_at is not None) == ([], True)


# -- The sweeper -------------------------------------------------------------------------------------------------
def test_the_sweeper_makes_a_job_for_each_session_that_is_due(minutes: Minutes, settings: Settings) -> None:
    settings.TEMPORARY_AUDIO_DAYS = 8
    sweep_once(orchestrator())
    assert minutes.jobs(flow=CLEAN_SESSION) == []
    with all_tenants(reason="a test turns the clock"):
        Session.objects.update(closed_at=utc_now() - timedelta(days=8, minutes=1))
    sweep_once(orchestrator())
    sweep_once(orchestrator())
    finish_jobs()
    (job,) = minutes.jobs(flow=CLEAN_SESSION)
    assert (job.status, job.facts["removed"]) == (Status.COMPLETED, 2)
    assert audio_keys(minutes) == []
    sweep_once(orchestrator())
    assert len(minutes.jobs(flow=CLEAN_SESSION)) == 1


def test_a_cleaning_that_failed_is_shown_and_tried_again_a_day_later(minutes: Minutes) -> None:
    spoil(held(minutes)[0])
    sweep_once(orchestrator())
    finish_jobs()
    (job,) = minutes.jobs(flow=CLEAN_SESSION)
    assert (job.status, job.error_code) == (Status.FAILED, "audio_kept")
    sweep_once(orchestrator())
    assert len(minutes.jobs(flow=CLEAN_SESSION)) == 1
    with all_tenants(reason="a test turns the clock"):
        type(job).objects.filter(pk=job.pk).update(created_at=utc_now() - timedelta(days=2), dedup_key="earlier")
    sweep_once(orchestrator())
    assert len(minutes.jobs(flow=CLEAN_SESSION)) == 2


def test_a_store_that_is_down_for_a_moment_fails_nothing_for_good(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise ObjectStoreUnavailable("object_store_unavailable", "down")

    with monkeypatch.context() as down:
        down.setattr(type(object_store()), "delete", refuse)
        sweep_once(orchestrator())
        from_queue = minutes.jobs(flow=CLEAN_SESSION)[0]
        with pytest.raises(AssertionError, match="still work"):
            finish_jobs(rounds=1)
    finish_jobs()
    assert minutes.jobs(flow=CLEAN_SESSION)[0].id == from_queue.id
    assert (audio_keys(minutes), minutes.row().cleaned_at is not None) == ([], True)


def test_a_correction_that_is_not_closed_keeps_the_audio_of_what_it_corrects(minutes: Minutes) -> None:
    clone = Minutes(minutes.api, minutes.api.post(minutes.url("clone"), {}, format="json").json()["session_id"])
    sweep_once(orchestrator())
    assert minutes.jobs(flow=CLEAN_SESSION) == []
    finish_jobs()
    clone.close()
    sweep_once(orchestrator())
    assert len(minutes.jobs(flow=CLEAN_SESSION)) == 1


def test_a_correction_that_begins_after_the_cleaning_is_sealed_with_the_held_audio(minutes: Minutes) -> None:
    clean(minutes)
    clone = Minutes(minutes.api, minutes.api.post(minutes.url("clone"), {}, format="json").json()["session_id"])
    finish_jobs()
    clone.close()
    assert [row.sha256 for row in held(clone)] == [row.sha256 for row in held(minutes)]
    with tenant_scope(clone.row().tenant_id):
        inherited = [row for row in clone.journal() if row.audio_sha256]
        assert [str(Sha256.of(heard(row))) for row in inherited] == [row.audio_sha256 for row in inherited]
    assert clean(clone).kept == []


def test_a_held_copy_is_compared_by_size_and_hash(minutes: Minutes) -> None:
    row = held(minutes)[0]
    verify_held(row)
    row.size_bytes += 1
    with pytest.raises(WormCopyDiffers):
        verify_held(row)


# -- manage.py clean_sessions ------------------------------------------------------------------------------------
def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("clean_sessions", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_lists_and_then_removes(minutes: Minutes, settings: Settings) -> None:
    settings.TEMPORARY_AUDIO_DAYS = 8
    assert command() == ""
    settings.TEMPORARY_AUDIO_DAYS = 0
    assert "2 objects" in command("--dry-run")
    assert len(audio_keys(minutes)) == 2
    assert "removed" in command(minutes.session_id)
    assert audio_keys(minutes) == []
    assert command() == ""


def test_the_command_fails_where_custody_does_not_hold_an_input(minutes: Minutes) -> None:
    spoil(held(minutes)[0])
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 objects are kept"):
        call_command("clean_sessions", stdout=out)
    assert "worm_copy_differs" in out.getvalue()
    with pytest.raises(CommandError, match="session_not_found"):
        command("00000000-0000-0000-0000-000000000000")
