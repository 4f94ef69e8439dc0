"""The core's `JobQueue` on a Dramatiq broker."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import dramatiq
from django.db import transaction
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import DramatiqError
from redis.exceptions import RedisError

from astra_site.lib.after_commit import after_commit
from astra_site.lib.behind import Behind
from astra_site.lib.tenancy import tenant_scope
from jobs.core.job import Job
from jobs.core.ports import JobRepository

logger = logging.getLogger(__name__)

QUEUES = ("realtime", "batch", "documents")
_BROKER_DOWN = (DramatiqError, RedisError, OSError)


def actor_name(queue: str) -> str:
    """Return the name of the actor that runs the jobs of a queue."""
    return f"run_{queue}_job"


class DramatiqJobQueue:
    """Hands a job's id to the actor of its queue after the commit; a broker that is down is logged, never raised."""

    def __init__(self, repository: JobRepository) -> None:
        """Remember where a sent message is noted."""
        self._repository = repository
        self._later = Behind("astra-messages", send_all, _BROKER_DOWN)

    def send(self, job: Job, resend_at: datetime) -> bool:
        """Send now, or after the commit of the open transaction; False when the broker is known not to answer.

        The note that a message is out is written first, inside the open transaction where there is one, so that it
        costs no commit of its own. A crash before the broker has it looks like a lost message, and is mended like one.
        """
        self._note(job, resend_at)
        if transaction.get_connection().in_atomic_block:
            after_commit(self._enqueue, job)
            return True
        return self._enqueue(job)

    def send_behind(self, job: Job) -> None:
        """Send after the commit, behind the caller's back and together with others.

        For jobs whose rows carry the note (`resend_at`) already. A message that is lost, with this process or because
        the broker is down, is sent again by the sweeper when that moment has come.
        """
        after_commit(self._later.hand_over, job)

    def finish(self, within_s: float) -> bool:
        """Wait until every message that was handed over is out; False when it takes longer."""
        return self._later.finish(within_s)

    def _note(self, job: Job, resend_at: datetime) -> None:
        with tenant_scope(job.tenant_id):
            self._repository.mark_sent(job.id, resend_at)

    def _enqueue(self, job: Job) -> bool:
        try:
            send_all([job])
        except _BROKER_DOWN as error:
            logger.warning("message not sent, the sweeper will: %s", error, extra={"job_id": str(job.id)})
            self._note(job, job.not_before)
            return False
        return True


def send_all(jobs: Sequence[Job]) -> None:
    """Send the messages of jobs, on Redis in one round trip. Raises what the broker raises; then none may be out."""
    broker = dramatiq.get_broker()
    for queue in {job.queue for job in jobs}:
        broker.declare_queue(queue)
    if len(jobs) == 1 or not isinstance(broker, RedisBroker):
        for job in jobs:
            broker.enqueue(_message(job))
        return
    with broker.client.pipeline(transaction=False) as pipeline:
        gathering = _gathering(broker, pipeline)
        for job in jobs:
            gathering.enqueue(_message(job))
        pipeline.execute()


def _gathering(broker: RedisBroker, pipeline: Any) -> RedisBroker:
    """Return the broker as one that puts its commands into a pipeline instead of sending each."""
    script = broker.scripts["dispatch"]
    gathering = copy.copy(broker)
    gathering.scripts = {**broker.scripts, "dispatch": partial(script, client=pipeline)}
    return gathering


def _message(job: Job) -> dramatiq.Message[None]:
    return dramatiq.Message(
        queue_name=job.queue, actor_name=actor_name(job.queue), args=(str(job.id),), kwargs={}, options={}
    )
