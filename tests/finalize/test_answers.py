"""What finalize answers: the same to everybody, how far it is, and at any length at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from astra_site.lib.object_store import Bucket
from astra_site.lib.tenancy import tenant_scope
from custody.models import HeldObject, Snapshot
from sessions_app.models import Session
from sessions_app.services import minutes as production
from sessions_app.services.progress import Counted
from sessions_app.services.waiting import what_is_left
from tenants.models import Role
from tests.browser.people import member, signed_in
from tests.factories.sessions import SessionFactory
from tests.owner import as_the_owner
from tests.people import Person, client_for
from tests.quota.ground import at_once
from tests.sessions.large import grow
from tests.sessions.minutes_client import CLOSING, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import FLAC, OTHER_WAV, WAV
from tests.sessions.test_failures import path_of, without

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    minutes.say(2, VOTE)
    return minutes


def answer(minutes: Minutes, person: Person) -> tuple[int, dict[str, Any]]:
    response = Minutes(client_for(person), minutes.session_id).finalize()
    return response.status_code, response.json()


def without_links(answered: tuple[int, dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """Links are made anew for every caller."""
    for name in ("download_url", "evidence_url"):
        answered[1]["delivery"].pop(name)
    return answered


def test_thirty_two_callers_at_once_are_told_the_same_and_make_one_job(minutes: Minutes, alice: Person) -> None:
    finish_jobs()
    answers = at_once([lambda: answer(minutes, alice)] * 32)
    (first, *others) = answers
    assert isinstance(first, tuple)
    assert (first[0], first[1]["state"]) == (202, "BUILDING")
    assert all(other == first for other in others)
    assert len(minutes.jobs(flow="produce_minutes")) == 1
    assert minutes.kinds().count("finalize") == 1
    finish_jobs()
    closed = at_once([lambda: without_links(answer(minutes, alice))] * 8)
    assert closed == [closed[0]] * 8
    assert len(minutes.jobs(flow="produce_minutes")) == 1


def test_progress_names_the_step_and_counts(minutes: Minutes, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    assert minutes.show()["progress"] is None
    minutes.send_audio(3, WAV)
    minutes.send_audio(4, OTHER_WAV)
    minutes.send_audio(5, FLAC)
    finish_jobs()
    seen: list[dict[str, Any]] = []

    def looking(step: str) -> None:
        inner = getattr(production, step)

        def look_first(*args: Any, **options: Any) -> Any:
            seen.append(minutes.show()["progress"])
            return inner(*args, **options)

        monkeypatch.setattr(production, step, look_first)

    for step in ("session_dump", "build_request", "hand_over_audio", "seal_session"):
        looking(step)
    one_more = Counted.one_more

    def count_and_look(counted: Counted) -> None:
        one_more(counted)
        seen.append(minutes.show()["progress"])

    monkeypatch.setattr(Counted, "one_more", count_and_look)
    waiting = minutes.finalize().json()["progress"]
    assert waiting == {"step": "write_dump", "done": 0, "of": 4, "objects": None}
    clerk = signed_in(member(alice.council, Role.CLERK))
    page = clerk.get(reverse("admin:sessions_app_session_change", args=[minutes.session_id])).content.decode()
    assert "Escribir el volcado de la sesión" in page
    finish_jobs()
    assert [(one["step"], one["done"]) for one in seen] == [
        ("write_dump", 0),
        ("build_document", 1),
        *[("hand_over_audio", 2)] * 4,
        ("seal", 3),
    ]
    assert [one["objects"] for one in seen if one["step"] == "hand_over_audio"] == [
        None,
        *({"done": done, "total": 3} for done in (1, 2, 3)),
    ]
    assert minutes.show()["progress"] == {"step": None, "done": 4, "of": 4, "objects": None}


def test_a_failure_shows_where_it_stopped_and_nothing_after_it_was_begun(minutes: Minutes, alice: Person) -> None:
    minutes.send_audio(3, WAV)
    finish_jobs()
    with without(path_of(Bucket.SKELETONS, minutes.row().skeleton_version.object_key)):
        minutes.finalize()
        finish_jobs()
        failed = minutes.show()
        assert (failed["state"], failed["progress"]["step"], failed["progress"]["done"]) == (
            "BUILD_FAILED",
            "build_document",
            1,
        )
    with tenant_scope(alice.tenant_id):  # the builder failed: guard is not called
        assert (HeldObject.objects.count(), Snapshot.objects.count()) == (0, 0)
    with without(path_of(Bucket.AUDIO, minutes.journal()[2].audio_key)):
        minutes.finalize()
        finish_jobs()
        failed = minutes.show()
        assert (failed["state"], failed["progress"]["step"], failed["delivery"]) == (
            "SEAL_FAILED",
            "hand_over_audio",
            None,
        )
    minutes.finalize()
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"


@pytest.mark.parametrize("statistics", ["ANALYZE", "VACUUM ANALYZE"])
def test_ten_thousand_inputs_are_counted_in_a_few_lookups(alice: Person, statistics: str) -> None:
    session: Session = SessionFactory(tenant=alice.council)
    with tenant_scope(alice.tenant_id):
        session = Session.objects.select_related("config_version").get(pk=session.pk)
        # With statistics of before there were rows, and with true ones: an index at each step, and nothing that reads
        # them all.
        with as_the_owner(), connection.cursor() as cursor:
            cursor.execute(f"{statistics} sessions_app_journalrow")
        grow(session, 10_000)
        assert _rows_read_for(session) < 100
        with as_the_owner(), connection.cursor() as cursor:
            cursor.execute(f"{statistics} sessions_app_journalrow")
        assert _rows_read_for(session) < 100
        grow(session, 500, understood=False)
        left = what_is_left(session)
        assert (left.pending_count, left.pending[:2], len(left.pending)) == (500, [10_001, 10_002], 100)
        Session.objects.filter(pk=session.pk).update(highest_sequence_id=10_700)
        session.refresh_from_db()
        left = what_is_left(session)
        assert (left.missing_count, left.missing[:2], len(left.missing)) == (200, [10_501, 10_502], 100)


def _rows_read_for(session: Session) -> int:
    """Ask what is left and return how many rows PostgreSQL looked at."""
    with CaptureQueriesContext(connection) as asked:
        left = what_is_left(session)
    assert (left.pending_count, left.missing_count) == (0, 0)
    assert len(asked) <= 3
    rows = 0
    for query in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
            rows += _rows_read(cursor.fetchone()[0][0]["Plan"])
    return rows


def _rows_read(plan: dict[str, Any]) -> int:
    own = (plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)) * plan.get("Actual Loops", 1)
    return int(own) + sum(_rows_read(inner) for inner in plan.get("Plans", ()))


def test_numbers_missing_at_both_ends_are_told_with_gaps_accepted_too(minutes: Minutes) -> None:
    minutes.say(5, CLOSING)
    finish_jobs()
    assert minutes.finalize().json()["drain"] == {
        "pending": [5],
        "pending_count": 1,
        "missing": [3, 4],
        "missing_count": 2,
    }
    assert minutes.finalize(accept_gaps=True).json()["state"] == "BUILDING"
