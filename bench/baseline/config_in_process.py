"""The process that `bench.config` measures in: prints the times of each way in microseconds, as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import django

django.setup()

import redis  # noqa: E402 - Django first
from django.conf import settings  # noqa: E402 - Django first

from astra_site.lib.tenancy import tenant_scope  # noqa: E402 - Django first
from sessions_app.models import Session  # noqa: E402 - Django first
from sessions_app.services.pins import config_content_of  # noqa: E402 - Django first
from sessions_app.services.sessions import start_session  # noqa: E402 - Django first
from tenants.config_service.reader import ConfigReader  # noqa: E402 - Django first
from tenants.config_service.service import config_reader, get_config, load_config  # noqa: E402 - Django first
from tenants.models import Tenant  # noqa: E402 - Django first
from tenants.services import current_config, publish_config  # noqa: E402 - Django first

_TEMPLATES = 300
_ROUNDS = 30
_CALLS = {"bare_get": 40, "memory": 40, "redis": 10, "postgres": 10, "pinned": 10, "with_the_row": 10}
_CONTENT_KEY = "{config:%s}:content:%s"


def _grown() -> dict[str, Any]:
    """Return the demonstration's configuration with 300 templates, each as a council would name it."""
    content: dict[str, Any] = json.loads(json.dumps(current_config().content))
    zone = content["default_zone"]
    for number in range(_TEMPLATES - len(content["templates"])):
        name = f"TPL_BENCH_{number:03}"
        content["templates"][name] = {"label": f"Intervención sobre el punto {number} del orden del día"}
        content["zone_map"][name] = zone
    return content


def _wait_until_it_hears(tenant_id: UUID) -> None:
    deadline_s = time.monotonic() + 10
    while not config_reader().news.is_in_force:
        if time.monotonic() > deadline_s:
            raise SystemExit("The process does not hear of publications.")
        get_config(tenant_id)
        time.sleep(0.01)
    get_config(tenant_id)


def _ways(tenant_id: UUID) -> dict[str, Callable[[], object]]:
    session_id = start_session(actor="bench", client_timezone="America/Bogota").id
    pointer = get_config(tenant_id).pointer
    key = _CONTENT_KEY % (tenant_id, pointer.sha256.hex)
    bare = redis.Redis.from_url(settings.REDIS_URL)
    body = bare.get(key)
    if body != get_config(tenant_id).body:
        raise SystemExit("Redis does not hold the bytes that are compared with.")
    fresh = ConfigReader.at(settings.REDIS_URL, load_config)

    def from_redis() -> object:
        fresh.here.__init__()  # type: ignore[misc]  # as a process that has just started, on an open connection
        return fresh.read(tenant_id, None)

    return {
        "bare_get": lambda: bare.get(key),
        "memory": lambda: get_config(tenant_id),
        "redis": from_redis,
        "postgres": lambda: load_config(tenant_id, None),
        "pinned": lambda: config_content_of(Session.objects.get(pk=session_id)),
        "with_the_row": lambda: (
            Session.objects.select_related("config_version").get(pk=session_id).config_version.content
        ),
    }


def main() -> None:
    """Measure."""
    tenant_id = Tenant.objects.get(slug=sys.argv[1]).id
    with tenant_scope(tenant_id):
        publish_config(_grown())
        _wait_until_it_hears(tenant_id)
        ways = _ways(tenant_id)
        times_us: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(_ROUNDS):
            for name, way in ways.items():
                way()
                for _ in range(_CALLS[name]):
                    began_ns = time.perf_counter_ns()
                    way()
                    times_us[name].append((time.perf_counter_ns() - began_ns) / 1_000)
        size_bytes = float(len(get_config(tenant_id).body))
    json.dump({**times_us, "size_bytes": [size_bytes]}, sys.stdout)


if __name__ == "__main__":
    main()
