"""The buffer's scripts, alone: newer stays, missing is said, order is the document's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astra_site.embedded import EmbeddedServices
from astra_site.lib.errors import Unavailable
from astra_site.lib.redis_client import redis_client
from sessions_app.buffer.keys import BufferKeys
from sessions_app.buffer.store import BufferMissing, SessionBuffer, Slot, slot_name

TTL_S = 60
NOW = "2026-03-02T14:00:00.000000Z"


@pytest.fixture
def client(services: EmbeddedServices) -> redis.Redis:
    return redis_client()


def new_buffer(client: redis.Redis) -> SessionBuffer:
    return SessionBuffer(client, uuid4(), TTL_S)


@pytest.fixture
def buffer(client: redis.Redis) -> Iterator[SessionBuffer]:
    buffer = new_buffer(client)
    buffer.load([], NOW)
    yield buffer
    buffer.drop()


def slot(number: int, revision: int, text: str = "", leased_until_ms: int | None = None) -> Slot:
    return Slot(slot_name(number), number, revision, [{"n": number, "text": text or str(revision)}], leased_until_ms)


def texts(buffer: SessionBuffer) -> list[str]:
    return [block["text"] for block in buffer.page().blocks]


def test_a_newer_revision_replaces_and_an_older_one_does_not(buffer: SessionBuffer) -> None:
    assert buffer.put([slot(1, 5)])
    assert not buffer.put([slot(1, 4)])
    assert not buffer.put([slot(1, 5, "the same again")])
    assert texts(buffer) == ["5"]
    assert buffer.put([slot(1, 10)])
    assert texts(buffer) == ["10"]


def test_revisions_are_numbers_and_not_words(buffer: SessionBuffer) -> None:
    buffer.put([slot(1, 9)])
    assert buffer.put([slot(1, 10)])
    assert not buffer.put([slot(1, 9)])


def test_a_put_on_a_missing_buffer_refuses_and_writes_nothing(client: redis.Redis) -> None:
    session_id = uuid4()
    with pytest.raises(BufferMissing):
        SessionBuffer(client, session_id, TTL_S).put([slot(1, 1)])
    assert client.exists(*BufferKeys.of(session_id).all()) == 0


def test_a_page_of_a_missing_buffer_refuses(client: redis.Redis) -> None:
    with pytest.raises(BufferMissing):
        new_buffer(client).page()


def test_an_empty_buffer_is_not_a_missing_one(buffer: SessionBuffer) -> None:
    page = buffer.page()
    assert (page.blocks, page.slot_count, page.processing_count) == ([], 0, 0)


def test_loading_keeps_what_is_newer(buffer: SessionBuffer) -> None:
    buffer.put([slot(1, 7)])
    assert buffer.load([slot(1, 3), slot(2, 4)], NOW) == 1
    assert texts(buffer) == ["7", "4"]


def test_numbers_sort_as_numbers_and_images_follow_their_input(buffer: SessionBuffer) -> None:
    image = Slot(slot_name(2, asset_number=1), 2, 9, [{"text": "image"}])
    for item in (slot(10, 1, "ten"), slot(9, 2, "nine"), image, slot(2, 3, "two"), slot(100, 4, "hundred")):
        buffer.put([item])
    assert texts(buffer) == ["two", "image", "nine", "ten", "hundred"]


def test_work_in_progress_is_counted_until_it_is_done(buffer: SessionBuffer) -> None:
    buffer.put([slot(1, 1, leased_until_ms=1_000)])
    buffer.put([slot(2, 2, leased_until_ms=2_000)])
    assert buffer.page().processing_count == 2
    buffer.put([slot(1, 3)])
    assert buffer.page().processing_count == 1


def test_pages_cut_by_input(buffer: SessionBuffer) -> None:
    for number in range(1, 8):
        buffer.put([slot(number, number)])
    page = buffer.page(2, 3)
    assert ([block["n"] for block in page.blocks], page.slot_count) == ([3, 4, 5], 7)
    assert buffer.page(7, 3).blocks == []


def test_every_key_carries_one_hash_tag_and_a_time_to_live(client: redis.Redis) -> None:
    session_id = uuid4()
    buffer = SessionBuffer(client, session_id, TTL_S)
    buffer.load([slot(1, 1, leased_until_ms=5)], NOW)
    keys = BufferKeys.of(session_id).all()
    assert all(f"{{{session_id}}}" in key for key in keys)
    assert all(0 < int(str(client.ttl(key))) <= TTL_S for key in keys)
    client.persist(keys[0])
    buffer.page()
    assert 0 < int(str(client.ttl(keys[0]))) <= TTL_S


def test_text_survives_as_it_is(buffer: SessionBuffer) -> None:
    odd = "a|b\n\"ñ\" '{}' \U0001f5f3 \u2028"
    buffer.put([slot(1, 1, odd)])
    assert texts(buffer) == [odd]


def test_a_redis_that_does_not_answer_is_unavailable() -> None:
    nobody = redis.Redis(port=1, socket_connect_timeout=1)
    with pytest.raises(Unavailable) as caught:
        SessionBuffer(nobody, uuid4(), TTL_S).put([slot(1, 1)])
    assert (caught.value.code, caught.value.permanent) == ("redis_unavailable", False)
    nobody.close()


WRITES = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 30), st.booleans()), max_size=25)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES)
def test_any_interleaving_of_puts_and_loads_keeps_the_newest(
    client: redis.Redis, writes: list[tuple[int, int, bool]]
) -> None:
    buffer = new_buffer(client)
    buffer.load([], NOW)
    newest: dict[int, int] = {}
    for number, revision, by_load in writes:
        item = slot(number, revision)
        if by_load:
            buffer.load([item], NOW)
        else:
            written: Any = buffer.put([item])
            assert written == (revision > newest.get(number, 0))
        newest[number] = max(revision, newest.get(number, 0))
    assert texts(buffer) == [str(newest[number]) for number in sorted(newest)]
    buffer.drop()


def test_a_long_input_takes_several_positions_between_its_neighbours(buffer: SessionBuffer) -> None:
    pieces = [Slot(slot_name(2, piece=piece), 2, 5, [{"text": f"two-{piece}"}]) for piece in range(3)]
    image = Slot(slot_name(2, asset_number=1), 2, 9, [{"text": "image"}])
    assert buffer.put([image, *reversed(pieces), slot(3, 4, "three"), slot(1, 3, "one")]) == 6
    assert texts(buffer) == ["one", "two-0", "two-1", "two-2", "image", "three"]
    assert [block["text"] for block in buffer.page(1, 2).blocks] == ["two-0", "two-1"]
