"""Wake-ups over publish/subscribe: every waiter, no interruption for good, nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis

from astra_site.embedded import RedisClusterServers, RedisServer
from astra_site.lib import wake_ups as module
from astra_site.lib.errors import InvalidInput
from astra_site.lib.redis_client import node_addresses
from astra_site.lib.wake_ups import WakeUps, wake_ups

WITHIN_S = 10.0
_Result = TypeVar("_Result")


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run to the end and see that no task is left."""

    async def watched() -> _Result:
        try:
            return await asyncio.wait_for(work, 60)
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(watched())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", aof=False, bound=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RECONNECT_S", 0.02)


async def woken(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), WITHIN_S)
    event.clear()


async def publish(server: RedisServer, channel: str) -> None:
    def call() -> None:
        with redis.Redis.from_url(server.url) as client:
            client.publish(channel, "")

    await asyncio.to_thread(call)


def subscriptions(server: RedisServer, channel: str) -> int:
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return dict(client.pubsub_numsub(channel))[channel]  # type: ignore[no-any-return]  # stub: untyped


def test_every_waiter_of_a_channel_is_woken_and_no_other(server: RedisServer) -> None:
    async def scene() -> None:
        waking = WakeUps([server.url])
        async with AsyncExitStack() as stack:
            first, second, other = [await stack.enter_async_context(waking.of(name)) for name in ("a", "a", "b")]
            for event in (first, second, other):
                await woken(event)
            await publish(server, "a")
            await woken(first)
            await woken(second)
            await publish(server, "b")
            await woken(other)
            assert not first.is_set()
            assert await asyncio.to_thread(subscriptions, server, "a") == 1

    run(scene())


def test_who_comes_later_is_told_that_the_subscription_is_in_force(server: RedisServer) -> None:
    async def scene() -> None:
        waking = WakeUps([server.url])
        async with waking.of("a") as first:
            await woken(first)
            async with waking.of("a") as second:
                assert second.is_set()

    run(scene())


def test_channels_come_and_go_on_one_connection(server: RedisServer) -> None:
    async def scene() -> None:
        waking = WakeUps([server.url])
        async with waking.of("stays") as stays:
            await woken(stays)
            for number in range(30):
                async with waking.of(f"c{number % 3}") as passing:
                    await woken(passing)
                    await publish(server, f"c{number % 3}")
                    await woken(passing)
            await publish(server, "stays")
            await woken(stays)
            gone = [await asyncio.to_thread(subscriptions, server, f"c{number}") for number in range(2)]
            assert gone == [0, 0]

    run(scene())


def test_a_restarted_redis_is_found_again_and_waiters_look_again(server: RedisServer) -> None:
    async def scene() -> None:
        waking = WakeUps([server.url])
        async with waking.of("a") as event:
            await woken(event)
            for _ in range(2):
                server.kill()
                event.clear()
                server.start()
                await woken(event)  # renewed: what was published meanwhile is lost, so everybody looks
                await publish(server, "a")
                await woken(event)

    run(scene())


def test_without_redis_nobody_is_stopped_and_it_is_found_when_it_comes(server: RedisServer) -> None:
    async def scene() -> None:
        server.stop()
        waking = WakeUps([server.url])
        async with waking.of("a") as event:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(event.wait(), 0.2)
            server.start()
            await woken(event)

    run(scene())


@pytest.mark.parametrize("is_up", [True, False])
def test_a_cancelled_waiter_leaves_neither_task_nor_connection(server: RedisServer, is_up: bool) -> None:
    async def wait(waking: WakeUps, channel: str) -> None:
        async with waking.of(channel) as event:
            while True:
                await event.wait()
                event.clear()

    async def scene() -> None:
        waking = WakeUps([server.url])
        for _ in range(3):
            waiters = [asyncio.create_task(wait(waking, f"c{number % 2}")) for number in range(6)]
            await asyncio.sleep(0)
            if is_up:
                async with waking.of("c0") as event:
                    await woken(event)
            for waiter in waiters:
                waiter.cancel()
            await asyncio.gather(*waiters, return_exceptions=True)
            assert asyncio.all_tasks() - {asyncio.current_task()} == {
                task
                for task in asyncio.all_tasks()
                if task.get_coro().__name__ == "watched"  # type: ignore[union-attr]
            }

    if not is_up:
        server.stop()
    run(scene())
    if is_up:
        assert subscriptions(server, "c0") == 0


def connections(server: RedisServer) -> int:
    """How many clients there are besides the one that asks."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return len(client.client_list()) - 1


@pytest.mark.parametrize("turns", range(8))
def test_a_listener_that_is_cancelled_again_while_it_ends_still_hangs_up(server: RedisServer, turns: int) -> None:
    """As when a server stops: the waiter leaves, and then the loop cancels whatever is left."""

    async def wait(waking: WakeUps) -> None:
        async with waking.of("a") as event:
            await woken(event)
            await event.wait()

    async def scene() -> None:
        waiter = asyncio.create_task(wait(WakeUps([server.url])))
        while not await asyncio.to_thread(subscriptions, server, "a"):
            pass
        (listener,) = (task for task in asyncio.all_tasks() if task.get_name() == "wake-ups")
        waiter.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        listener.cancel()
        waiter.cancel()
        await asyncio.gather(waiter, listener, return_exceptions=True)

    run(scene())
    gc.collect()
    assert connections(server) == 0


def test_a_loop_that_ended_is_forgotten(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "session_redis_nodes", lambda: [server.url])

    async def scene() -> weakref.ref[asyncio.AbstractEventLoop]:
        async with wake_ups().of("a") as event:
            await woken(event)
        return weakref.ref(asyncio.get_running_loop())

    loop = run(scene())
    gc.collect()
    assert loop() is None


def test_in_a_cluster_any_node_tells_and_the_next_takes_over(redis_cluster: RedisClusterServers) -> None:
    async def scene() -> None:
        waking = WakeUps(node_addresses(redis_cluster.url))
        async with waking.of("a") as event:
            await woken(event)
            for node in redis_cluster.nodes:
                await publish(node, "a")
                await woken(event)
            heard_from = next(node for node in redis_cluster.nodes if subscriptions(node, "a"))
            heard_from.kill()
            try:
                await woken(event)
            finally:
                redis_cluster.start()  # from this thread: servers end with the thread that starts them

    run(scene())


@pytest.mark.parametrize(
    ("url", "nodes"),
    [
        ("redis://h:1/0", ["redis://h:1/0"]),
        ("unix:///tmp/s?db=0", ["unix:///tmp/s?db=0"]),
        ("redis+cluster://a:1,b:2", ["redis://a:1", "redis://b:2"]),
        ("rediss+cluster://u:p%40@a:1,b", ["rediss://u:p%40@a:1", "rediss://u:p%40@b"]),
        ("redis+cluster://a:1,?socket_timeout=3", ["redis://a:1?socket_timeout=3"]),
    ],
)
def test_addresses_of_nodes(url: str, nodes: list[str]) -> None:
    assert node_addresses(url) == nodes


@pytest.mark.parametrize("url", ["redis+cluster://", "http+cluster://a:1", "unix+cluster:///tmp/s"])
def test_an_address_of_a_cluster_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        node_addresses(url)
    assert caught.value.code == "session_redis_url_invalid"
