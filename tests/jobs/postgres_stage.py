"""The stage on the real PostgreSQL and Redis. Its rows are committed, as they are in production."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker

from astra_site.lib.tenancy import tenant_scope
from jobs.repository import PostgresJobRepository
from jobs.runtime.queue import QUEUES, DramatiqJobQueue
from tenants.models import Tenant
from tests.jobs.stages import ManualClock, Stage

CLOSED_PORT_URL = "redis://127.0.0.1:1/0"


@dataclass(slots=True)
class RedisWire:
    """Looks into the broker's Redis."""

    broker: RedisBroker

    def sent_job_ids(self) -> list[UUID]:
        ids = []
        client: Any = self.broker.client
        for queue in QUEUES:
            for message_id in client.lrange(f"{self.broker.namespace}:{queue}", 0, -1):
                encoded = client.hget(f"{self.broker.namespace}:{queue}.msgs", message_id)
                ids.append(UUID(dramatiq.Message.decode(encoded).args[0]))
        return ids

    def lose_messages(self) -> None:
        for queue in QUEUES:
            self.broker.flush(queue)

    @contextmanager
    def down(self) -> Iterator[None]:
        unreachable = RedisBroker(url=CLOSED_PORT_URL, middleware=[])  # type: ignore[no-untyped-call]
        dramatiq.set_broker(unreachable)
        try:
            yield
        finally:
            dramatiq.set_broker(self.broker)
            unreachable.close()


def build_postgres_stage(request: pytest.FixtureRequest) -> Stage:
    """Return a stage with two tenants and their scope open until the test ends."""
    stack = ExitStack()
    request.addfinalizer(stack.close)
    tenant, other = (Tenant.objects.create(slug=f"stage-{name}", name=name) for name in ("alicia", "bruno"))
    stack.enter_context(tenant_scope(tenant.pk, other.pk))
    broker = dramatiq.get_broker()
    assert isinstance(broker, RedisBroker)
    wire = RedisWire(broker)
    wire.lose_messages()
    clock = ManualClock()
    repository = PostgresJobRepository()
    return Stage(repository, DramatiqJobQueue(repository), wire, clock, tenant.pk, other.pk)
