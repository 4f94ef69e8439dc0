"""The buffer's scripts, alone, on one Redis and on a cluster of three masters: the same suite over both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from astra_site.embedded import RedisClusterServers
from astra_site.lib.errors import Unavailable
from astra_site.lib.redis_client import SessionRedis
from sessions_app.buffer import scripts, store
from sessions_app.buffer.keys import BufferKeys
from sessions_app.buffer.store import BufferBehind, SessionBuffer, Slot
from tests.session_redis import session_on

TTL_S = 60
NOW_MS = 1_800_000_000_000
Buffers = tuple[SessionBuffer, BufferKeys]


@pytest.fixture
def client(session_client: SessionRedis) -> SessionRedis:
    return session_client


def slot_name(number: int, part: int = 0) -> str:
    """Name a slot as the order of blocks does: what stands at a place goes by its key."""
    return f"{number:07d}.{part:07d}"


def newest_of_each(slots: Sequence[Slot]) -> list[Slot]:
    """Return what has to be there when all of these were written, in whatever order."""
    newest: dict[str, Slot] = {}
    for slot in slots:
        if slot.name not in newest or newest[slot.name].revision < slot.revision:
            newest[slot.name] = slot
    return sorted(
        (slot for slot in newest.values() if not slot.is_gone), key=lambda slot: (slot.sequence_id, slot.name)
    )


def new_buffer(client: SessionRedis) -> Buffers:
    session_id = uuid4()
    return SessionBuffer(client, session_id, TTL_S), BufferKeys.of(session_id)


@pytest.fixture
def pair(client: SessionRedis) -> Iterator[Buffers]:
    pair = new_buffer(client)
    yield pair
    pair[0].drop()


@pytest.fixture
def buffer(pair: Buffers) -> SessionBuffer:
    return pair[0]


def slot(number: int, revision: int, text: str = "", leased_until_ms: int | None = None) -> Slot:
    return Slot(slot_name(number), number, revision, [{"n": number, "text": text or str(revision)}], leased_until_ms)


def put(buffer: SessionBuffer, *slots: Slot) -> int:
    """Apply one entry."""
    number = slots[0].revision
    return buffer.apply(number, number, slots)


def texts(buffer: SessionBuffer) -> list[str]:
    return [block["text"] for block in buffer.page(0, 500, 0).blocks]


# -- An entry is applied once, the later one stands --------------------------------------------------------------
def test_a_newer_revision_replaces_and_an_older_one_does_not(buffer: SessionBuffer) -> None:
    assert put(buffer, slot(1, 5))
    assert not put(buffer, slot(1, 4))
    assert not put(buffer, slot(1, 5, "the same again"))
    assert texts(buffer) == ["5"]
    assert put(buffer, slot(1, 10))
    assert texts(buffer) == ["10"]


def test_revisions_are_numbers_and_not_words(buffer: SessionBuffer) -> None:
    put(buffer, slot(1, 9))
    assert put(buffer, slot(1, 10))
    assert not put(buffer, slot(1, 8))


def test_a_slot_that_is_gone_is_not_brought_back_by_an_older_entry(buffer: SessionBuffer) -> None:
    put(buffer, slot(1, 1), slot(2, 1))
    put(buffer, Slot(slot_name(1), 1, 4, [], is_gone=True))
    assert not put(buffer, slot(1, 3))
    assert texts(buffer) == ["1"]
    assert put(buffer, slot(1, 5))
    assert texts(buffer) == ["5", "1"]


def test_a_block_that_is_put_elsewhere_stands_there_and_only_there(buffer: SessionBuffer) -> None:
    put(buffer, slot(1, 1, "one"), slot(2, 1, "two"), slot(3, 1, "three"))
    behind_two = Slot(f"{slot_name(2)}.i", 2, 2, [{"n": 1, "text": "moved"}])
    put(buffer, behind_two, Slot(slot_name(1), 1, 2, [], is_gone=True))
    page = buffer.page(0, 10, 0)
    assert ([block["text"] for block in page.blocks], page.slot_count) == (["two", "moved", "three"], 3)


# -- What it has seen --------------------------------------------------------------------------------------------
def test_a_buffer_that_is_not_there_has_seen_nothing(buffer: SessionBuffer) -> None:
    assert (buffer.standing().complete_to, buffer.missing(3)) == (0, [(1, 3)])
    page = buffer.page(0, 10, 0)
    assert (page.blocks, page.slot_count, page.processing_count) == ([], 0, 0)
    with pytest.raises(BufferBehind):
        buffer.page(0, 10, 1)


def test_reading_creates_nothing(client: SessionRedis, pair: Buffers) -> None:
    buffer, keys = pair
    buffer.page(0, 10, 0)
    buffer.standing()
    buffer.missing(5)
    assert not buffer.claim("x", "me", NOW_MS, NOW_MS)
    assert [key for key in keys.all() if client.exists(key)] == []


def test_it_knows_exactly_which_entries_are_missing(buffer: SessionBuffer) -> None:
    for number in (1, 2, 3, 5, 17, 18, 40):
        buffer.apply(number, number, [])
    assert buffer.standing().complete_to == 3
    assert buffer.missing(40) == [(4, 4), (6, 16), (19, 39)]
    assert buffer.missing(42) == [(4, 4), (6, 16), (19, 39), (41, 42)]
    assert buffer.missing(10, ranges=1) == [(4, 4)]
    assert buffer.missing(3) == []
    buffer.apply(4, 16, [])
    assert buffer.standing().complete_to == 18
    buffer.apply(19, 1000, [])
    assert (buffer.standing().complete_to, buffer.missing(1001)) == (1000, [(1001, 1001)])


def test_entries_beyond_a_gap_do_not_hide_it(buffer: SessionBuffer) -> None:
    """As many entries as the reader knows of are there, and still one of them is missing."""
    for number in (1, 2, 4):
        put(buffer, slot(number, number))
    with pytest.raises(BufferBehind):
        buffer.page(0, 10, 3)
    put(buffer, slot(3, 3))
    assert len(buffer.page(0, 10, 3).blocks) == 4


NUMBERS = st.sets(st.integers(1, 90), max_size=60)


@settings(deadline=None, derandomize=True, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=NUMBERS, upto=st.integers(0, 90))
def test_missing_ranges_are_what_was_not_seen(client: SessionRedis, seen: set[int], upto: int) -> None:
    buffer, _ = new_buffer(client)
    for number in seen:
        buffer.apply(number, number, [])
    listed = [number for first, last in buffer.missing(upto) for number in range(first, last + 1)]
    assert listed == [number for number in range(1, upto + 1) if number not in seen]
    assert buffer.standing().complete_to == (min(set(range(1, 92)) - seen) - 1 if seen else 0)
    buffer.drop()


@pytest.mark.parametrize("lost", ["meta", "order", "bodies", "processing", "applied"])
def test_a_key_that_is_lost_alone_is_noticed(client: SessionRedis, pair: Buffers, lost: str) -> None:
    buffer, keys = pair
    put(buffer, slot(1, 1, leased_until_ms=NOW_MS))
    put(buffer, slot(2, 2))
    client.delete(getattr(keys, lost))
    assert (buffer.standing().complete_to, buffer.missing(2)) == (0, [(1, 2)])
    with pytest.raises(BufferBehind):
        buffer.page(0, 10, 2)
    put(buffer, slot(3, 3))
    assert buffer.missing(3) == [(1, 2)]
    put(buffer, slot(1, 1, leased_until_ms=NOW_MS))
    put(buffer, slot(2, 2))
    page = buffer.page(0, 10, 3)
    assert ([block["n"] for block in page.blocks], page.processing_count) == ([1, 2, 3], 1)


ENTRY = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["work", "done", "gone"])),
    max_size=3,
    unique_by=lambda w: w[0],
)
JOURNAL = st.lists(ENTRY, min_size=1, max_size=10)
LOSS = st.sampled_from(["none", "none", "all", "meta", "order", "bodies", "processing", "applied", "rebuild"])


def slots_of_entry(number: int, writes: Sequence[tuple[int, str]]) -> list[Slot]:
    made = []
    for position, what in writes:
        block = [{"text": f"{position}@{number}"}]
        lease_ms = NOW_MS if what == "work" else None
        made.append(Slot(slot_name(position), position, number, block, lease_ms, is_gone=what == "gone"))
    return made


@settings(deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(journal=JOURNAL, data=st.data())
def test_any_order_repetition_and_loss_ends_in_the_picture_of_the_journal(
    client: SessionRedis, journal: list[list[tuple[int, str]]], data: st.DataObject
) -> None:
    buffer, keys = new_buffer(client)
    entries = {number: slots_of_entry(number, writes) for number, writes in enumerate(journal, 1)}
    length = len(entries)
    expected = newest_of_each([slot for slots in entries.values() for slot in slots])
    for number in data.draw(st.lists(st.integers(1, length), max_size=2 * length), label="mirrored"):
        buffer.apply(number, number, entries[number])
        lost = data.draw(LOSS, label="lost")
        if lost == "all":
            buffer.drop()
        elif lost == "rebuild":
            buffer.rebuild(expected, length, NOW_MS)
        elif lost != "none":
            client.delete(getattr(keys, lost))
    for first, last in buffer.missing(length):
        slots = [slot for number in range(first, last + 1) for slot in entries[number]]
        buffer.apply(first, last, newest_of_each(slots) + [slot for slot in slots if slot.is_gone])
    page = buffer.page(0, 500, length)
    assert page.blocks == [block for slot in expected for block in slot.blocks]
    assert page.slot_count == len(expected)
    assert page.processing_count == sum(slot.leased_until_ms is not None for slot in expected)
    buffer.drop()


# -- Rebuilding --------------------------------------------------------------------------------------------------
def test_a_rebuild_leaves_nothing_of_what_was_there(buffer: SessionBuffer) -> None:
    put(buffer, slot(1, 1))
    put(buffer, slot(9, 2))
    assert buffer.rebuild([slot(1, 3), slot(2, 4)], 4, NOW_MS) == 2
    assert (texts(buffer), buffer.missing(4)) == (["3", "4"], [])


def test_entries_that_come_during_a_rebuild_are_kept(buffer: SessionBuffer) -> None:
    def slots() -> Iterator[Slot]:
        yield slot(1, 1)
        put(buffer, slot(2, 7, "new"))
        yield slot(2, 2, "old")

    buffer.rebuild(slots(), 6, NOW_MS)
    assert texts(buffer) == ["1", "new"]
    assert buffer.missing(7) == []


def test_a_rebuild_that_is_overtaken_does_not_pretend_to_be_complete(
    buffer: SessionBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WRITE_BYTES", 1)
    much_later_ms = NOW_MS + 10 * store.REBUILD_LEASE_MS

    def slots() -> Iterator[Slot]:
        yield slot(1, 1)
        yield slot(2, 2)
        buffer.rebuild([slot(1, 1), slot(2, 2), slot(3, 3)], 3, much_later_ms)
        yield slot(3, 3)

    with pytest.raises(BufferBehind):
        buffer.rebuild(slots(), 3, NOW_MS)
    assert texts(buffer) == ["1", "2", "3"]


def test_a_rebuild_whose_writer_died_is_behind_and_then_taken_over(
    buffer: SessionBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WRITE_BYTES", 1)

    def slots() -> Iterator[Slot]:
        yield slot(1, 1)
        yield slot(2, 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        buffer.rebuild(slots(), 2, NOW_MS)
    with pytest.raises(BufferBehind):
        buffer.page(0, 10, 2)
    with pytest.raises(BufferBehind):
        buffer.rebuild([slot(1, 1), slot(2, 2)], 2, NOW_MS + 1)
    assert buffer.rebuild([slot(1, 1), slot(2, 2)], 2, NOW_MS + store.REBUILD_LEASE_MS) == 2
    assert texts(buffer) == ["1", "2"]


def test_a_rebuild_that_loses_its_ground_starts_again_later(
    client: SessionRedis, pair: Buffers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WRITE_BYTES", 1)
    buffer, keys = pair

    def slots() -> Iterator[Slot]:
        yield slot(1, 1)
        yield slot(2, 2)
        yield slot(3, 3)
        assert client.delete(keys.bodies)
        yield slot(4, 3)

    with pytest.raises(BufferBehind):
        buffer.rebuild(slots(), 3, NOW_MS)
    assert buffer.missing(3) == [(1, 3)]
    assert buffer.rebuild([slot(1, 1)], 3, NOW_MS + 1) == 1


# -- Order and pages ---------------------------------------------------------------------------------------------
def test_numbers_sort_as_numbers_and_images_follow_their_input(buffer: SessionBuffer) -> None:
    image = Slot(slot_name(2, 100_001), 2, 9, [{"text": "image"}])
    for item in (slot(10, 1, "ten"), slot(9, 2, "nine"), image, slot(2, 3, "two"), slot(100, 4, "hundred")):
        put(buffer, item)
    assert texts(buffer) == ["two", "image", "nine", "ten", "hundred"]


def test_a_long_input_takes_several_positions_between_its_neighbours(buffer: SessionBuffer) -> None:
    pieces = [Slot(slot_name(2, piece), 2, 5, [{"text": f"two-{piece}"}]) for piece in range(3)]
    put(buffer, *reversed(pieces))
    put(buffer, Slot(slot_name(2, 100_001), 2, 9, [{"text": "image"}]))
    put(buffer, slot(3, 4, "three"))
    put(buffer, slot(1, 3, "one"))
    assert texts(buffer) == ["one", "two-0", "two-1", "two-2", "image", "three"]
    assert [block["text"] for block in buffer.page(1, 2, 0).blocks] == ["two-0", "two-1"]


def test_pages_cut_by_input(buffer: SessionBuffer) -> None:
    for number in range(1, 8):
        put(buffer, slot(number, number))
    page = buffer.page(2, 3, 7)
    assert ([block["n"] for block in page.blocks], page.slot_count) == ([3, 4, 5], 7)
    assert buffer.page(7, 3, 7).blocks == []


def test_a_large_page_is_read_and_written_in_bounded_pieces(
    buffer: SessionBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "READ_BYTES", 3_000)
    monkeypatch.setattr(store, "WRITE_BYTES", 3_000)
    calls: list[int] = []
    run = SessionBuffer._run

    def counted(self: SessionBuffer, script: scripts.LuaScript, *arguments: str | int) -> Any:
        answer = run(self, script, *arguments)
        moved = arguments if script is scripts.apply else answer if script is scripts.read else ()
        calls.append(sum(len(str(item)) for item in moved))
        return answer

    monkeypatch.setattr(SessionBuffer, "_run", counted)
    long = [Slot(slot_name(1, piece), 1, 1, [{"text": f"{piece:03d}" + "x" * 500}]) for piece in range(60)]
    assert buffer.apply(1, 1, long) == 60
    assert [text[:3] for text in texts(buffer)] == [f"{piece:03d}" for piece in range(60)]
    assert max(calls) < 5_000
    assert len(calls) > 20


def test_a_single_slot_over_the_bound_is_still_read(buffer: SessionBuffer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "READ_BYTES", 10)
    put(buffer, slot(1, 1, "x" * 5_000), slot(2, 1, "y" * 5_000))
    assert [len(text) for text in texts(buffer)] == [5_000, 5_000]


def test_text_survives_as_it_is(buffer: SessionBuffer) -> None:
    odd = "a|b\n\"ñ\" '{}' \U0001f5f3 \u2028"
    put(buffer, slot(1, 1, odd))
    assert texts(buffer) == [odd]


# -- Work --------------------------------------------------------------------------------------------------------
def test_work_in_progress_is_counted_until_it_is_done(buffer: SessionBuffer) -> None:
    put(buffer, slot(1, 1, leased_until_ms=1_000))
    put(buffer, slot(2, 2, leased_until_ms=2_000))
    assert buffer.page(0, 10, 2).processing_count == 2
    assert not buffer.standing().is_drained(2)
    put(buffer, slot(1, 3))
    assert buffer.standing().processing_count == 1
    put(buffer, slot(2, 4))
    assert buffer.standing().is_drained(4)
    assert not buffer.standing().is_drained(5), "what was not seen may be in work"


def test_a_lease_is_one_workers_until_it_runs_out(buffer: SessionBuffer) -> None:
    put(buffer, slot(1, 1, leased_until_ms=NOW_MS + 100))
    name = slot_name(1)
    assert buffer.standing(NOW_MS).expired == []
    assert buffer.claim(name, "a", NOW_MS + 1_000, NOW_MS), "nobody had claimed it"
    assert not buffer.claim(name, "b", NOW_MS + 1_000, NOW_MS + 999)
    assert buffer.claim(name, "a", NOW_MS + 2_000, NOW_MS + 999), "renewed"
    assert buffer.standing(NOW_MS + 1_999).expired == []
    assert buffer.standing(NOW_MS + 2_000).expired == [name]
    assert buffer.claim(name, "b", NOW_MS + 3_000, NOW_MS + 2_000)
    assert not buffer.claim(name, "a", NOW_MS + 4_000, NOW_MS + 2_500), "overtaken"
    assert not buffer.release(name, "a", NOW_MS + 2_500)
    assert buffer.release(name, "b", NOW_MS + 2_500)
    assert buffer.standing(NOW_MS + 2_500).expired == [name]


def test_finished_work_can_not_be_claimed(client: SessionRedis, pair: Buffers) -> None:
    buffer, keys = pair
    put(buffer, slot(1, 1, leased_until_ms=NOW_MS))
    assert buffer.claim(slot_name(1), "a", NOW_MS + 1, NOW_MS)
    put(buffer, slot(1, 2))
    assert not buffer.claim(slot_name(1), "a", NOW_MS + 9, NOW_MS)
    assert not buffer.claim(slot_name(7), "a", NOW_MS + 9, NOW_MS)
    assert sorted(client.hkeys(keys.meta)) == ["bodies", "slots", "working"]  # type: ignore[arg-type]  # stub: awaitable


# -- Keys --------------------------------------------------------------------------------------------------------
def test_every_key_carries_one_hash_tag_and_a_time_to_live(client: SessionRedis, pair: Buffers) -> None:
    buffer, keys = pair
    put(buffer, slot(1, 1, leased_until_ms=5))
    assert len({key_slot(key.encode()) for key in keys.all()}) == 1
    assert all(0 < int(str(client.ttl(key))) <= TTL_S for key in keys.all())
    for key in keys.all():
        client.persist(key)
    buffer.standing()
    assert int(str(client.ttl(keys.meta))) == -1, "a look from outside is no use"
    buffer.page(0, 10, 1)
    assert all(0 < int(str(client.ttl(key))) <= TTL_S for key in keys.all())


def test_scripts_touch_only_the_keys_that_they_are_given() -> None:
    allowed = {"meta", "order", "bodies", "processing", "applied", "KEYS[i]", "unpack(KEYS)", "channel"}
    for script in scripts.SCRIPTS:
        touched = set(re.findall(r"redis\.call\('[A-Z]+', ([^,)]+\)?)", script.text))
        assert {name.rstrip(")") if "(" not in name else name for name in touched} <= allowed, touched
        assert not re.search(r"'(KEYS|SCAN|HGETALL|SMEMBERS|EVAL|SPUBLISH|EXPIRETIME)'", script.text)


def test_a_server_that_forgot_the_scripts_learns_them_again(buffer: SessionBuffer, client: SessionRedis) -> None:
    put(buffer, slot(1, 1))
    client.script_flush()
    assert put(buffer, slot(2, 2))
    assert texts(buffer) == ["1", "2"]


def test_dropping_leaves_nothing(client: SessionRedis, pair: Buffers) -> None:
    buffer, keys = pair
    put(buffer, slot(1, 1, leased_until_ms=5))
    buffer.drop()
    buffer.drop()
    assert [key for key in keys.all() if client.exists(key)] == []


def test_a_redis_that_does_not_answer_is_unavailable() -> None:
    nobody = redis.Redis(port=1, socket_connect_timeout=1)
    with pytest.raises(Unavailable) as caught:
        put(SessionBuffer(nobody, uuid4(), TTL_S), slot(1, 1))
    assert (caught.value.code, caught.value.permanent) == ("redis_unavailable", False)
    nobody.close()


# -- A cluster ---------------------------------------------------------------------------------------------------
def test_many_sessions_spread_over_all_masters(on_cluster: redis.RedisCluster) -> None:
    buffers = [new_buffer(on_cluster) for _ in range(40)]
    for number, (buffer, _) in enumerate(buffers, 1):
        put(buffer, slot(1, 1, str(number), leased_until_ms=NOW_MS))
        buffer.claim(slot_name(1), "me", NOW_MS + 1, NOW_MS)
        buffer.rebuild([slot(1, 1, str(number))], 1, NOW_MS)
    assert [texts(buffer) for buffer, _ in buffers] == [[str(number)] for number in range(1, 41)]
    assert {key_slot(keys.meta.encode()) * 3 // 16384 for _, keys in buffers} == {0, 1, 2}
    for buffer, _ in buffers:
        buffer.drop()


def test_a_master_that_fails_takes_its_own_sessions_only(
    redis_cluster: RedisClusterServers, on_cluster: redis.RedisCluster
) -> None:
    buffers = [SessionBuffer(on_cluster, session_on(node), TTL_S) for node in range(3)]
    for buffer in buffers:
        put(buffer, slot(1, 1))
    failing = redis_cluster.nodes[1]
    failing.kill()
    try:
        with pytest.raises(Unavailable):
            buffers[1].page(0, 10, 1)
        for other in (buffers[0], buffers[2]):
            assert texts(other) == ["1"]
            assert put(other, slot(2, 2))
    finally:
        redis_cluster.start()
    assert buffers[1].standing().complete_to == 0, "it kept nothing, and says so"
    put(buffers[1], slot(1, 1))
    assert texts(buffers[1]) == ["1"]
