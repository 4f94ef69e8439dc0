"""What an acknowledgement costs is counted here, so that nobody makes it dearer without noticing."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from pytest_django import Settings
from redis.connection import AbstractConnection

from astra_site.lib import threads
from astra_site.lib.behind import Behind
from astra_site.lib.object_store import Bucket
from astra_site.lib.object_store.local import LocalObjectStore
from astra_site.lib.tenancy import tenant_scope
from astra_site.lib.threads import in_thread
from sessions_app.models import Session
from sessions_app.services.buffering import buffer_of
from sessions_app.services.inputs import Captured, append_text
from tests.people import Person
from tests.sessions.asgi_client import Site
from tests.sessions.minutes_client import Minutes
from tests.sessions.samples import WAV
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 20.0


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Counter[str]:
    """Statements, Redis round trips and flushes to the disk, but for those of threads that work behind the answer.

    Nor those that come once a second only: the look at the workers' backlog, the question whether a connection lives.
    Nor what opens a connection: a busy machine may give an append to a thread that has none yet.
    """
    settings.BACKLOG_INPUTS = settings.BACKLOG_AGE_S = 0
    monkeypatch.setattr(threads, "_TRUSTED_FOR_S", 600.0)
    counts: Counter[str] = Counter()

    def counted(owner: Any, name: str, what: str) -> None:
        call = getattr(owner, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            is_new_connection = what == "statements" and "set_config('TimeZone'" in str(args[1])
            if not is_new_connection and threading.current_thread().name.startswith(("astra-async", "MainThread")):
                counts[what] += 1
            return call(*args, **kwargs)

        monkeypatch.setattr(owner, name, counting)

    counted(psycopg.Cursor, "execute", "statements")
    counted(AbstractConnection, "send_packed_command", "redis")
    counted(os, "fsync", "fsyncs")
    return counts


def every_thread_serves(person: Person) -> None:
    """Let each thread of the fast path run a statement for somebody's council, and so all its connections know it."""

    async def all_at_once() -> None:
        together = threading.Barrier(settings.ASYNC_THREADS)

        def one() -> None:
            together.wait(DEADLINE_S)
            Session.objects.exists()

        with tenant_scope(person.tenant_id):
            await asyncio.gather(*(in_thread(one) for _ in range(settings.ASYNC_THREADS)))

    asyncio.run(all_at_once())


def test_two_statements_two_flushes_and_no_redis(alice: Person, spent: Counter[str]) -> None:
    minutes, site = Minutes.start(alice), Site()
    every_thread_serves(alice)
    for number in (1, 2):  # the first chunk of a session makes its folder
        site.append(minutes, alice, f"?sequence_id={number}", WAV, "audio/wav")
    spent.clear()
    assert site.append(minutes, alice, "?sequence_id=3", WAV, "audio/wav").status_code == 202
    assert dict(spent) == {"statements": 2, "fsyncs": 2}


def test_a_connection_that_served_another_council_is_told_once(
    alice: Person, charlie: Person, spent: Counter[str]
) -> None:
    minutes, site = Minutes.start(alice), Site()
    site.append(minutes, alice, "?sequence_id=1", WAV, "audio/wav")
    every_thread_serves(charlie)
    spent.clear()
    assert site.append(minutes, alice, "?sequence_id=2", WAV, "audio/wav").status_code == 202
    assert spent["statements"] == 3


def test_on_the_other_transports_one_redis_round_trip(alice: Person, spent: Counter[str]) -> None:
    minutes = Minutes.start(alice)
    with tenant_scope(alice.tenant_id):
        for number in (1, 2, 3):
            spent.clear()
            append_text(UUID(minutes.session_id), sequence_id=number, text="n", captured=Captured(), actor="a")
    assert (spent["statements"], spent["redis"]) == (2, 1)


def test_what_was_acknowledged_is_seen_at_once_although_the_buffer_is_told_later(alice: Person) -> None:
    minutes, site = Minutes.start(alice), Site()
    for number in range(1, 9):
        body = b'{"sequence_id": %d, "text": "n"}' % number
        assert site.append(minutes, alice, "", body, "application/json").status_code == 202
        assert [block["sequence_id"] for block in minutes.blocks()] == list(range(1, number + 1))
    until(lambda: _seen(minutes, alice) == 8)


def test_a_buffer_that_was_never_told_is_brought_up_to_date_by_its_reader(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Behind, "hand_over", lambda self, item: None)
    minutes, site = Minutes.start(alice), Site()
    for number in range(1, 4):
        body = b'{"sequence_id": %d, "text": "n"}' % number
        site.append(minutes, alice, "", body, "application/json")
    assert _seen(minutes, alice) < 3
    assert [block["sequence_id"] for block in minutes.blocks()] == [1, 2, 3]
    assert _seen(minutes, alice) == 3


def _seen(minutes: Minutes, person: Person) -> int:
    with tenant_scope(person.tenant_id):
        return buffer_of(minutes.row()).standing().complete_to


def test_the_folder_of_a_first_chunk_is_flushed_with_all_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by who finds it made: whoever made it may not have flushed it yet."""
    flushed: list[str] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    root = tmp_path / "objects"
    for _ in range(2):  # two processes
        store = LocalObjectStore(root, public_url="http://x.invalid")
        for number in (1, 2):
            flushed.clear()
            store.put(Bucket.AUDIO, f"tenant/session/{number}", b"x", "audio/wav")
            folders = {path for path in flushed if Path(path).is_dir()}
            own = str(root / "audio/tenant/session")
            above = {str(root / "audio/tenant"), str(root / "audio"), str(root)}
            assert folders >= ({own, *above} if number == 1 else {own})
