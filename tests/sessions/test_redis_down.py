"""Redis is heat, not truth: with nobody at its address every acknowledgement still holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker
from pytest_django import Settings

from astra_site.lib.redis_client import redis_client
from jobs.models import Status
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, Minutes, finish_jobs
from tests.sessions.problems import assert_problem
from tests.sessions.samples import WAV, png

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def redis_address(settings: Settings) -> Iterator[Settings]:
    yield settings
    redis_client.cache_clear()


@contextmanager
def nobody_at_redis(settings: Settings) -> Iterator[None]:
    """Point the buffer and the broker at a closed port."""
    address, broker = settings.REDIS_URL, dramatiq.get_broker()
    unreachable = RedisBroker(url=NOBODY, middleware=[])  # type: ignore[no-untyped-call]  # dramatiq: untyped
    settings.REDIS_URL = NOBODY
    redis_client.cache_clear()
    dramatiq.set_broker(unreachable)
    try:
        yield
    finally:
        settings.REDIS_URL = address
        redis_client().close()
        redis_client.cache_clear()
        dramatiq.set_broker(broker)
        unreachable.close()


def speak(minutes: Minutes) -> None:
    assert minutes.say(3, CLOSING).status_code == 202
    assert minutes.say(1, OPENING).status_code == 202
    assert minutes.set_context(topic="Aguas").status_code == 200
    assert minutes.show_image(png(), after_sequence_id=2).status_code == 201
    assert minutes.say(2, DEBATE).status_code == 202


def test_a_session_without_redis_ends_as_one_with_it(alice: Person, redis_address: Settings) -> None:
    reference = Minutes.start(alice)
    speak(reference)
    finish_jobs()
    reference.close()
    with nobody_at_redis(redis_address):
        minutes = Minutes.start(alice)
        speak(minutes)
        assert [block["status"] for block in minutes.blocks()] == ["PROCESSING", "PROCESSING", "READY", "PROCESSING"]
        finish_jobs()
        texts = [block["text"] for block in minutes.blocks()]
        assert texts == [OPENING, DEBATE, "", CLOSING]
        minutes.close()
    without_ids = [
        [{**block, "data": {**block["data"], "asset_id": None}} for block in one.dump()["blocks"]]
        for one in (reference, minutes)
    ]
    assert without_ids[0] == without_ids[1]


def test_acknowledged_while_redis_is_down_is_there_when_it_is_back(alice: Person, redis_address: Settings) -> None:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    with nobody_at_redis(redis_address):
        assert minutes.send_audio(2, WAV).status_code == 202
        assert minutes.say(3, CLOSING).status_code == 202
    redis_client().flushall()
    assert [block["sequence_id"] for block in minutes.blocks()] == [1, 2, 3]
    assert [job.status for job in minutes.jobs()] == [Status.QUEUED] * 3
    finish_jobs()
    minutes.close()


def test_redis_flushed_between_any_two_calls_loses_nothing(alice: Person) -> None:
    minutes = Minutes.start(alice)
    for number, text in ((2, DEBATE), (1, OPENING), (3, CLOSING)):
        redis_client().flushall()
        minutes.say(number, text)
        redis_client().flushall()
        finish_jobs()
    redis_client().flushall()
    assert [block["text"] for block in minutes.blocks()] == [OPENING, DEBATE, CLOSING]
    minutes.close()


def test_refusals_stay_refusals_without_redis(alice: Person, redis_address: Settings) -> None:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    with nobody_at_redis(redis_address):
        assert_problem(minutes.say(1, CLOSING), 409, "sequence_conflict")
        assert minutes.say(1, OPENING).json()["repeated"]
