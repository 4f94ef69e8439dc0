"""The statements of an append on one connection, timed; prints microseconds as JSON. Run by `bench.wall`."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import count
from uuid import UUID

import django

django.setup()

from astra_site.lib.object_store import Bucket, object_store  # noqa: E402 - needs django.setup
from astra_site.lib.tenancy import tenant_scope  # noqa: E402 - needs django.setup
from sessions_app.services.accepting import look  # noqa: E402 - needs django.setup
from sessions_app.services.inputs import Captured, append_text  # noqa: E402 - needs django.setup
from sessions_app.services.sessions import start_session  # noqa: E402 - needs django.setup
from tenants.models import ConfigVersion, Skeleton, SkeletonVersion, Tenant  # noqa: E402 - needs django.setup
from tenants.services import add_skeleton_version, publish_config  # noqa: E402 - needs django.setup

_CALLS = 250
_WARM = 30
Place = tuple[UUID, UUID]


def main() -> None:
    """Measure with one council, and with two that take turns."""
    first = Tenant.objects.get(slug=sys.argv[1])
    ours, theirs = _session(first.id), _session(_second_council(first).id)
    numbers = count(1)

    def looking(place: Place) -> None:
        look(place[1], 1)

    def appending(place: Place) -> None:
        append_text(place[1], sequence_id=next(numbers), text="n", captured=Captured(), actor="bench")

    found = {}
    for name, call in (("look", looking), ("append", appending)):
        found[name] = _median_us(call, [ours])
        found[f"{name}_alternating"] = _median_us(call, [ours, theirs])
    sys.stdout.write(json.dumps(found))


def _session(tenant_id: UUID) -> Place:
    with tenant_scope(tenant_id):
        return tenant_id, start_session(actor="bench", client_timezone="America/Bogota").pk


def _second_council(first: Tenant) -> Tenant:
    """Return a council with the skeleton and the configuration of the first."""
    made, is_new = Tenant.objects.get_or_create(slug="second", defaults={"name": "Second"})
    if is_new:
        with tenant_scope(first.id):
            docx = object_store().get(Bucket.SKELETONS, SkeletonVersion.objects.latest("number").object_key)
            config = ConfigVersion.objects.latest("number").content
        with tenant_scope(made.id):
            add_skeleton_version(Skeleton.objects.create(code="ACTA_ORDINARIA", name="x", is_default=True), docx)
            publish_config(config)
    return made


def _median_us(call: Callable[[Place], None], places: Sequence[Place]) -> float:
    spent = []
    for number in range(_CALLS + _WARM):
        place = places[number % len(places)]
        with tenant_scope(place[0]):
            began = time.perf_counter()
            call(place)
            spent.append((time.perf_counter() - began) * 1e6)
    return statistics.median(spent[_WARM:])


if __name__ == "__main__":
    main()
