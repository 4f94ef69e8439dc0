"""The disorder of the chaos suite does what it says, also to messages that are sent together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import dramatiq
import pytest
from django.conf import settings

from astra_site.lib.clock import utc_now
from astra_site.lib.ids import new_id
from astra_site.lib.redis_client import redis_client
from jobs.core.job import Job
from jobs.runtime.queue import send_all
from tests.chaos.disorder import FILE_VARIABLE, Disorder, DisorderlyBroker
from tests.chaos.disturbed import wait_for

pytestmark = pytest.mark.usefixtures("clean_redis")


@pytest.fixture
def disorderly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The broker of a chaos stack, doubling what it is given."""
    Disorder(copies=2, latest_ms=50).begin(tmp_path / "disorder.json")
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "disorder.json"))
    usual = dramatiq.get_broker()
    broker = DisorderlyBroker(url=settings.REDIS_URL, namespace="disorder")  # type: ignore[no-untyped-call]  # Dramatiq
    dramatiq.set_broker(broker)
    yield
    dramatiq.set_broker(usual)
    broker.close()


def a_job() -> Job:
    now = utc_now()
    return Job(
        id=new_id(),
        tenant_id=uuid4(),
        session_id=None,
        flow="transcribe_chunk",
        queue="realtime",
        payload={},
        facts={},
        created_at=now,
        not_before=now,
    )


@pytest.mark.parametrize("together", [1, 5])
def test_each_message_is_doubled(disorderly: None, together: int) -> None:
    send_all([a_job() for _ in range(together)])
    wait_for(lambda: redis_client().llen("disorder:realtime") == 2 * together, "all copies", within_s=20)
