"""Who sends too much, or while the workers are behind, is told when to come back; what was accepted is safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from astra_site.lib.clock import utc_now
from astra_site.lib.redis_client import redis_client
from astra_site.lib.tenancy import all_tenants
from jobs.models import Job
from sessions_app.services import limits
from sessions_app.services.limits import pressure, rate_buckets
from tests.people import Person
from tests.sessions.asgi_client import Site
from tests.sessions.minutes_client import OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.problems import assert_problem
from tests.sessions.samples import WAV
from tests.sessions.test_redis_down import nobody_at_redis

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 20.0


@pytest.fixture(autouse=True)
def _fresh(clean_redis: None) -> Iterator[None]:
    """Nothing is remembered of other tests."""
    rate_buckets().forget()
    pressure.look_again()
    yield
    assert rate_buckets().finish(DEADLINE_S)
    rate_buckets().forget()


def counted(answer: Any) -> Any:
    """Let the process hear of what it has sent, as it does by itself a moment later."""
    assert rate_buckets().finish(DEADLINE_S)
    return answer


def within_deadline(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline_s
        threading.Event().wait(0.02)  # the clock is Redis's


def test_a_session_that_sends_too_fast_is_slowed_down_and_not_failed(alice: Person, settings: Settings) -> None:
    settings.SESSION_RATE_PER_S, settings.SESSION_RATE_BURST = 4, 3
    minutes, slow = Minutes.start(alice), Minutes.start(alice)
    for number in (1, 2, 3):
        assert counted(minutes.say(number, OPENING)).status_code == 202
    refused = minutes.say(4, OPENING)
    assert_problem(refused, 429, "rate_limited")
    assert refused["Retry-After"] == "1"
    assert refused.json()["details"] == {"retry_after_s": 1}
    assert slow.say(1, OPENING).status_code == 202, "another session of the same council goes on"
    within_deadline(lambda: bool(minutes.say(4, OPENING).status_code == 202))
    finish_jobs()
    minutes.close()
    assert minutes.kinds().count("text") == 4


def test_a_refused_input_counts_no_token_and_leaves_nothing(alice: Person, settings: Settings) -> None:
    settings.SESSION_RATE_PER_S, settings.SESSION_RATE_BURST = 1, 1
    minutes = Minutes.start(alice)
    counted(minutes.send_audio(1, WAV))
    before = minutes.row().journal_length, minutes.jobs()
    waits = {counted(minutes.send_audio(2, WAV)).json()["details"]["retry_after_s"] for _ in range(20)}
    assert waits == {1}
    assert (minutes.row().journal_length, minutes.jobs()) == before


def test_a_council_has_a_rate_of_its_own(alice: Person, charlie: Person, settings: Settings) -> None:
    settings.TENANT_RATE_PER_S, settings.TENANT_RATE_BURST = 1, 4
    one, two, elsewhere = Minutes.start(alice), Minutes.start(alice), Minutes.start(charlie)
    for number in (1, 2):
        assert counted(one.say(number, OPENING)).status_code == 202
        assert counted(two.say(number, OPENING)).status_code == 202
    assert_problem(one.say(3, OPENING), 429, "rate_limited")
    assert_problem(two.say(3, OPENING), 429, "rate_limited")
    assert elsewhere.say(1, OPENING).status_code == 202


def test_an_outsider_empties_no_bucket_but_his_own(alice: Person, charlie: Person, settings: Settings) -> None:
    settings.SESSION_RATE_PER_S, settings.SESSION_RATE_BURST = 1, 2
    minutes = Minutes.start(alice)
    theirs = Minutes(Minutes.start(charlie).api, minutes.session_id)
    for _ in range(5):
        counted(theirs.say(1, OPENING))
    assert minutes.say(1, OPENING).status_code == 202


def test_in_front_of_django_the_body_is_not_even_read(alice: Person, settings: Settings) -> None:
    settings.SESSION_RATE_PER_S, settings.SESSION_RATE_BURST = 1, 1
    minutes, site = Minutes.start(alice), Site()
    counted(site.append(minutes, alice, "?sequence_id=1", WAV, "audio/wav"))
    refused = site.append(minutes, alice, "?sequence_id=2", b"no audio", "audio/wav")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["trace_id"] == refused.headers["x-trace-id"]
    assert site.reached_django == []


def test_without_redis_nobody_is_slowed_down(alice: Person, settings: Settings) -> None:
    settings.SESSION_RATE_PER_S, settings.SESSION_RATE_BURST = 1, 1
    minutes = Minutes.start(alice)
    with nobody_at_redis(settings):
        for number in range(1, 6):
            assert minutes.say(number, OPENING).status_code == 202
        assert rate_buckets().finish(DEADLINE_S)
    redis_client.cache_clear()
    finish_jobs()
    minutes.close()


def test_an_emptied_redis_fills_the_buckets(alice: Person, settings: Settings) -> None:
    settings.SESSION_RATE_PER_S, settings.SESSION_RATE_BURST = 1, 2
    minutes = Minutes.start(alice)
    for number in (1, 2):
        counted(minutes.say(number, OPENING))
    redis_client().flushall()
    rate_buckets().forget()
    assert counted(minutes.say(3, OPENING)).status_code == 202


def test_a_rate_of_nothing_limits_nothing(alice: Person, settings: Settings) -> None:
    settings.SESSION_RATE_PER_S = settings.TENANT_RATE_PER_S = 0
    minutes = Minutes.start(alice)
    for number in range(1, 8):
        assert counted(minutes.say(number, OPENING)).status_code == 202
    assert redis_client().keys("astra:rate:*") == []


def test_each_bucket_has_a_hash_slot_of_its_own_and_an_end(alice: Person) -> None:
    minutes = Minutes.start(alice)
    counted(minutes.say(1, OPENING))
    names = sorted(str(name) for name in redis_client().scan_iter("astra:rate:*"))
    assert names == [
        f"astra:rate:{{session:{alice.tenant_id}:{minutes.session_id}}}",
        f"astra:rate:{{tenant:{alice.tenant_id}}}",
    ]
    assert all(0 < int(str(redis_client().ttl(name))) <= 60 for name in names)


def behind_by(minutes: Minutes, seconds: float) -> None:
    """Let the waiting jobs be due for so long."""
    with all_tenants(reason="a test turns the clock"):
        Job.objects.filter(session_id=minutes.session_id).update(not_before=utc_now() - timedelta(seconds=seconds))
    pressure.look_again()


def test_new_inputs_wait_while_the_workers_are_behind_and_known_ones_do_not(
    alice: Person, charlie: Person, settings: Settings
) -> None:
    settings.BACKLOG_AGE_S = 60
    minutes, elsewhere = Minutes.start(alice), Minutes.start(charlie)
    minutes.say(1, OPENING)
    minutes.send_audio(2, WAV)
    behind_by(minutes, 61)
    for answer in (minutes.say(3, OPENING), minutes.send_audio(3, WAV), elsewhere.say(1, OPENING)):
        assert_problem(answer, 429, "workers_behind")
        assert answer["Retry-After"] == str(answer.json()["details"]["retry_after_s"]) == "10"
    assert minutes.send_audio(2, WAV).json()["repeated"], "what was accepted is answered as before"
    assert_problem(minutes.say(1, VOTE), 409, "sequence_conflict")
    assert minutes.kinds() == ["text", "audio"]
    redis_client().flushall()
    pressure.look_again()
    assert_problem(minutes.say(3, OPENING), 429, "workers_behind")
    finish_jobs()
    pressure.look_again()
    assert minutes.say(3, OPENING).status_code == 202


def test_they_come_back_at_half_of_what_sent_them_away(alice: Person, settings: Settings) -> None:
    settings.BACKLOG_AGE_S, settings.BACKLOG_INPUTS = 60, 0
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    for seconds, is_behind in ((50, False), (61, True), (50, True), (31, True), (29, False), (50, False)):
        behind_by(minutes, seconds)
        assert pressure.is_behind() is is_behind, seconds


def test_a_long_queue_is_being_behind_too(alice: Person, settings: Settings) -> None:
    settings.BACKLOG_INPUTS, settings.BACKLOG_AGE_S = 4, 0
    minutes = Minutes.start(alice)
    for number in range(1, 6):
        pressure.look_again()
        assert minutes.say(number, OPENING).status_code == 202
    pressure.look_again()
    assert_problem(minutes.say(6, OPENING), 429, "workers_behind")
    with all_tenants(reason="a test plays the workers"):
        done = Job.objects.filter(session_id=minutes.session_id).order_by("not_before").values_list("pk", flat=True)
        Job.objects.filter(pk__in=list(done)[:3]).update(status="COMPLETED")
    pressure.look_again()
    assert minutes.say(6, OPENING).status_code == 202


def test_the_database_is_asked_once_a_second_however_many_inputs_come(
    alice: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    backlog = limits.backlog

    def noting(queue: str, *, at_most: int) -> limits.Backlog:
        asked.append(queue)
        return backlog(queue, at_most=at_most)

    monkeypatch.setattr(limits, "backlog", noting)
    minutes, started_s = Minutes.start(alice), time.monotonic()
    for number in range(1, 11):
        minutes.say(number, OPENING)
    assert 1 <= len(asked) <= 1 + (time.monotonic() - started_s)
    settings.BACKLOG_INPUTS = settings.BACKLOG_AGE_S = 0
    pressure.look_again()
    minutes.say(11, OPENING)
    assert 1 <= len(asked) <= 1 + (time.monotonic() - started_s)


def test_jobs_that_are_not_due_and_other_queues_do_not_count(alice: Person, settings: Settings) -> None:
    settings.BACKLOG_AGE_S, settings.BACKLOG_INPUTS = 60, 1
    minutes = Minutes.start(alice)
    for number in (1, 2, 3):
        minutes.say(number, OPENING)
    with all_tenants(reason="a test moves jobs"):
        waiting = Job.objects.filter(session_id=minutes.session_id)
        waiting.update(not_before=utc_now() + timedelta(hours=1))
        pressure.look_again()
        assert not pressure.is_behind()
        waiting.update(not_before=utc_now() - timedelta(hours=1), queue="batch")
        pressure.look_again()
        assert not pressure.is_behind()
