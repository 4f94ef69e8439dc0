"""Redis is heat: without it a stream goes on, it is only not told of a newer one and hears of events a little later."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from astra_site.lib.redis_client import redis_client
from sessions_app.services import events
from tests.people import Person
from tests.realtime.live_server import LiveServer, serving
from tests.realtime.talk import streaming
from tests.sessions.minutes_client import CLOSING, OPENING, Minutes, finish_jobs
from tests.sessions.samples import WAV
from tests.sessions.test_redis_down import NOBODY, nobody_at_redis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def without_redis(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    """A server that finds nobody at the address of Redis."""
    monkeypatch.setattr(events, "LOOK_AGAIN_S", 0.2)
    layer = settings.CHANNEL_LAYERS["default"]
    hosts = [{**layer["CONFIG"]["hosts"][0], "address": NOBODY}]
    with nobody_at_redis(settings):
        settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": {**layer["CONFIG"], "hosts": hosts}}}
        with serving() as live:
            yield live
    redis_client.cache_clear()


def test_a_stream_goes_on_without_redis(without_redis: LiveServer, alice: Person) -> None:
    minutes = Minutes.start(alice, mode="realtime")
    with (
        streaming(without_redis, minutes.session_id, alice, events=True) as first,
        streaming(without_redis, minutes.session_id, alice) as second,
    ):
        first.say(type="text", sequence_id=1, text=OPENING)
        assert first.hear("ack")["sequence_id"] == 1
        second.say(type="audio", sequence_id=2)
        second.send(WAV)
        assert second.hear("ack")["sequence_id"] == 2
        second.say(type="audio", sequence_id=1)
        second.send(WAV)
        assert second.hear("error")["code"] == "sequence_conflict"
        finish_jobs()
        assert first.hear_event(lambda event: event["type"] == "blocks")["blocks"][0]["text"] == OPENING
        second.say(type="text", sequence_id=3, text=CLOSING)
        second.say(type="finalize")
        assert second.hear("finalize")["state"] == "DRAINING"
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


def test_a_redis_that_is_emptied_does_not_part_the_sockets(live: LiveServer, alice: Person) -> None:
    minutes = Minutes.start(alice, mode="realtime")
    with streaming(live, minutes.session_id, alice, events=True) as first:
        first.say(type="text", sequence_id=1, text=OPENING)
        first.hear("ack")
        redis_client().flushall()
        first.say(type="text", sequence_id=2, text=CLOSING)
        first.hear_event(lambda event: event.get("sequence_id") == 2)
        with streaming(live, minutes.session_id, alice):
            assert first.end()[:2] == (4409, "stream_replaced")
