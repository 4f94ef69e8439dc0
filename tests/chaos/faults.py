"""What is done to the product in the middle of a round. A new fault is one function and one entry in `FAULTS`.

A fault breaks something, lets the clients feel it, and then does what a supervisor would do: start the dead part again.
It returns when the part is started, not when it has recovered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from tests.chaos.crowd import Crowd
from tests.chaos.disorder import Disorder
from tests.chaos.rig import LEASE_S, PARTS, Rig, pause

_LONGEST_S = 2.0
_FELT_BY = 4
"""So many failed or answered calls show that a part is gone, or not needed."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a fault needs: the product, its clients, and chance."""

    rig: Rig
    crowd: Crowd
    random: Random

    def until_felt(self, longest_s: float = _LONGEST_S) -> None:
        """Wait until a few clients got no answer, or, where that is no trouble for them, until a few more got one."""
        heard = self.crowd.heard
        enough = heard.resent + heard.acknowledged + heard.closed + _FELT_BY
        self.crowd.wait(lambda now: now.resent + now.acknowledged + now.closed >= enough, longest_s)


def redis_killed_with_aof(scene: Scene) -> None:
    """Kill Redis; it comes back with everything, or without its last second, and believes that it is complete."""
    scene.rig.kill_redis(aof=True, unflushed_s=scene.random.choice((0.0, 0.3, 0.9)))
    scene.until_felt()
    scene.rig.start_redis()


def redis_killed_without_aof(scene: Scene) -> None:
    """Kill Redis; it comes back empty."""
    scene.rig.kill_redis(aof=False)
    scene.until_felt()
    scene.rig.start_redis()


def redis_emptied(scene: Scene) -> None:
    """Somebody types FLUSHALL."""
    scene.rig.empty_redis()


def redis_frozen(scene: Scene) -> None:
    """Redis takes connections and says nothing for a while."""
    with scene.rig.frozen_redis():
        pause(3.0)


def worker_killed(scene: Scene) -> None:
    """Kill the worker with what it has in hand."""
    _part_killed(scene, "worker")


def worker_frozen(scene: Scene) -> None:
    """Freeze the worker for longer than its leases: when it goes on, others have its jobs."""
    with scene.rig.frozen("worker"):
        pause(LEASE_S + 2.5)


def web_killed(scene: Scene) -> None:
    """Kill the web process under its clients."""
    _part_killed(scene, "web")


def grpc_killed(scene: Scene) -> None:
    """Kill the gRPC server under its streams."""
    _part_killed(scene, "grpc")


def sweeper_killed(scene: Scene) -> None:
    """Kill the one who mends, and empty Redis while nobody mends."""
    scene.rig.kill("sweeper")
    scene.rig.empty_redis()
    scene.until_felt()
    scene.rig.start_sweeper()


def postgres_killed(scene: Scene) -> None:
    """Kill PostgreSQL and all its backends."""
    scene.rig.services.postgres.kill()
    scene.until_felt()
    scene.rig.services.postgres.start()


def power_cut(scene: Scene) -> None:
    """Kill everything at once."""
    for part in PARTS:
        scene.rig.kill(part)
    scene.rig.kill_redis(aof=scene.random.random() < 0.5)
    scene.rig.services.postgres.kill()
    scene.rig.services.postgres.start()
    scene.rig.start_redis()
    for part in PARTS:
        scene.rig.start_part(part)


def _part_killed(scene: Scene, name: str) -> None:
    scene.rig.kill(name)
    scene.until_felt()
    scene.rig.start_part(name)


FAULTS: Mapping[str, Callable[[Scene], None]] = {
    fault.__name__: fault
    for fault in (
        redis_killed_with_aof,
        redis_killed_without_aof,
        redis_emptied,
        redis_frozen,
        worker_killed,
        worker_frozen,
        web_killed,
        grpc_killed,
        sweeper_killed,
        postgres_killed,
        power_cut,
    )
}
MESSAGES_DISTURBED = "messages_disturbed"
"""This one lasts from the first word of a round to its last seal: all messages doubled, delayed, reordered."""


def disorder_of(random: Random) -> Disorder:
    """Draw how bad the post is: two or three copies of each message, at times with three in ten lost."""
    return Disorder(copies=random.choice((2, 3)), lost=random.choice((0.0, 0.3)))
