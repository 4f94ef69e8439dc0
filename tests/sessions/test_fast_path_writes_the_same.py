"""The append's one statement stores exactly what the ORM would, and decides exactly as the lock would."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import Model

from astra_site.lib.clock import utc_now
from astra_site.lib.errors import Forbidden
from astra_site.lib.guarded_write import Insert, change_and_insert
from astra_site.lib.hashing import Sha256
from astra_site.lib.tenancy import all_tenants, tenant_scope
from custody.journal import AudioRecord
from jobs import services as jobs
from jobs.models import JobEvent
from sessions_app.models import EntryKind, Session, State
from sessions_app.services import accepting, inputs
from sessions_app.services.accepting import look, record
from sessions_app.services.inputs import TRANSCRIBE_CHUNK, Captured, append_text
from sessions_app.services.journal import NewEntry, as_sealed, lock_for_entry, write
from tests.people import Person
from tests.sessions.minutes_client import DEBATE, OPENING, Minutes
from tests.sessions.problems import assert_problem
from tests.sessions.samples import WAV

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 30.0
_OF_ITS_OWN = {"id", "session", "session_id", "recorded_at", "sha256", "payload", "dedup_key", "job", "at"}
_MOMENTS = {"created_at", "not_before", "resend_at", "last_activity_at", "started_at", "state_changed_at"}

ENTRIES = {
    "audio": NewEntry(
        EntryKind.AUDIO,
        {"codec": "opus", "captured_at": None, "captured_duration_ms": None},
        7,
        "alice",
        AudioRecord("a/b/0000007-x", Sha256.of(b"x"), 12_345, "audio/webm", 4_987),
        Sha256.of(b"x"),
    ),
    "text": NewEntry(
        EntryKind.TEXT, {"text": "Sí: «ñandú» \u2028 \U0001f399 \\u0041 \"'%s%%"}, 8, "ana", content=Sha256.of(b"y")
    ),
    "numbers": NewEntry(
        EntryKind.TEXT, {"text": "n", "a": 0.1, "b": -2.5e-7, "c": 2**53 - 1, "d": [None, True, {"e": {}}]}, 9, "al'ice"
    ),
    "bare": NewEntry(EntryKind.AUDIO, {}, 10, None, AudioRecord("k", Sha256.of(b"z"), 1, "audio/wav"), Sha256.of(b"z")),
}


def columns(row: Model, *, without: set[str]) -> dict[str, Any]:
    return {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields if field.name not in without}


def by_the_orm(session_id: UUID, entry: NewEntry) -> None:
    with transaction.atomic():
        locked = lock_for_entry(session_id, (State.OPEN,))
        highest = max(entry.sequence_id or 0, locked.highest_sequence_id)
        write(locked, entry, highest_sequence_id=highest)
        jobs.submit(
            TRANSCRIBE_CHUNK,
            {"sequence_id": entry.sequence_id},
            session_id=session_id,
            dedup_key=f"{TRANSCRIBE_CHUNK}:{session_id}:{entry.sequence_id}",
        )


@pytest.mark.parametrize("name", ENTRIES)
def test_rows_of_both_ways_differ_in_ids_and_moments_alone(alice: Person, name: str) -> None:
    entry, fast, slow = ENTRIES[name], Minutes.start(alice), Minutes.start(alice)
    long_ago = utc_now() - timedelta(minutes=2)
    for minutes in (fast, slow):
        change(minutes, last_activity_at=long_ago)
    with tenant_scope(alice.tenant_id):
        assert record(look(UUID(fast.session_id), 1), entry, TRANSCRIBE_CHUNK) is not None
        by_the_orm(UUID(slow.session_id), entry)
    (one,), (other,) = fast.journal(), slow.journal()
    assert columns(one, without=_OF_ITS_OWN) == columns(other, without=_OF_ITS_OWN)
    assert one.payload == other.payload == dict(entry.payload)
    for row in (one, other):
        assert as_sealed(row).line()  # the stored row has the hash it was written with
    (job,), (rival,) = fast.jobs(), slow.jobs()
    assert columns(job, without=_OF_ITS_OWN | _MOMENTS) == columns(rival, without=_OF_ITS_OWN | _MOMENTS)
    assert (job.payload, rival.payload) == ({"sequence_id": entry.sequence_id},) * 2
    keys = [str(row.dedup_key).replace(str(row.session_id), "") for row in (job, rival)]
    assert keys[0] == keys[1]
    patience_s = [(row.resend_at - row.not_before).total_seconds() for row in (job, rival) if row.resend_at]
    assert patience_s[0] == pytest.approx(patience_s[1], abs=2.0)
    assert job.created_at == job.not_before
    with all_tenants(reason="a test looks"):
        events = [JobEvent.objects.get(job=row) for row in (job, rival)]
    assert columns(events[0], without=_OF_ITS_OWN) == columns(events[1], without=_OF_ITS_OWN)
    assert events[0].at == job.created_at
    kept = {"id"} | _MOMENTS
    assert columns(fast.row(), without=kept) == columns(slow.row(), without=kept)
    for minutes, row in ((fast, one), (slow, other)):
        assert minutes.row().last_activity_at == (long_ago if entry.actor is None else row.recorded_at)


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda minutes: minutes.say(1, OPENING),
        lambda minutes: minutes.set_context(topic="Aguas"),
        lambda minutes: change(minutes, state=State.BUILDING),
        lambda minutes: change(minutes, state=State.DRAINING, final_sequence_id=3),
        lambda minutes: change(minutes, accept_gaps=True),
    ],
    ids=["an input", "a context", "a state", "draining", "gaps accepted"],
)
def test_nothing_is_written_on_a_session_that_has_changed(alice: Person, meanwhile: Callable[[Minutes], Any]) -> None:
    minutes = Minutes.start(alice)
    with tenant_scope(alice.tenant_id):
        seen = look(UUID(minutes.session_id), 2)
    meanwhile(minutes)
    before = minutes.row(), minutes.kinds(), len(minutes.jobs())
    with tenant_scope(alice.tenant_id):
        assert record(seen, ENTRIES["text"], TRANSCRIBE_CHUNK) is None
    after = minutes.row(), minutes.kinds(), len(minutes.jobs())
    assert columns(after[0], without=set()) == columns(before[0], without=set())
    assert after[1:] == before[1:]


def change(minutes: Minutes, **values: Any) -> None:
    with all_tenants(reason="a test changes a session"):
        Session.objects.filter(pk=minutes.session_id).update(**values)


@pytest.mark.parametrize("races", [1, 3, 99])
def test_an_input_that_is_overtaken_is_accepted_all_the_same(
    alice: Person, races: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else is faster again and again, in the end for longer than anybody tries without the lock."""
    minutes, rivals = Minutes.start(alice), iter(range(2, 2 + races))

    def overtaken(seen: accepting.Seen, entry: NewEntry, flow: str, **how: bool) -> Any:
        rival = next(rivals, None)
        if rival is not None and entry.sequence_id == 1:
            with monkeypatch.context() as usual:
                usual.setattr(inputs, "record", record)
                assert minutes.say(rival, DEBATE).status_code == 202
        return record(seen, entry, flow, **how)

    monkeypatch.setattr(inputs, "record", overtaken)
    assert minutes.send_audio(1, WAV).status_code == 202
    numbers = [row.number for row in minutes.journal()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert sorted(row.sequence_id or 0 for row in minutes.journal()) == list(range(1, min(races, 5) + 2))
    assert len(minutes.jobs()) == len(numbers)


def test_a_number_that_was_used_meanwhile_is_answered_by_its_content(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = Minutes.start(alice)
    for number, (rival, status) in enumerate([(OPENING, 202), (DEBATE, 409)], 1):

        def overtaken(
            seen: accepting.Seen, entry: NewEntry, flow: str, text: str = rival, number: int = number, **how: bool
        ) -> Any:
            monkeypatch.setattr(inputs, "record", record)
            assert minutes.say(number, text).status_code == 202
            return record(seen, entry, flow, **how)

        monkeypatch.setattr(inputs, "record", overtaken)
        answer = minutes.say(number, OPENING)
        assert answer.status_code == status
        if status == 202:
            assert answer.json()["repeated"]
        else:
            assert_problem(answer, 409, "sequence_conflict")
    assert minutes.kinds() == ["text", "text"]


def test_a_crowd_at_one_session_leaves_a_journal_without_gaps(alice: Person) -> None:
    minutes, crowd, each = Minutes.start(alice), 6, 8
    start = threading.Barrier(crowd)

    def speak(who: int) -> None:
        start.wait(DEADLINE_S)
        try:
            with tenant_scope(alice.tenant_id):
                for turn in range(each):
                    number = 1 + who // 2 * each + turn  # two of the crowd send every number
                    append_text(
                        UUID(minutes.session_id), sequence_id=number, text=f"n {number}", captured=Captured(), actor="a"
                    )
        finally:
            connection.close()

    with ThreadPoolExecutor(crowd) as pool:
        for done in [pool.submit(speak, who) for who in range(crowd)]:
            done.result(DEADLINE_S)
    journal = minutes.journal()
    assert [row.number for row in journal] == list(range(1, crowd // 2 * each + 1))
    assert sorted(row.sequence_id or 0 for row in journal) == list(range(1, crowd // 2 * each + 1))
    assert len(minutes.jobs()) == len(journal)
    assert minutes.row().journal_length == minutes.row().highest_sequence_id == len(journal)


def test_a_job_that_is_there_already_is_left_as_it_is(alice: Person) -> None:
    minutes = Minutes.start(alice)
    key = f"{TRANSCRIBE_CHUNK}:{minutes.session_id}:7"
    with tenant_scope(alice.tenant_id):
        first = jobs.submit(TRANSCRIBE_CHUNK, {"sequence_id": 7}, session_id=UUID(minutes.session_id), dedup_key=key)
        assert record(look(UUID(minutes.session_id), 7), ENTRIES["audio"], TRANSCRIBE_CHUNK) is not None
    assert [job.id for job in minutes.jobs()] == [first.id]
    with all_tenants(reason="a test counts"):
        assert JobEvent.objects.filter(job_id=first.id).count() == 1


def test_rows_of_another_council_are_neither_changed_nor_inserted(alice: Person, charlie: Person) -> None:
    minutes = Minutes.start(alice)
    session, theirs = minutes.row(), Insert(JobEvent, {"tenant_id": charlie.tenant_id})
    with tenant_scope(charlie.tenant_id), pytest.raises(Forbidden):
        change_and_insert(session, (), {"journal_length": 1}, [])
    with tenant_scope(alice.tenant_id), pytest.raises(Forbidden):
        change_and_insert(session, (), {"journal_length": 1}, [theirs])
    assert (minutes.row().journal_length, minutes.kinds()) == (0, [])
    with tenant_scope(charlie.tenant_id), pytest.raises(Forbidden):
        look(session.pk, 1)


def test_in_a_transaction_that_fails_nothing_stays(alice: Person) -> None:
    minutes = Minutes.start(alice)
    with tenant_scope(alice.tenant_id), transaction.atomic():
        assert record(look(UUID(minutes.session_id), 7), ENTRIES["audio"], TRANSCRIBE_CHUNK) is not None
        transaction.set_rollback(True)
    assert (minutes.kinds(), minutes.jobs(), minutes.row().journal_length) == ([], [], 0)
