"""The core's `JobQueue` on a Dramatiq broker."""

from __future__ import annotations

import logging
from datetime import datetime

import dramatiq
from django.db import transaction
from dramatiq.errors import DramatiqError
from redis.exceptions import RedisError

from astra_site.lib.after_commit import after_commit
from astra_site.lib.tenancy import tenant_scope
from jobs.core.job import Job
from jobs.core.ports import JobRepository

logger = logging.getLogger(__name__)

QUEUES = ("realtime", "batch", "documents")


def actor_name(queue: str) -> str:
    """Return the name of the actor that runs the jobs of a queue."""
    return f"run_{queue}_job"


class DramatiqJobQueue:
    """Hands a job's id to the actor of its queue after the commit; a broker that is down is logged, never raised."""

    def __init__(self, repository: JobRepository) -> None:
        """Remember where a sent message is noted."""
        self._repository = repository

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

    def _note(self, job: Job, resend_at: datetime) -> None:
        with tenant_scope(job.tenant_id):
            self._repository.mark_sent(job.id, resend_at)

    def _enqueue(self, job: Job) -> bool:
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=job.queue, actor_name=actor_name(job.queue), args=(str(job.id),), kwargs={}, options={}
        )
        try:
            broker = dramatiq.get_broker()
            broker.declare_queue(job.queue)
            broker.enqueue(message)
        except (DramatiqError, RedisError, OSError) as error:
            logger.warning("message not sent, the sweeper will: %s", error, extra={"job_id": str(job.id)})
            self._note(job, job.not_before)
            return False
        return True
