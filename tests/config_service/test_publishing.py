"""A publication is seen: at once where it was made, in other processes when they hear of it, and it never goes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any
from uuid import UUID

import pytest
import redis

from astra_site.embedded import RedisServer
from astra_site.lib.flights import Flights
from astra_site.lib.tenancy import tenant_scope
from tenants.config_service import process_cache, shared_cache
from tenants.config_service.config import Config
from tenants.config_service.reader import ConfigReader
from tenants.config_service.service import get_config
from tenants.models import Tenant
from tests.config_service.conftest import NewReader
from tests.config_service.ground import Database, at_once, in_scope, keys_of, publish, read, word_of
from tests.jobs.processes import start_python
from tests.people import Person, client_for
from tests.sessions.minutes_client import Minutes
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
HEARD_WITHIN_S = 2.0


def listening(reader: ConfigReader, council: Tenant) -> ConfigReader:
    """A process that has the newest version in memory and hears of later ones."""
    read(reader, council)
    until(lambda: reader.news.is_in_force)
    read(reader, council)
    assert reader.here.newest(council.id) is not None
    return reader


def test_the_publisher_reads_its_own_publication_with_the_next_call(own_reader: ConfigReader, council: Tenant) -> None:
    listening(own_reader, council)
    with tenant_scope(council.id):
        for number in range(2, 12):
            publish(council, f"v{number}")
            assert word_of(get_config(council.id)) == f"v{number}"


def test_other_processes_hear_of_it(
    own_reader: ConfigReader, new_reader: NewReader, council: Tenant, charlie: Person
) -> None:
    others = [listening(new_reader(), council) for _ in range(3)]
    bystander = listening(new_reader(), charlie.council)
    kept = bystander.here.newest(charlie.tenant_id)
    publish(council, "new")
    for other in others:
        until(lambda: read(other, council).number == 2, HEARD_WITHIN_S)  # noqa: B023 - called at once
        assert word_of(read(other, council)) == "new"
    assert bystander.here.newest(charlie.tenant_id) is kept


def test_a_real_process_hears_of_it(own_reader: ConfigReader, council: Tenant, server: RedisServer) -> None:
    process = start_python("-m", "tests.config_service.reading_process", str(council.id), REDIS_URL=server.url)
    assert process.stdout is not None
    with process:
        try:
            assert json.loads(process.stdout.readline()) == 1
            publish(council, "new")
            assert json.loads(process.stdout.readline()) == 2
        finally:
            process.kill()


def test_lost_news_makes_a_version_old_for_seconds_and_no_longer(
    own_reader: ConfigReader, new_reader: NewReader, council: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_cache, "NEWEST_FOR_S", 0.5)
    other = listening(new_reader(), council)
    monkeypatch.setattr(other.news, "_heard", lambda pointer: None)
    publish(council, "new")
    until(lambda: read(other, council).number == 2, HEARD_WITHIN_S)


def test_a_publisher_that_died_before_telling_is_found_out_by_time(
    own_reader: ConfigReader,
    new_reader: NewReader,
    council: Tenant,
    client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process_cache, "NEWEST_FOR_S", 0.1)
    monkeypatch.setattr(shared_cache, "POINTER_TTL_S", 1)
    client.delete(*keys_of(client, council))
    other = listening(new_reader(), council)
    monkeypatch.setattr(ConfigReader, "publish", lambda reader, config: None)
    publish(council, "new")
    assert read(other, council).number == 1
    until(lambda: read(other, council).number == 2, 10)


def test_who_was_slow_to_load_does_not_undo_a_publication(
    own_reader: ConfigReader, new_reader: NewReader, database: Database, council: Tenant, client: redis.Redis
) -> None:
    """Its process hears nothing of the publication either."""
    has_read, may_go_on = Event(), Event()
    slow, load = new_reader(), database.load
    slow.news.close()

    def load_slowly(tenant_id: object, version: int | None) -> object:
        config = load(council.id, version)
        has_read.set()
        may_go_on.wait(30)
        return config

    object.__setattr__(slow, "load", load_slowly)
    client.flushall()
    with ThreadPoolExecutor(1) as threads:
        late = threads.submit(in_scope, council.id, lambda: slow.read(council.id, None))
        assert has_read.wait(30)
        publish(council, "new")
        may_go_on.set()
        assert late.result(30).number == 1
    assert read(new_reader(), council).number == 2
    assert read(slow, council).number == 2


def test_who_joins_a_reading_that_began_before_a_publication_sees_the_publication(
    own_reader: ConfigReader, council: Tenant, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one process: another thread has read version 1 and not come back with it yet when version 2 is published."""
    has_read, may_go_on, wait_for_other = Event(), Event(), Flights._result_of
    load = own_reader.load

    def load_slowly(tenant_id: UUID, version: int | None) -> Config:
        config = load(tenant_id, version)
        if config.number == 1:
            has_read.set()
            may_go_on.wait(30)
        return config

    def let_go_and_wait(flights: Any, key: Any, other: Any, wait_s: float) -> Any:
        may_go_on.set()
        return wait_for_other(flights, key, other, 30)

    monkeypatch.setattr(Flights, "_result_of", let_go_and_wait)
    object.__setattr__(own_reader, "load", load_slowly)
    client.flushall()
    own_reader.here.forget_newest()
    with ThreadPoolExecutor(1) as threads:
        early = threads.submit(in_scope, council.id, lambda: get_config(council.id).number)
        assert has_read.wait(30)
        publish(council, "new")
        client.flushall()
        with tenant_scope(council.id):
            assert get_config(council.id).number == 2
        assert early.result(30) == 2, "a process that knows of version 2 handed version 1 out"


def test_versions_never_go_back_under_many_readers_and_a_publisher(
    own_reader: ConfigReader, new_reader: NewReader, council: Tenant
) -> None:
    readers = [new_reader() for _ in range(3)]
    done = Event()

    def follow(number: int) -> list[int]:
        if number == 0:
            try:
                return in_scope(council.id, lambda: [publish(council, f"v{n}").number for n in range(2, 12)])
            finally:
                done.set()
        seen = []
        while not done.is_set():
            seen.append(in_scope(council.id, lambda: readers[number % 3].read(council.id, None).number))
        return seen

    for seen in at_once(7, follow):
        assert seen == sorted(seen)
    for reader in readers:
        until(lambda: read(reader, council).number == 11, HEARD_WITHIN_S)  # noqa: B023 - called at once


@contextmanager
def deaf_and_outdated(own_reader: ConfigReader, council: Tenant) -> Iterator[None]:
    """Everything that is cached says that version 1 is the newest, and no news comes through."""
    listening(own_reader, council)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConfigReader, "publish", lambda reader, config: None)
        patch.setattr(own_reader.news, "_heard", lambda pointer: None)
        publish(council, "new")
        with tenant_scope(council.id):
            assert get_config(council.id).number == 1
        yield


def test_a_session_never_pins_an_outdated_version(own_reader: ConfigReader, council: Tenant, alice: Person) -> None:
    with deaf_and_outdated(own_reader, council):
        assert Minutes.start(alice).show()["pinned"]["config_version"] == 2


def test_every_process_is_told_which_version_it_is(
    own_reader: ConfigReader, council: Tenant, client: redis.Redis
) -> None:
    heard: Any = client.pubsub()  # type: ignore[no-untyped-call]  # redis-py: untyped
    with heard:
        heard.subscribe(shared_cache.CHANNEL)
        assert heard.get_message(timeout=10) is not None
        version = publish(council, "new")
        message = heard.get_message(timeout=10)
    assert message is not None
    assert message["data"] == f"{council.id} 2 {version.sha256}"


def test_rest_tells_it_too(own_reader: ConfigReader, council: Tenant, alice: Person) -> None:
    listening(own_reader, council)
    publish(council, "new")
    answer = client_for(alice).get(f"/v1/tenants/{council.id}/config")
    assert answer.headers["Astra-Config-Version"] == "2"
