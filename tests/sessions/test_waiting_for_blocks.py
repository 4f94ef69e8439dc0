"""`?wait=`: the acknowledgement waits for the blocks, and holds neither a thread nor a connection meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.conf import settings as django_settings
from django.db import connection
from pytest_django import Settings

from astra_site.lib.tenancy import tenant_scope
from jobs import services as jobs
from tests.people import Person
from tests.sessions.asgi_client import Site
from tests.sessions.minutes_client import OPENING, Minutes, finish_jobs
from tests.sessions.samples import WAV
from tests.sessions.test_redis_down import nobody_at_redis

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 25.0


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    return Minutes.start(alice)


@pytest.fixture
def worker(minutes: Minutes) -> Iterator[threading.Thread]:
    """Does the work as soon as there is some, when it is started."""
    thread = threading.Thread(target=lambda: _work_on(minutes, 1))
    yield thread
    if thread.ident:
        thread.join(DEADLINE_S)


def _work_on(minutes: Minutes, inputs: int) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    try:
        while len(minutes.jobs()) < inputs:
            assert time.monotonic() < deadline_s
            threading.Event().wait(0.02)
        finish_jobs()
    finally:
        connection.close()


def say(site: Site, minutes: Minutes, person: Person, query: str) -> httpx.Response:
    body = b'{"sequence_id": 1, "text": "%s"}' % OPENING.encode()
    return site.append(minutes, person, query, body, "application/json")


def test_the_blocks_come_with_the_acknowledgement(minutes: Minutes, alice: Person, worker: threading.Thread) -> None:
    worker.start()
    answer = say(Site(), minutes, alice, "?wait=20")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["repeated"], told["sequence_id"]) == ("READY", False, 1)
    assert [block["text"] for block in told["blocks"]] == [OPENING]
    again = say(Site(), minutes, alice, "?wait=0.01")
    assert (again.status_code, again.json()) == (200, {**told, "repeated": True})
    without = say(Site(), minutes, alice, "")
    assert (without.status_code, without.json()["status"], "blocks" in without.json()) == (202, "PROCESSING", False)


def test_when_they_do_not_come_in_time_it_is_an_acknowledgement_as_any_other(minutes: Minutes, alice: Person) -> None:
    started_s = time.monotonic()
    answer = say(Site(), minutes, alice, "?wait=0.5")
    assert (answer.status_code, answer.json()["status"]) == (202, "PROCESSING")
    assert "blocks" not in answer.json()
    assert 0.5 <= time.monotonic() - started_s < DEADLINE_S
    assert minutes.kinds() == ["text"]


def test_the_view_behind_waits_as_well(minutes: Minutes) -> None:
    minutes.say(1, OPENING)
    finish_jobs()
    answer = minutes.api.post(f"{minutes.url('append')}?wait=5", {"sequence_id": 1, "text": OPENING}, format="json")
    assert (answer.status_code, answer.json()["status"], len(answer.json()["blocks"])) == (200, "READY", 1)


def test_what_can_not_be_heard_says_so(minutes: Minutes, alice: Person) -> None:
    minutes.send_audio(1, WAV)
    with tenant_scope(alice.tenant_id):
        jobs.cancel(minutes.jobs()[0].id)
    answer = Site().append(minutes, alice, "?sequence_id=1&wait=20", WAV, "audio/wav")
    assert answer.status_code == 200
    assert answer.json()["status"] == answer.json()["blocks"][0]["status"] != "READY"
    assert answer.json()["blocks"][0]["type"] == "AUDIO_PENDING"


def test_a_crowd_waits_on_few_threads_and_connections(minutes: Minutes, alice: Person) -> None:
    """More wait than there are threads, and others are served meanwhile."""
    waiters, site = django_settings.ASYNC_THREADS + 8, Site()
    url = minutes.url("append")

    async def run() -> tuple[list[httpx.Response], httpx.Response, int]:
        async with site.client(alice) as client:
            waiting = [
                asyncio.create_task(client.post(f"{url}?wait=25", json={"sequence_id": number, "text": f"n {number}"}))
                for number in range(1, waiters + 1)
            ]
            while len(await asyncio.to_thread(_closing, lambda: minutes.jobs())) < waiters:
                await asyncio.sleep(0.02)
            passing = await client.post(url, json={"sequence_id": waiters + 1, "text": "n"})
            assert not any(task.done() for task in waiting)
            connections = await asyncio.to_thread(_closing, _connections)
            await asyncio.to_thread(_closing, finish_jobs)
            return list(await asyncio.gather(*waiting)), passing, connections

    answers, passing, connections = asyncio.run(asyncio.wait_for(run(), 2 * DEADLINE_S))
    assert passing.status_code == 202
    assert connections <= django_settings.ASYNC_THREADS + 8
    assert [answer.status_code for answer in answers] == [200] * waiters
    assert [answer.json()["blocks"][0]["text"] for answer in answers] == [f"n {n}" for n in range(1, waiters + 1)]


def _connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
        )
        return int(cursor.fetchone()[0])


def _closing(call: Any) -> Any:
    try:
        return call()
    finally:
        connection.close()


def test_a_client_that_leaves_while_it_waits_loses_nothing(minutes: Minutes, alice: Person) -> None:
    site, told = Site(), []
    body = b'{"sequence_id": 1, "text": "%s"}' % OPENING.encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        while not await asyncio.to_thread(_closing, lambda: minutes.kinds()):
            await asyncio.sleep(0.02)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told.append(message["type"])

    headers = {"host": "testserver", "authorization": f"Bearer {alice.token()}", "content-type": "application/json"}
    scope = {
        **{"type": "http", "method": "POST", "path": minutes.url("append"), "query_string": b"wait=30"},
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    started_s = time.monotonic()
    asyncio.run(site.application(scope, receive, send))
    assert time.monotonic() - started_s < DEADLINE_S, "nobody waits for a client that is gone"
    assert minutes.kinds() == ["text"]
    finish_jobs()
    assert [block["text"] for block in minutes.blocks()] == [OPENING]


def test_without_redis_the_blocks_are_found_by_looking(
    minutes: Minutes, alice: Person, worker: threading.Thread, settings: Settings
) -> None:
    with nobody_at_redis(settings):
        worker.start()
        answer = say(Site(), minutes, alice, "?wait=20")
        assert (answer.status_code, answer.json()["status"]) == (200, "READY")
        worker.join(DEADLINE_S)
