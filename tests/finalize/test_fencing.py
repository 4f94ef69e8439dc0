"""A producer that stopped in the middle and goes on when another has long finished: it changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from astra_site.lib.clock import utc_now
from astra_site.lib.tenancy import all_tenants, tenant_scope
from custody.models import Snapshot
from jobs import services as jobs
from jobs.core.job import Job as CoreJob
from jobs.models import Job
from jobs.runtime.orchestration import orchestrator
from jobs.runtime.work import run_job
from sessions_app.models import Session
from sessions_app.services import minutes as production
from sessions_app.services.builder_client import builder_client
from sessions_app.services.journal import sealed_entries
from tests.people import Person
from tests.sessions.minutes_client import CLOSING, OPENING, VOTE, Minutes, finish_jobs

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 30.0


class Sleeper:
    """Runs the production on a thread that falls asleep where it is told, until it is woken."""

    def __init__(self, minutes: Minutes) -> None:
        self.minutes = minutes
        self.asleep, self.woken = threading.Event(), threading.Event()
        self.pool = ThreadPoolExecutor(1)
        self.name = ""

    def sleep_here(self) -> None:
        """Called in the product's code: the sleeper's own thread stays here."""
        if threading.current_thread().name == self.name and not self.asleep.is_set():
            self.asleep.set()
            assert self.woken.wait(DEADLINE_S)

    def is_me(self) -> bool:
        return threading.current_thread().name == self.name

    def start(self) -> Future[CoreJob | None]:
        (job,) = self.minutes.jobs(flow="produce_minutes")

        def run() -> CoreJob | None:
            self.name = threading.current_thread().name
            try:
                return run_job(job.id)
            finally:
                connection.close()

        running = self.pool.submit(run)
        assert self.asleep.wait(DEADLINE_S), running.exception(1)
        return running


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    minutes = Minutes.start(alice)
    for number, text in enumerate((OPENING, VOTE, CLOSING), 1):
        minutes.say(number, text)
    finish_jobs()
    minutes.finalize()
    return minutes


@contextmanager
def asleep_at(minutes: Minutes, step: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sleeper, Future[Any]]]:
    """A producer that sleeps inside a step, and whose work would be another document than everybody else's."""
    sleeper = Sleeper(minutes)
    dump, build, entries = production.session_dump, builder_client, sealed_entries

    def other_dump(session: Session) -> dict[str, Any]:
        made = dump(session)
        if sleeper.is_me() and step == "write_dump":
            sleeper.sleep_here()
            made["blocks"][0]["text"] = "What nobody said."
        return made

    def late_client() -> Any:
        if step == "build_document":
            sleeper.sleep_here()
        return build()

    def late_entries(*args: Any, **options: Any) -> Any:
        found = entries(*args, **options)
        if step == "seal" and not options:
            sleeper.sleep_here()
        return found

    monkeypatch.setattr(production, "session_dump", other_dump)
    monkeypatch.setattr(production, "builder_client", late_client)
    monkeypatch.setattr(production, "sealed_entries", late_entries)
    running = sleeper.start()
    try:
        yield sleeper, running
    finally:
        sleeper.woken.set()
        sleeper.pool.shutdown()


def its_worker_is_taken_for_dead() -> None:
    with all_tenants(reason="a test hurries the clock"):
        Job.objects.filter(status="PROCESSING").update(lease_until=utc_now() - timedelta(seconds=1))
    with all_tenants(reason="a test sweeps"):
        orchestrator().sweep()


def what_was_made(minutes: Minutes) -> tuple[Any, ...]:
    row = minutes.row()
    return row.state, row.dump_key, row.document_key, row.snapshot_id, row.integrity_hash, row.failure


@pytest.mark.parametrize("step", ["write_dump", "build_document", "seal"])
def test_a_producer_that_wakes_up_late_overwrites_nothing(
    minutes: Minutes, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asleep_at(minutes, step, monkeypatch) as (sleeper, running):
        its_worker_is_taken_for_dead()
        finish_jobs()
        assert minutes.show()["state"] == "CLOSED"
        made, fence = what_was_made(minutes), minutes.row().fence
        sleeper.woken.set()
        late = running.result(DEADLINE_S)
    assert late is not None
    assert late.status == "COMPLETED"  # by the other; this run stored nothing
    assert what_was_made(minutes) == made
    assert minutes.row().fence == fence
    assert "What nobody said." not in minutes.document_text()


@pytest.mark.parametrize("step", ["write_dump", "build_document", "seal"])
def test_a_producer_of_a_cancelled_job_neither_writes_nor_seals(
    minutes: Minutes, step: str, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asleep_at(minutes, step, monkeypatch) as (sleeper, running):
        with tenant_scope(alice.tenant_id):
            jobs.cancel(minutes.jobs(flow="produce_minutes")[0].id)
        assert minutes.show()["failure"]["code"] == "cancelled"
        assert minutes.finalize().status_code == 202
        before = what_was_made(minutes)
        sleeper.woken.set()
        running.result(DEADLINE_S)
    assert what_was_made(minutes) == before
    with tenant_scope(alice.tenant_id):
        assert Snapshot.objects.count() == 0
    finish_jobs()
    assert minutes.show()["state"] == "CLOSED"
    assert "What nobody said." not in minutes.document_text()


def test_every_run_of_a_step_has_a_number_of_its_own(minutes: Minutes) -> None:
    asked = minutes.row().fence
    assert asked == 1
    finish_jobs()
    assert minutes.row().fence == asked + 4
    minutes.finalize()
    assert minutes.row().fence == asked + 4
