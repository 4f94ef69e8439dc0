"""Who is too fast, or meets workers that are behind, is told over gRPC when to come back; nothing is lost by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from grpc import StatusCode as Status
from pytest_django import Settings

from sessions_app.services.limits import pressure, rate_buckets
from tests.people import Person
from tests.rpc.live import live
from tests.rpc.serving import Rpc, refused
from tests.sessions.minutes_client import OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.test_limits import behind_by, counted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]


@pytest.fixture
def minutes(alice: Person) -> Iterator[Minutes]:
    rate_buckets().forget()
    pressure.look_again()
    yield Minutes.start(alice, mode="realtime")
    rate_buckets().forget()
    pressure.look_again()


def test_a_call_that_is_too_fast_may_come_back_in_a_second(rpc: Rpc, minutes: Minutes, settings: Settings) -> None:
    settings.SESSION_RATE_PER_S, settings.SESSION_RATE_BURST = 1, 1
    counted(rpc.say(minutes.session_id, 1, OPENING))
    with refused("rate_limited", Status.RESOURCE_EXHAUSTED) as problem:
        rpc.say(minutes.session_id, 2, OPENING)
    assert (problem["retry-after-s"], problem["details"]) == ("1", {"retry_after_s": 1})
    assert minutes.kinds() == ["text"]


def test_a_stream_that_is_too_fast_goes_on_after_it(rpc: Rpc, minutes: Minutes, settings: Settings) -> None:
    settings.SESSION_RATE_PER_S, settings.SESSION_RATE_BURST = 1, 1
    with live(rpc) as stream:
        stream.hello(minutes.session_id)
        stream.say(1, OPENING)
        counted(stream.read("ack"))
        stream.say(2, VOTE)
        error = stream.read("error")
        assert (error.code, error.sequence_id, error.retry_after_s) == ("rate_limited", 2, 1)
        settings.SESSION_RATE_PER_S = 0
        stream.say(2, VOTE)
        assert stream.read("ack").sequence_id == 2
    assert minutes.kinds() == ["text", "text"]


def test_new_inputs_wait_for_workers_that_are_behind_and_known_ones_do_not(
    rpc: Rpc, minutes: Minutes, settings: Settings
) -> None:
    settings.BACKLOG_AGE_S = 60
    rpc.say(minutes.session_id, 1, OPENING)
    behind_by(minutes, 61)
    with refused("workers_behind", Status.RESOURCE_EXHAUSTED) as problem:
        rpc.say(minutes.session_id, 2, VOTE)
    assert problem["retry-after-s"] == "10"
    assert rpc.say(minutes.session_id, 1, OPENING).ack.is_repeat
    with live(rpc) as stream:
        stream.hello(minutes.session_id)
        stream.say(2, VOTE)
        error = stream.read("error")
        assert (error.code, error.retry_after_s) == ("workers_behind", 10)
        finish_jobs()
        pressure.look_again()
        stream.say(2, VOTE)
        assert stream.read("ack").sequence_id == 2
