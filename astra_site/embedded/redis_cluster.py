"""A Redis Cluster on one machine: masters without replicas on loopback ports, for tests and experiments."""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from astra_site.embedded import processes
from astra_site.embedded.errors import EmbeddedServerFailed
from astra_site.embedded.redis_server import RedisServer

HASH_SLOTS = 16384
_BUS_OFFSET = 10_000
_LOWEST_PORT, _HIGHEST_PORT = 12_000, 22_000


class RedisClusterServers:
    """`masters` Redis servers that share the hash slots evenly; each has a folder of its own in `home`.

    Ports are chosen when the object is made; a node that was killed and started again is found at its old one.
    """

    def __init__(self, home: Path, *, masters: int = 3, aof: bool = False, bound: bool = False) -> None:
        self.ports = _free_ports(masters)
        self.nodes = [
            RedisServer(home / f"node-{number}", aof=aof, port=port, bound=bound, cluster=True)
            for number, port in enumerate(self.ports)
        ]

    @property
    def url(self) -> str:
        """The address for `ASTRA_SESSION_REDIS_URL`."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def start(self, timeout_s: float = 20.0) -> None:
        """Return once all nodes agree that every slot is served.

        Raises `EmbeddedServerMissing` without a binary, `EmbeddedServerFailed` when it does not come up in time.
        """
        for node in self.nodes:
            node.start(timeout_s)
        if all(int(_ask(node, "CLUSTER INFO")["cluster_slots_assigned"]) == 0 for node in self.nodes):
            self._form()
        if not processes.wait_until(self.agrees, timeout_s):
            raise EmbeddedServerFailed("embedded_redis_failed", "The nodes of the Redis cluster do not agree.")

    def agrees(self) -> bool:
        """True if every node knows all others and a server for every slot."""
        return all(
            facts["cluster_state"] == "ok"
            and int(facts["cluster_known_nodes"]) == len(self.nodes)
            and int(facts["cluster_slots_ok"]) == HASH_SLOTS
            for facts in (_ask(node, "CLUSTER INFO") for node in self.nodes)
        )

    def stop(self) -> None:
        """End the servers in order; nothing happens when they are down."""
        for node in self.nodes:
            node.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _form(self) -> None:
        bounds = [HASH_SLOTS * number // len(self.nodes) for number in range(len(self.nodes) + 1)]
        for number, node in enumerate(self.nodes):
            _ask(node, "CLUSTER ADDSLOTS", *range(bounds[number], bounds[number + 1]))
            _ask(node, "CLUSTER SET-CONFIG-EPOCH", number + 1)
        for port in self.ports[1:]:
            _ask(self.nodes[0], "CLUSTER MEET", "127.0.0.1", port)


def _ask(node: RedisServer, *command: str | int) -> Any:
    with redis.Redis.from_url(node.url, socket_timeout=5, decode_responses=True) as client:
        return client.execute_command(*command)


def _free_ports(count: int) -> list[int]:
    """Return ports that are free, and whose neighbour for the nodes' own talk is free too.

    Below the ports that systems give to outgoing connections: one of those could take a chosen port at any moment.
    """
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            port = _LOWEST_PORT + secrets.randbelow(_HIGHEST_PORT - _LOWEST_PORT)
            if all(_is_taken(number, held) for number in (port, port + _BUS_OFFSET)):
                found.append(port)
    return found


def _is_taken(port: int, held: ExitStack) -> bool:
    """Hold a port until the choice is made; False when somebody else has it."""
    candidate = held.enter_context(socket.socket())
    try:
        candidate.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
