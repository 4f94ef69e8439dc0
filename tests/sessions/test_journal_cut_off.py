"""Somebody with the table's owner's rights removes the end of a journal: the session is not sealed without it."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from tests.owner import as_the_owner
from tests.people import Person
from tests.sessions.minutes_client import OPENING, VOTE, Minutes, finish_jobs

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = "sessions_app_journalrow"


def remove_last_entries(minutes: Minutes, after: int) -> None:
    """Delete the entries with a number beyond `after`, past the trigger that refuses it."""
    with as_the_owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER astra_append_only")
        cursor.execute(f"DELETE FROM {TABLE} WHERE session_id = %s AND number > %s", [minutes.session_id, after])
        cursor.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER astra_append_only")


def test_a_journal_whose_end_was_removed_is_not_sealed(alice: Person) -> None:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    minutes.say(2, VOTE)
    finish_jobs()
    minutes.finalize()
    kept = len(minutes.journal()) - 1
    remove_last_entries(minutes, kept)
    finish_jobs()
    found = minutes.show()
    assert found["state"] == "SEAL_FAILED"
    assert (found["failure"]["step"], found["failure"]["code"]) == ("seal", "journal_incomplete")
    assert found["delivery"] is None
