"""The short form of `make chaos`: each fault that the product promises to survive, under fewer sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.chaos.faults import (
    MESSAGES_DISTURBED,
    postgres_killed,
    redis_killed_with_aof,
    redis_killed_without_aof,
    web_killed,
    worker_killed,
)
from tests.chaos.rig import Rig
from tests.chaos.rounds import Arena
from tests.running_stack import without_servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SESSIONS = 8
ROUNDS = (
    [MESSAGES_DISTURBED, redis_killed_without_aof.__name__],
    [worker_killed.__name__, redis_killed_with_aof.__name__],
    [web_killed.__name__, postgres_killed.__name__],
)


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with Rig(tmp_path_factory.mktemp("chaos"), around=without_servers()) as rig:
        rig.start(lambda line: None)
        yield Arena(rig, seed=1, sessions=SESSIONS)


@pytest.mark.parametrize(("number", "faults"), list(enumerate(ROUNDS, start=1)))
def test_everything_acknowledged_is_in_the_document_exactly_once(
    arena: Arena, number: int, faults: Sequence[str]
) -> None:
    report = arena.play(number, faults)
    assert report.faults
    assert (report.verdict.lost, report.verdict.doubled, report.verdict.wrong) == ([], [], [])
    assert report.acknowledged == report.planned > 0
