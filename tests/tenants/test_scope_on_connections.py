"""The open scope follows onto whichever connection is used, and what was told stays behind for nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction

from astra_site.lib.prepared_sql import fetch_again, fetch_one
from astra_site.lib.scoped_postgresql.base import DatabaseWrapper
from astra_site.lib.tenancy import all_tenants, tenant_scope
from astra_site.lib.threads import each_at_once, in_thread
from tenants.models import Skeleton
from tests.people import Person

pytestmark = pytest.mark.django_db(transaction=True)
SEEN = "SELECT array_agg(DISTINCT tenant_id) FROM tenants_skeleton"
DEADLINE_S = 20.0


def seen() -> set[UUID]:
    """Whose rows this thread's connection shows, asked past the managers."""
    with connection.cursor() as cursor:
        cursor.execute(SEEN)
        return set(cursor.fetchone()[0] or ())


def seen_prepared() -> set[UUID]:
    """The same by a statement of the hot path."""
    found = fetch_one(SEEN, ())
    return set((found and found[0]) or ())


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to the server meanwhile, by any thread."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def noting(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        sent.append(str(query))
        return execute(cursor, query, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", noting)
        yield sent


def told(sent: list[str]) -> int:
    return sum("set_config" in query for query in sent)


def rolled_back(look: Callable[[], bool]) -> None:
    """Look in a transaction, or a savepoint in one, that is taken back."""

    def raising() -> None:
        with transaction.atomic():
            assert look()
            raise ZeroDivisionError

    with pytest.raises((ZeroDivisionError, DatabaseError)):
        raising()


@pytest.fixture
def both(alice: Person, charlie: Person) -> tuple[UUID, UUID]:
    return alice.tenant_id, charlie.tenant_id


@pytest.mark.parametrize("look", [seen, seen_prepared])
def test_scopes_follow_each_other_on_one_connection(both: tuple[UUID, UUID], look: Callable[[], set[UUID]]) -> None:
    ours, theirs = both
    for _ in range(2):
        assert look() == set()
        with tenant_scope(ours):
            assert look() == {ours}
            with tenant_scope(theirs):
                assert look() == {theirs}
            with all_tenants(reason="a test looks"):
                assert look() == {ours, theirs}
            assert look() == {ours}
        with tenant_scope(ours, theirs):
            assert look() == {ours, theirs}
        with tenant_scope():
            assert look() == set()


def test_a_connection_that_serves_one_council_again_and_again_is_told_once(both: tuple[UUID, UUID]) -> None:
    ours, theirs = both
    with statements() as sent:
        for _ in range(5):
            with tenant_scope(ours):
                seen()
                seen_prepared()
                with transaction.atomic():
                    seen()
        assert told(sent) == 1
        with tenant_scope(theirs):
            seen()
        assert told(sent) == 2


def test_a_council_is_told_before_a_transaction_not_in_it(both: tuple[UUID, UUID]) -> None:
    """So its rollback takes nothing back, and the next transaction of the council costs nothing more."""
    ours, _ = both
    with statements() as sent, tenant_scope(ours):
        for _ in range(3):
            rolled_back(lambda: seen() == {ours})
            assert seen() == {ours}
        assert told(sent) == 1


def test_a_transaction_that_outlives_its_scopes(both: tuple[UUID, UUID]) -> None:
    ours, theirs = both
    with transaction.atomic():
        assert seen() == set()
        with tenant_scope(ours):
            assert seen() == {ours}
            with tenant_scope(theirs), transaction.atomic():
                assert seen() == {theirs}
            assert seen() == {ours}
        assert seen() == set()
    assert seen() == set()
    with tenant_scope(theirs):
        assert seen() == {theirs}


@pytest.mark.parametrize("ends", ["commit", "rollback", "broken"])
def test_what_was_told_in_a_transaction_ends_with_it(both: tuple[UUID, UUID], ends: str) -> None:
    ours, theirs = both
    with tenant_scope(theirs):
        assert seen() == {theirs}
        with transaction.atomic():
            seen()
            with tenant_scope(ours):
                assert seen() == {ours}
            if ends == "rollback":
                transaction.set_rollback(True)
            if ends == "broken":
                with pytest.raises(DatabaseError), connection.cursor() as cursor:
                    cursor.execute("SELECT 1/0")
        assert seen() == {theirs}
    assert seen() == set()
    with tenant_scope(ours):
        assert seen() == {ours}


def both_scopes(ours: UUID, theirs: UUID, statement: str) -> bool:
    assert seen() == {ours}
    with tenant_scope(theirs):
        assert seen() == {theirs}
    with connection.cursor() as cursor:
        cursor.execute(statement)
    return True


def test_what_a_savepoint_took_back_is_told_again(both: tuple[UUID, UUID]) -> None:
    ours, theirs = both
    with transaction.atomic():
        with tenant_scope(theirs):
            assert seen() == {theirs}
        with tenant_scope(ours):
            for error in ("SELECT 1/0", "SELECT 1"):
                rolled_back(partial(both_scopes, ours, theirs, error))
                assert seen() == {ours}
    assert seen() == set()


@pytest.mark.parametrize("statement", ["RESET ALL", "DISCARD ALL", "RESET astra.tenant_ids"])
def test_what_a_statement_took_back_is_told_again(both: tuple[UUID, UUID], statement: str) -> None:
    ours, _ = both
    with tenant_scope(ours):
        assert seen() == {ours}
        with connection.cursor() as cursor:
            cursor.execute(statement)
        assert seen() == {ours}


def test_a_new_connection_is_told(both: tuple[UUID, UUID]) -> None:
    ours, _ = both
    with tenant_scope(ours):
        assert seen() == {ours}
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        with connection.cursor() as cursor, pytest.raises(OperationalError):
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        connection.close()
        assert seen() == {ours}
        found = fetch_again(SEEN, ())
        assert found == ([ours],)


def test_a_connection_from_the_pool_shows_nothing_of_whoever_had_it(both: tuple[UUID, UUID]) -> None:
    """Threads take turns on few connections of the pool: what one was told never holds for the next."""
    ours, theirs = both
    wrong: list[object] = []

    def serve(number: int) -> None:
        tenants = [{ours}, {theirs}, set(), {ours, theirs}][number % 4]
        try:
            with tenant_scope(*tenants) if tenants else ExitStack():
                for look in (seen, seen_prepared):
                    if (found := look()) != tenants:
                        wrong.append((tenants, found))
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(serve, range(120)))
    assert wrong == []


def test_kept_connections_follow_the_caller(both: tuple[UUID, UUID]) -> None:
    """`in_thread` keeps a connection with its thread over calls of different councils."""

    async def calls() -> list[tuple[set[UUID], set[UUID]]]:
        async def one(number: int) -> tuple[set[UUID], set[UUID]]:
            mine = both[number % 2]
            with tenant_scope(mine):
                return {mine}, await in_thread(seen_prepared if number % 3 else seen)

        found = list(await asyncio.gather(*(one(number) for number in range(120))))
        return [*found, (set(), await in_thread(seen))]

    assert [pair for pair in asyncio.run(calls()) if pair[0] != pair[1]] == []


def test_threads_that_work_at_once_see_their_callers_scope(both: tuple[UUID, UUID]) -> None:
    together = threading.Barrier(3)

    def look(_: int) -> set[UUID]:
        together.wait(DEADLINE_S)
        return seen()

    for mine in both:
        with tenant_scope(mine):
            assert list(each_at_once(look, range(3), 3)) == [{mine}] * 3


def test_a_query_made_in_a_scope_finds_nothing_after_its_end(both: tuple[UUID, UUID]) -> None:
    ours, _ = both
    with tenant_scope(ours):
        rows = Skeleton.objects.all()
        assert len(rows.all()) == 1
        walked = [row.tenant_id for row in Skeleton.objects.iterator(chunk_size=1)]
        with transaction.atomic():
            walked += [row.tenant_id for row in Skeleton.objects.iterator(chunk_size=1)]
    assert walked == [ours, ours]
    assert list(rows.all()) == []


@pytest.mark.parametrize("look", [seen, seen_prepared])
def test_where_a_pooler_shares_connections_nothing_is_said_that_lasts(
    both: tuple[UUID, UUID], look: Callable[[], set[UUID]]
) -> None:
    """Between transactions the connection may be anybody's: it holds no scope; each transaction is told its own."""
    ours, theirs = both
    own = connections["default"]
    ours_alone = {name: value for name, value in own.settings_dict["OPTIONS"].items() if name != "pool"}
    shared = DatabaseWrapper({**own.settings_dict, "OPTIONS": ours_alone, "SHARED_BETWEEN_TRANSACTIONS": True})
    connections["default"] = shared
    try:
        for mine in (ours, theirs):
            with tenant_scope(mine):
                assert look() == {mine}
                assert held_between_transactions(shared) == ""
                with transaction.atomic():
                    assert look() == {mine}
                    with all_tenants(reason="a test looks"):
                        assert look() == {ours, theirs}
                    assert look() == {mine}
                assert held_between_transactions(shared) == ""
        assert look() == set()
    finally:
        shared.close()
        connections["default"] = own


def held_between_transactions(wrapper: DatabaseWrapper) -> str:
    """What the server's side of the connection has been told, asked past everything of ours."""
    found = wrapper.connection.execute("SELECT coalesce(current_setting('astra.tenant_ids', true), '')").fetchone()
    return str(found[0])
