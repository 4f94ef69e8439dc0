"""When nobody has it and everybody wants it, PostgreSQL is asked once."""

from __future__ import annotations

import pytest
import redis

from tenants.config_service import reader
from tenants.errors import NothingPublished
from tenants.models import Tenant
from tests.config_service.conftest import NewReader
from tests.config_service.ground import Database, at_once, in_scope, publish, read, word_of
from tests.factories.tenants import TenantFactory
from tests.people import Person
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, PROCESSES = 12, 4


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gives up waiting for the loader, however busy the machine is."""
    monkeypatch.setattr(reader, "CACHE_WITHIN_S", 30.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("version", [None, 1])
def test_one_loader_over_all_processes_and_threads(
    new_reader: NewReader, database: Database, council: Tenant, version: int | None
) -> None:
    readers = [new_reader() for _ in range(PROCESSES)]
    found = at_once(THREADS, lambda n: in_scope(council.id, lambda: readers[n % PROCESSES].read(council.id, version)))
    assert {config.number for config in found} == {1}
    assert database.visits == 1


@pytest.mark.usefixtures("patient")
def test_one_loader_for_each_key(new_reader: NewReader, database: Database, council: Tenant, charlie: Person) -> None:
    readers = [new_reader() for _ in range(PROCESSES)]
    councils = (council, charlie.council)

    def one(number: int) -> object:
        mine = councils[number % 2]
        return in_scope(mine.id, lambda: readers[number // 2 % PROCESSES].read(mine.id, None).pointer.tenant_id)

    assert set(at_once(THREADS, one)) == {council.id, charlie.tenant_id}
    assert database.visits == len(councils)


def test_who_waited_long_enough_asks_for_itself(new_reader: NewReader, database: Database, council: Tenant) -> None:
    """The first loader hangs at its query until everybody else has an answer."""
    readers = [new_reader() for _ in range(PROCESSES)]
    answered: list[int] = []

    def first_hangs() -> None:
        if database.visits == 1:
            until(lambda: len(answered) == THREADS - 1, 30)

    database.before = first_hangs

    def one(number: int) -> int:
        found = in_scope(council.id, lambda: readers[number % PROCESSES].read(council.id, None).number)
        answered.append(found)
        return found

    assert at_once(THREADS, one) == [1] * THREADS
    assert 1 < database.visits <= THREADS


def test_a_loader_that_fails_fails_alone(new_reader: NewReader, database: Database, council: Tenant) -> None:
    readers = [new_reader() for _ in range(2)]

    def first_fails() -> None:
        if database.visits == 1:
            raise ConnectionResetError("the database went away")

    database.before = first_fails

    def one(number: int) -> str:
        try:
            return str(in_scope(council.id, lambda: readers[number % 2].read(council.id, None)).number)
        except ConnectionResetError:
            return "failed"

    assert sorted(at_once(6, one)) == ["1"] * 5 + ["failed"]


def test_nothing_published_is_said_to_everybody_and_forgotten_at_once(
    new_reader: NewReader, database: Database, client: redis.Redis, council: Tenant
) -> None:
    empty = TenantFactory()
    readers = [new_reader() for _ in range(2)]

    def one(number: int) -> bool:
        with pytest.raises(NothingPublished):
            in_scope(empty.id, lambda: readers[number % 2].read(empty.id, None))
        return True

    assert all(at_once(6, one))
    assert client.keys("*") == []
    publish(council, "x")
    assert word_of(read(readers[0], council)) == "x"
