"""Health: alive (the process answers) and ready (PostgreSQL, Redis and the object store answer, with latency)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from astra_site.lib.errors import AstraError
from astra_site.lib.object_store import object_store
from astra_site.lib.redis_client import REDIS_FAILURES, redis_client, session_redis

logger = logging.getLogger(__name__)


def _check_postgres() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _in_thread(check: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            check()
        finally:
            connection.close()

    return run


CHECKS: dict[str, Callable[[], object]] = {
    "postgres": _check_postgres,
    "redis": lambda: redis_client().ping(),
    "object_store": lambda: object_store().ping(),
}


def live(request: HttpRequest) -> JsonResponse:
    """Answer that the process runs; asks nothing of anybody else."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """Ask each dependency; `503` when one does not answer."""
    ok, checks = readiness()
    return JsonResponse({"status": "ok" if ok else "unavailable", "checks": checks}, status=200 if ok else 503)


def readiness() -> tuple[bool, dict[str, dict[str, object]]]:
    """Ask each dependency, all at once; say whether all answer, and how each did."""
    own_redis: dict[str, Callable[[], object]] = {"session_redis": lambda: session_redis().ping()}
    asked = CHECKS | (own_redis if settings.SESSION_REDIS_URL else {})
    with ThreadPoolExecutor(max_workers=len(asked)) as pool:
        futures = {name: pool.submit(_measure, _in_thread(check)) for name, check in asked.items()}
        checks = {name: future.result() for name, future in futures.items()}
    return all(check["status"] == "ok" for check in checks.values()), checks


def _measure(check: Callable[[], None]) -> dict[str, object]:
    started = perf_counter()
    try:
        check()
    except (DatabaseError, *REDIS_FAILURES, AstraError, OSError) as error:
        logger.warning("A dependency does not answer: %s", error)
        return {"status": "unavailable", "latency_ms": round((perf_counter() - started) * 1000, 2)}
    return {"status": "ok", "latency_ms": round((perf_counter() - started) * 1000, 2)}
