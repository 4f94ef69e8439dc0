"""The sweeper's loop: the one process that makes sure that nothing waits for ever."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError

from astra_site.lib.errors import AstraError
from astra_site.lib.tenancy import all_tenants
from jobs.core.orchestrator import Orchestrator
from jobs.registry import Sweep, sweeps

logger = logging.getLogger(__name__)


def sweep_once(orchestrator: Orchestrator) -> None:
    """One round over jobs and over what other apps registered; whatever stops one of them, the rest goes on."""
    with all_tenants(reason="the sweeper looks after every tenant"):
        rounds: dict[str, Sweep] = {"jobs": partial(_sweep_jobs, orchestrator), **sweeps()}
        for name, sweep in rounds.items():
            _contain(name, partial(_sweep_one_by_one, name, sweep))


def _sweep_jobs(orchestrator: Orchestrator) -> None:
    report = orchestrator.sweep()
    if report.recovered or report.sent:
        logger.info("sweep: %d jobs recovered, %d messages sent", report.recovered, report.sent)


def _sweep_one_by_one(name: str, sweep: Sweep) -> None:
    for mend in sweep() or ():
        _contain(name, mend)


def _contain(name: str, sweep: Callable[[], object]) -> None:
    try:
        sweep()
    except (AstraError, DatabaseError, RedisError, OSError) as error:
        logger.warning("%s not swept: %s", name, error)
    except Exception:
        # The product's second catch-all, for the reason of the first (`jobs.core.orchestrator`): a sweep is code of any
        # app above, and a mistake in it must not end the one process that mends all the others. It is logged with its
        # traceback in every round until it is put right.
        logger.exception("%s not swept", name)


def sweep_until(stop: threading.Event, orchestrator: Orchestrator, interval_s: float) -> None:
    """Sweep every `interval_s` seconds until `stop` is set."""
    while not stop.is_set():
        close_old_connections()
        sweep_once(orchestrator)
        stop.wait(interval_s)
