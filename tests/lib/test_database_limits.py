"""What may not wait for ever at the database."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from astra_site.lib.prepared_sql import fetch_again
from astra_site.settings import database_from_url

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_statement_that_hangs_is_given_up() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("1min",)
        cursor.execute("SET statement_timeout = 50")
        try:
            with pytest.raises(OperationalError, match="statement timeout"):
                cursor.execute("SELECT pg_sleep(10)")
        finally:
            cursor.execute("RESET statement_timeout")
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("1min",)


def test_a_look_is_repeated_for_a_dead_connection_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    execute = psycopg.Cursor.execute

    def noting(cursor: psycopg.Cursor[Any], query: Any, *args: Any, **options: Any) -> psycopg.Cursor[Any]:
        asked.append(str(query))
        return execute(cursor, query, *args, **options)

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        before = cursor.fetchone()
        cursor.execute("SET statement_timeout = 300")
    monkeypatch.setattr(psycopg.Cursor, "execute", noting)
    with pytest.raises(OperationalError, match="statement timeout"):
        fetch_again("SELECT pg_sleep(60)", ())
    assert asked == ["SELECT pg_sleep(60)"]
    assert fetch_again("SELECT pg_backend_pid()", ()) == before, "the connection is well and stays"
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_terminate_backend(%s)", before)
    assert fetch_again("SELECT pg_backend_pid()", ()) != before


def test_what_an_operator_says_in_the_url_stands() -> None:
    options = database_from_url("postgresql://astra@db/astra?options=-c%20statement_timeout%3D5000")["OPTIONS"]
    assert options["options"] == "-c statement_timeout=5000"
    assert database_from_url("postgresql://astra@db/astra")["OPTIONS"]["options"] == "-c statement_timeout=60000"
