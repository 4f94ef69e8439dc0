"""The sweeper's loop: the one process that makes sure that nothing waits for ever."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError

from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import all_tenants
from jobs.core.orchestrator import Orchestrator
from jobs.registry import sweeps

logger = logging.getLogger(__name__)


def sweep_once(orchestrator: Orchestrator) -> None:
    """One round over jobs and over what other apps registered; an outage in one is logged and the rest goes on."""
    with all_tenants(reason="the sweeper looks after every tenant"):
        try:
            report = orchestrator.sweep()
            if report.recovered or report.sent:
                logger.info("sweep: %d jobs recovered, %d messages sent", report.recovered, report.sent)
        except (AstraError, DatabaseError) as error:
            logger.warning("jobs not swept: %s", error)
        for name, sweep in sweeps().items():
            try:
                sweep()
            except (AstraError, DatabaseError, RedisError, OSError) as error:
                logger.warning("%s not swept: %s", name, error)


def sweep_until(stop: threading.Event, orchestrator: Orchestrator, interval_s: float) -> None:
    """Sweep every `interval_s` seconds until `stop` is set."""
    while not stop.is_set():
        close_old_connections()
        sweep_once(orchestrator)
        stop.wait(interval_s)
