"""Abandoned sessions: put away whole, taken back whole, and nothing in between is lost."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from pytest_django import Settings

from astra_site.lib.clock import utc_now
from astra_site.lib.hashing import Sha256
from astra_site.lib.object_store import Bucket, ObjectStoreUnavailable, object_store
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import all_tenants
from jobs.models import Job
from jobs.runtime.orchestration import orchestrator
from jobs.runtime.sweeper import sweep_once
from sessions_app.buffer.keys import BufferKeys
from sessions_app.models import EntryKind, JournalRow, Session
from sessions_app.services import graveyard
from sessions_app.services.journal import as_sealed
from sessions_app.services.rotation import Rotation
from tenants.models import Role
from tests.browser.people import member, signed_in
from tests.owner import as_the_owner
from tests.people import Person, client_for
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, Minutes, finish_jobs, world
from tests.sessions.problems import assert_problem
from tests.sessions.samples import WAV, png

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _everything_is_idle_at_once(settings: Settings) -> None:
    settings.SESSION_IDLE_S = 0


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    """A session with blocks, an image and a context; nothing is in work."""
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    minutes.set_context(speaker="Ana")
    minutes.say(2, DEBATE)
    minutes.show_image(png())
    finish_jobs()
    return minutes


@pytest.fixture
def abandoned(minutes: Minutes) -> Minutes:
    sweep_once(orchestrator())
    assert minutes.show()["state"] == "ABANDONED"
    return minutes


def resume(minutes: Minutes) -> Any:
    return minutes.api.post(minutes.url("resume"))


def grave_of(minutes: Minutes) -> dict[str, Any]:
    entry = [row for row in minutes.journal() if row.kind == EntryKind.ABANDONED][-1]
    stored = object_store().get(Bucket.DOCUMENTS, entry.payload["dump_key"])
    assert str(Sha256.of(stored)) == entry.payload["dump_sha256"]
    grave: dict[str, Any] = json.loads(stored)
    return grave


def keys_in_redis(minutes: Minutes) -> list[str]:
    return [key for key in BufferKeys.of(minutes.row().id).all() if redis_client().exists(key)]


# -- Putting away ------------------------------------------------------------------------------------------------
def test_an_idle_session_is_dumped_journaled_and_leaves_redis(minutes: Minutes) -> None:
    shown, journal = minutes.blocks(), minutes.journal()
    assert keys_in_redis(minutes)
    sweep_once(orchestrator())
    row = minutes.row()
    assert (row.state, keys_in_redis(minutes)) == ("ABANDONED", [])
    grave = grave_of(minutes)
    assert grave["blocks"] == shown
    lines = b"".join(as_sealed(entry).line() + b"\n" for entry in journal)
    assert grave["journal"] == {"length": len(journal), "sha256": str(Sha256.of(lines))}
    assert minutes.kinds()[-1] == "abandoned"
    assert row.graveyard_key == minutes.journal()[-1].payload["dump_key"]
    sweep_once(orchestrator())
    assert minutes.kinds().count("abandoned") == 1


def test_a_session_in_use_stays(minutes: Minutes, settings: Settings) -> None:
    settings.SESSION_IDLE_S = 3_600
    sweep_once(orchestrator())
    assert minutes.show()["state"] == "OPEN"
    with all_tenants(reason="a test turns the clock"):
        Session.objects.update(last_activity_at=utc_now() - timedelta(hours=2))
    sweep_once(orchestrator())
    assert minutes.show()["state"] == "OPEN", "its last result is younger than an hour"


def test_speech_that_waits_for_a_worker_is_no_idleness(minutes: Minutes) -> None:
    minutes.send_audio(3, WAV)
    sweep_once(orchestrator())
    assert minutes.show()["state"] == "OPEN"
    finish_jobs()
    sweep_once(orchestrator())
    assert minutes.show()["state"] == "ABANDONED"


def test_a_session_that_never_heard_anything_is_put_away_too(alice: Person) -> None:
    minutes = Minutes.start(alice)
    sweep_once(orchestrator())
    assert minutes.show()["state"] == "ABANDONED"
    assert resume(minutes).json()["state"] == "OPEN"


def test_more_sessions_than_a_round_takes_are_all_put_away(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = [Minutes.start(alice) for _ in range(5)]
    monkeypatch.setattr(graveyard, "_rotation", Rotation(2))
    for _ in range(4):
        sweep_once(orchestrator())
    assert {minutes.show()["state"] for minutes in sessions} == {"ABANDONED"}


STEPS = ("store_dump", "write", "move", "finish", "last_entry")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_between_any_two_lines_is_finished_by_the_next_sweep(
    minutes: Minutes, step: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, length = minutes.blocks(), len(minutes.journal())
    real: Callable[..., Any] = getattr(graveyard, step)

    class Killed(BaseException):
        pass

    def die(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(graveyard, step, die)
        with pytest.raises(Killed):
            sweep_once(orchestrator())
    sweep_once(orchestrator())
    assert (minutes.show()["state"], keys_in_redis(minutes)) == ("ABANDONED", [])
    assert minutes.row().graveyard_key
    assert minutes.kinds().count("abandoned") == 1
    assert grave_of(minutes)["journal"]["length"] == length
    assert resume(minutes).json()["state"] == "OPEN"
    assert minutes.blocks() == shown


def test_without_an_object_store_nothing_is_put_away(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise ObjectStoreUnavailable("object_store_unavailable", "down")

    with monkeypatch.context() as down:
        down.setattr(type(object_store()), "put", refuse)
        sweep_once(orchestrator())
    assert (minutes.show()["state"], minutes.kinds().count("abandoned")) == ("OPEN", 0)


def test_an_input_that_comes_while_the_dump_is_stored_wins(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    store_dump = graveyard.store_dump

    def and_somebody_speaks(session: Session) -> graveyard.Grave:
        grave = store_dump(session)
        assert minutes.say(3, CLOSING).status_code == 202
        return grave

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(graveyard, "store_dump", and_somebody_speaks)
        sweep_once(orchestrator())
    assert minutes.show()["state"] == "OPEN"
    assert "abandoned" not in minutes.kinds()


def test_inputs_that_race_with_the_sweep_are_accepted_or_told_to_resume(minutes: Minutes) -> None:
    accepted: list[int] = []

    def speak() -> None:
        try:
            for number in range(3, 23):
                answer = minutes.say(number, DEBATE)
                if answer.status_code == 202:
                    accepted.append(number)
                else:
                    assert_problem(answer, 409, "session_abandoned")
        finally:
            connection.close()

    def sweep() -> None:
        try:
            finish_jobs()
            sweep_once(orchestrator())
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(speak), pool.submit(sweep)]:
            future.result(60)
    if minutes.show()["state"] == "ABANDONED":
        assert resume(minutes).status_code == 200
    finish_jobs()
    spoken = [block["sequence_id"] for block in minutes.blocks() if block["type"] != "IMAGE"]
    assert spoken == [1, 2, *accepted]


# -- While it is away --------------------------------------------------------------------------------------------
def test_whatever_is_sent_to_an_abandoned_session_is_told_how_to_resume(abandoned: Minutes) -> None:
    for answer in (
        abandoned.say(3, CLOSING),
        abandoned.send_audio(3, WAV),
        abandoned.set_context(speaker="Luis"),
        abandoned.show_image(png(colour="red")),
        abandoned.upload_recording(WAV),
        abandoned.finalize(),
    ):
        assert_problem(answer, 409, "session_abandoned")
        assert "resume" in answer.json()["detail"]
    assert abandoned.say(2, DEBATE).json()["repeated"], "what was acknowledged stays acknowledged"
    assert abandoned.kinds()[-1] == "abandoned"


def test_its_blocks_can_still_be_read(abandoned: Minutes) -> None:
    assert [block["sequence_id"] for block in abandoned.blocks()] == [1, 2, 2]


def test_pending_work_goes_on_and_its_results_are_kept(minutes: Minutes) -> None:
    minutes.say(3, CLOSING)
    with all_tenants(reason="a test puts the speech out of sight"):
        Job.objects.filter(session_id=minutes.session_id, status="QUEUED").update(flow="out_of_sight")
    sweep_once(orchestrator())
    assert minutes.show()["state"] == "ABANDONED"
    with all_tenants(reason="a test lets it be seen again"):
        Job.objects.filter(flow="out_of_sight").update(flow="transcribe_chunk")
    finish_jobs()
    assert minutes.kinds()[-2:] == ["abandoned", "blocks"]
    assert resume(minutes).json()["state"] == "OPEN"
    assert [block["text"] for block in minutes.blocks()][-1] == CLOSING
    minutes.close()


# -- Taking back -------------------------------------------------------------------------------------------------
def test_a_resumed_session_has_everything_and_ends_in_minutes(abandoned: Minutes) -> None:
    shown = abandoned.blocks()
    redis_client().flushall()
    answer = resume(abandoned)
    assert (answer.status_code, answer.json()["state"]) == (200, "OPEN")
    assert keys_in_redis(abandoned), "it is back in Redis before anybody asks"
    assert abandoned.blocks() == shown
    entry = abandoned.journal()[-1]
    assert (entry.kind, entry.actor, entry.payload) == ("resumed", "alice", {"abandoned": 7, "checked": True})
    assert resume(abandoned).status_code == 200
    assert abandoned.kinds().count("resumed") == 1
    sweep = abandoned.row()
    assert sweep.graveyard_key == ""
    abandoned.say(3, CLOSING)
    finish_jobs()
    closed = abandoned.close()
    assert closed["delivery"]["integrity_hash"]


def test_it_may_be_abandoned_and_resumed_again(abandoned: Minutes) -> None:
    resume(abandoned)
    sweep_once(orchestrator())
    assert abandoned.show()["state"] == "ABANDONED"
    assert grave_of(abandoned)["journal"]["length"] == 8
    assert resume(abandoned).json()["state"] == "OPEN"


def test_only_staff_resumes(abandoned: Minutes, alice: Person, charlie: Person) -> None:
    client = client_for(alice, "sessions:read", "sessions:write", "jobs:write")
    assert_problem(client.post(abandoned.url("resume")), 403, "scope_missing")
    before = world(alice.tenant_id)
    assert_problem(client_for(charlie).post(abandoned.url("resume")), 403, "session_of_another_tenant")
    assert world(alice.tenant_id) == before


def test_a_session_that_was_not_abandoned_can_not_be_resumed(minutes: Minutes) -> None:
    assert_problem(resume(minutes), 409, "session_not_abandoned")
    minutes.close()
    assert_problem(resume(minutes), 409, "session_not_abandoned")


def corrected(minutes: Minutes) -> Minutes:
    """Begin a correction of closed minutes."""
    answer = minutes.api.post(minutes.url("clone"), {}, format="json")
    return Minutes(minutes.api, answer.json()["session_id"])


def test_an_abandoned_correction_is_not_resumed_beside_another_one(minutes: Minutes) -> None:
    minutes.close()
    first = corrected(minutes)
    sweep_once(orchestrator())
    assert first.show()["state"] == "ABANDONED"
    second = corrected(minutes)
    assert_problem(resume(first), 409, "clone_open")
    finish_jobs()
    second.close()
    shown = first.blocks()
    assert shown
    assert resume(first).json()["state"] == "OPEN"
    assert first.blocks() == shown


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("resume_session", *arguments, stdout=out)
    return out.getvalue()


def change(minutes: Minutes, what: str) -> None:
    key = minutes.row().graveyard_key
    if what == "graveyard_missing":
        object_store().delete(Bucket.DOCUMENTS, key)
    elif what == "graveyard_altered":
        object_store().put(Bucket.DOCUMENTS, key, b"{}", "application/json")
    else:
        entry = minutes.journal()[-1]
        grave = {**grave_of(minutes), "blocks": []}
        stored = object_store().put(Bucket.DOCUMENTS, key, json.dumps(grave).encode(), "application/json")
        payload = {**entry.payload, "dump_sha256": str(stored.sha256)}
        with as_the_owner(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE sessions_app_journalrow DISABLE TRIGGER USER")
            JournalRow.objects.filter(pk=entry.pk).update(payload=payload)
            cursor.execute("ALTER TABLE sessions_app_journalrow ENABLE TRIGGER USER")


@pytest.mark.parametrize("what", ["graveyard_missing", "graveyard_altered", "graveyard_differs"])
def test_a_dump_that_is_not_what_the_journal_says_stops_the_resumption_until_somebody_decides(
    abandoned: Minutes, what: str
) -> None:
    change(abandoned, what)
    assert_problem(resume(abandoned), 409, what)
    with pytest.raises(CommandError, match=what):
        command(abandoned.session_id)
    assert abandoned.show()["state"] == "ABANDONED"
    assert "OPEN, 8 journal entries" in command(abandoned.session_id, "--unchecked", "--actor", "staff:ana")
    entry = abandoned.journal()[-1]
    assert (entry.actor, entry.payload["checked"]) == ("staff:ana", False)


def test_the_command_resumes_and_refuses_what_is_no_session(abandoned: Minutes) -> None:
    assert "OPEN" in command(abandoned.session_id)
    with pytest.raises(CommandError, match="session_not_found"):
        command("00000000-0000-0000-0000-000000000000")


def test_it_is_resumed_without_redis_too(abandoned: Minutes, settings: Settings) -> None:
    settings.SESSION_REDIS_URL = "redis://127.0.0.1:1/0"
    assert resume(abandoned).json()["state"] == "OPEN"
    assert [block["sequence_id"] for block in abandoned.blocks()] == [1, 2, 2]


def test_with_redis_down_it_is_abandoned_and_finished_when_redis_is_back(minutes: Minutes, settings: Settings) -> None:
    settings.SESSION_REDIS_URL = "redis://127.0.0.1:1/0"
    sweep_once(orchestrator())
    assert (minutes.show()["state"], minutes.row().graveyard_key) == ("ABANDONED", "")
    settings.SESSION_REDIS_URL = ""
    assert keys_in_redis(minutes)
    sweep_once(orchestrator())
    assert (keys_in_redis(minutes), bool(minutes.row().graveyard_key)) == ([], True)


# -- In the admin ------------------------------------------------------------------------------------------------
def test_an_administrator_resumes_in_the_admin_and_a_clerk_does_not(abandoned: Minutes, alice: Person) -> None:
    page = reverse("admin:sessions_app_session_change", args=[abandoned.session_id])
    button = reverse("admin:sessions_app_session_resume", args=[abandoned.session_id])
    clerk, admin = (signed_in(member(alice.council, role)) for role in (Role.CLERK, Role.ADMIN))
    assert button not in clerk.get(page).content.decode()
    assert clerk.post(button).status_code == 403
    assert button in admin.get(page).content.decode()
    assert admin.get(button).status_code == 405
    assert abandoned.show()["state"] == "ABANDONED"
    assert admin.post(button).status_code == 302
    entry = abandoned.journal()[-1]
    assert (abandoned.show()["state"], entry.kind) == ("OPEN", "resumed")
    assert str(entry.actor).startswith("admin:")


def test_the_action_resumes_what_is_selected_and_explains_the_rest(
    abandoned: Minutes, alice: Person, charlie: Person
) -> None:
    other = Minutes.start(alice)
    changelist = reverse("admin:sessions_app_session_changelist")
    chosen = {"action": "resume_sessions", "_selected_action": [abandoned.session_id, other.session_id]}
    outsider = signed_in(member(charlie.council, Role.ADMIN))
    outsider.post(changelist, chosen)
    assert abandoned.show()["state"] == "ABANDONED"
    admin = signed_in(member(alice.council, Role.ADMIN), "en")
    shown = admin.post(changelist, chosen, follow=True).content.decode()
    assert "The session is open again." in shown
    assert "Only an abandoned session can be resumed." in shown
    assert abandoned.show()["state"] == "OPEN"
    outside = reverse("admin:sessions_app_session_resume", args=[abandoned.session_id])
    assert outsider.post(outside).status_code == 302
    assert abandoned.kinds().count("resumed") == 1
