"""The buffer follows from the journal, whatever was lost and in whatever order it was mirrored."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings
from redis.cluster import RedisCluster

from astra_site.embedded import RedisClusterServers, RedisServer
from astra_site.lib.redis_client import redis_client, session_redis
from astra_site.lib.tenancy import tenant_scope
from jobs.runtime.orchestration import orchestrator
from jobs.runtime.sweeper import sweep_once
from sessions_app.buffer import scripts
from sessions_app.buffer.keys import BufferKeys
from sessions_app.buffer.slots import Slot
from sessions_app.models import JournalRow, Session
from sessions_app.services import buffering, journal_slots
from sessions_app.services.buffer_care import LOOK_AFTER_SESSION, compare_buffer
from sessions_app.services.buffering import bring_up_to_date, buffer_of, read_page, show_in_buffer
from tests.people import Person
from tests.session_redis import session_on
from tests.sessions.minutes_client import CLOSING, DEBATE, OPENING, VOTE, Minutes, finish_jobs
from tests.sessions.samples import png

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = (OPENING, DEBATE, VOTE, CLOSING)
KEYS = ("meta", "order", "bodies", "processing", "applied")


@pytest.fixture
def minutes(alice: Person) -> Minutes:
    """A session with inputs done and in work, an image and a context."""
    minutes = Minutes.start(alice)
    for number, text in enumerate(SCRIPT[:2], 1):
        minutes.say(number, text)
    minutes.show_image(png())
    finish_jobs()
    minutes.set_context(speaker="Ana")
    minutes.say(3, SCRIPT[2])
    return minutes


def lose(minutes: Minutes, key: str) -> None:
    redis_client().delete(getattr(BufferKeys.of(minutes.row().id), key))


def is_equal(minutes: Minutes) -> bool:
    with tenant_scope(minutes.row().tenant_id):
        return compare_buffer(minutes.row()).is_equal


def published() -> int:
    """How often anything was published since the server started."""
    stats: dict[str, Any] = redis_client().info("commandstats")  # type: ignore[assignment]  # stub: or awaitable
    return int(stats.get("cmdstat_publish", {"calls": 0})["calls"])


class Calls:
    """The scripts that were run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        names = {id(getattr(scripts, name)): name for name in ("apply", "begin", "read", "standing", "missing")}
        run = scripts.LuaScript.__call__

        def counted(script: scripts.LuaScript, *arguments: object) -> object:
            self.names.append(names.get(id(script), "other"))
            return run(script, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(scripts.LuaScript, "__call__", counted)


def test_the_mirror_of_an_entry_is_one_round_trip(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(monkeypatch)
    before = published()
    minutes.say(4, CLOSING)
    assert calls.names == ["apply"]
    assert published() == before + 1, "the wake-up travels inside the script"


def test_a_read_that_finds_everything_asks_the_journal_nothing(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    session = minutes.row()
    calls = Calls(monkeypatch)
    with tenant_scope(session.tenant_id), django_assert_num_queries(0):
        page = read_page(session, 0, 100)
    assert (calls.names, page.slot_count, page.processing_count) == (["read"], 4, 1)


@pytest.mark.parametrize("key", [*KEYS, "all"])
def test_a_request_that_meets_a_damaged_buffer_mends_it(minutes: Minutes, key: str) -> None:
    shown = minutes.blocks()
    if key == "all":
        redis_client().flushall()
    else:
        lose(minutes, key)
    assert not is_equal(minutes)
    assert minutes.blocks() == shown
    assert is_equal(minutes)


def test_only_what_is_missing_is_read_from_the_journal(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web process was killed between commit and mirror, again and again, and others went on."""
    with monkeypatch.context() as killed:
        killed.setattr("sessions_app.services.journal.show_in_buffer", lambda session, row: None)
        minutes.say(4, DEBATE)
    minutes.say(5, CLOSING)
    with monkeypatch.context() as killed:
        killed.setattr("sessions_app.services.journal.show_in_buffer", lambda session, row: None)
        minutes.say(6, CLOSING)
    session = minutes.row()
    with tenant_scope(session.tenant_id):
        assert buffer_of(session).missing(session.journal_length) == [(8, 8), (10, 10)]
        read: list[int] = []
        slots_of = journal_slots.slots_of

        def noted(row: JournalRow, of: Session) -> list[Slot]:
            read.append(row.number)
            return slots_of(row, of)

        monkeypatch.setattr(buffering, "slots_of", noted)
        assert bring_up_to_date(session) == 2
        assert bring_up_to_date(session) == 0
    assert read == [8, 10]
    assert is_equal(minutes)


def test_many_missing_entries_are_written_anew(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffering, "_FEW", 3)
    shown = minutes.blocks()
    redis_client().flushall()
    calls = Calls(monkeypatch)
    assert minutes.blocks() == shown
    assert calls.names == ["read", "missing", "begin", "apply", "read"]
    assert is_equal(minutes)


def test_while_somebody_else_rebuilds_the_journal_answers(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffering, "_FEW", 3)
    shown, session = minutes.blocks(), minutes.row()

    def stuck() -> Iterator[Slot]:
        yield from ()
        assert minutes.blocks() == shown

    buffer_of(session).rebuild(stuck(), session.journal_length, 4_000_000_000_000)


@settings(
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_mirroring_and_any_loss_ends_equal_to_a_rebuild(minutes: Minutes, data: st.DataObject) -> None:
    session, rows = minutes.row(), minutes.journal()
    with tenant_scope(session.tenant_id):
        buffer_of(session).drop()
        for row in data.draw(st.lists(st.sampled_from(rows), max_size=2 * len(rows)), label="mirrored"):
            show_in_buffer(session, row)
            lost = data.draw(st.sampled_from(["", "", *KEYS, "all", "read"]), label="lost")
            if lost == "all":
                redis_client().flushall()
            elif lost == "read":
                read_page(session, 0, 2)
            elif lost:
                lose(minutes, lost)
        bring_up_to_date(session)
        assert compare_buffer(session).is_equal
        slots = journal_slots.journal_slots(session)
        page = read_page(session, 0, 500)
    assert page.blocks == [dict(block) for slot in slots for block in slot.blocks]
    assert page.processing_count == 1


def test_the_sweeper_brings_open_sessions_up_to_date(minutes: Minutes) -> None:
    redis_client().flushall()
    sweep_once(orchestrator())
    assert is_equal(minutes)


def test_the_sweeper_does_not_keep_a_session_in_redis_that_nobody_uses(minutes: Minutes, settings: Settings) -> None:
    redis_client().flushall()
    settings.SESSION_BUFFER_TTL_S = 0
    sweep_once(orchestrator())
    assert redis_client().keys("session:*") == []


def test_looking_does_not_let_a_buffer_live_longer(minutes: Minutes) -> None:
    key = BufferKeys.of(minutes.row().id).meta
    redis_client().expire(key, 100)
    sweep_once(orchestrator())
    assert 0 < int(str(redis_client().ttl(key))) <= 100


def test_an_input_that_was_heard_and_then_forgotten_is_looked_after(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step that makes blocks did nothing, and the job ended: only the lease of the slot tells."""
    with monkeypatch.context() as crash:
        crash.setattr("sessions_app.flows.understand_ready_inputs", lambda session: 0)
        finish_jobs()
    sweep_once(orchestrator())
    assert minutes.jobs(flow=LOOK_AFTER_SESSION) == [], "its lease has not run out"
    with monkeypatch.context() as later:
        later.setattr(journal_slots, "WORK_LEASE", -journal_slots.WORK_LEASE)
        redis_client().flushall()
        minutes.blocks()
        sweep_once(orchestrator())
        sweep_once(orchestrator())
    assert len(minutes.jobs(flow=LOOK_AFTER_SESSION)) == 1, "one sweeper takes it, once in a while"
    finish_jobs()
    assert {block["status"] for block in minutes.blocks()} == {"READY"}


def test_work_that_is_still_going_on_is_left_alone(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_slots, "WORK_LEASE", -journal_slots.WORK_LEASE)
    monkeypatch.setattr("sessions_app.services.buffer_care._has_ready_input", lambda session: False)
    redis_client().flushall()
    minutes.blocks()
    sweep_once(orchestrator())
    assert minutes.jobs(flow=LOOK_AFTER_SESSION) == []


# -- manage.py rebuild_session -----------------------------------------------------------------------------------
def rebuild(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rebuild_session", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_what_differs_and_rebuilds(minutes: Minutes) -> None:
    assert "7 entries, 4 slots, 4 blocks, 1 in work: equal" in rebuild(minutes.session_id, "--check")
    session = minutes.row()
    with tenant_scope(session.tenant_id):
        slots = journal_slots.journal_slots(session)
    forged = [
        Slot(slots[0].name, 1, 99, [{**slots[0].blocks[0], "text": "otra cosa"}]),
        Slot("0000000009", 9, 99, [{**slots[0].blocks[0], "block_id": "9.0"}]),
        Slot(slots[1].name, 2, 99, [], is_gone=True),
    ]
    buffer_of(session).apply(99, 99, forged)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 buffers differ"):
        call_command("rebuild_session", "--all-open", "--check", stdout=out)
    assert "missing blocks: 2.0" in out.getvalue()
    assert "surplus blocks: 9.0" in out.getvalue()
    assert "different blocks: 1.0" in out.getvalue()
    assert "rebuilt; it was different" in rebuild("--all-open")
    assert is_equal(minutes)
    redis_client().flushall()
    assert "entries not seen: 7" in rebuild(minutes.session_id)
    assert is_equal(minutes)


def test_the_command_refuses_what_is_no_session(minutes: Minutes) -> None:
    with pytest.raises(CommandError, match="no session with this id"):
        rebuild("00000000-0000-0000-0000-000000000000")
    with pytest.raises(CommandError):
        call_command("rebuild_session")


# -- A Redis that hangs ------------------------------------------------------------------------------------------
def test_a_redis_that_hangs_keeps_nobody_waiting_at_every_input(
    alice: Person, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffering, "_rests", {})
    monkeypatch.setattr(buffering, "_REST_S", 60.0)
    monkeypatch.setattr("astra_site.lib.redis_client._CALL_TIMEOUT_S", 0.5)
    server = RedisServer(tmp_path / "redis", aof=False, bound=True)
    server.start()
    settings.SESSION_REDIS_URL = server.url
    pid = server.pid
    assert pid is not None
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    os.kill(pid, signal.SIGSTOP)
    try:
        asked: list[str] = []
        run = scripts.LuaScript.__call__

        def noted(script: scripts.LuaScript, *arguments: Any) -> Any:
            asked.append("asked")
            return run(script, *arguments)

        monkeypatch.setattr(scripts.LuaScript, "__call__", noted)
        for number in range(2, 6):
            assert minutes.say(number, DEBATE).status_code == 202
        assert [block["sequence_id"] for block in minutes.blocks()] == [1, 2, 3, 4, 5]
        assert asked == ["asked"], "the first one waited, the others did not ask"
    finally:
        os.kill(pid, signal.SIGCONT)
    monkeypatch.setattr(buffering, "_rests", {})
    assert [block["sequence_id"] for block in minutes.blocks()] == [1, 2, 3, 4, 5]
    assert is_equal(minutes)
    session_redis().close()
    server.stop()


# -- On a cluster ------------------------------------------------------------------------------------------------
def test_a_session_on_a_cluster_ends_as_one_without(alice: Person, on_cluster: RedisCluster) -> None:
    minutes = Minutes.start(alice)
    for number, text in enumerate(SCRIPT, 1):
        minutes.say(number, text)
    assert [block["status"] for block in minutes.blocks()] == ["PROCESSING"] * 4
    on_cluster.flushall(target_nodes=RedisCluster.PRIMARIES)
    finish_jobs()
    assert [block["text"] for block in minutes.blocks()] == list(SCRIPT)
    assert is_equal(minutes)
    minutes.close()


def test_while_its_master_is_down_the_journal_answers(
    alice: Person, on_cluster: RedisCluster, redis_cluster: RedisClusterServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session._meta.get_field("id"), "default", lambda: session_on(2))
    minutes = Minutes.start(alice)
    minutes.say(1, OPENING)
    redis_cluster.nodes[2].kill()
    try:
        assert minutes.say(2, CLOSING).status_code == 202
        finish_jobs()
        assert [block["text"] for block in minutes.blocks()] == [OPENING, CLOSING]
    finally:
        redis_cluster.start()
    monkeypatch.setattr(buffering, "_rests", {})
    assert [block["text"] for block in minutes.blocks()] == [OPENING, CLOSING]
    assert is_equal(minutes)
