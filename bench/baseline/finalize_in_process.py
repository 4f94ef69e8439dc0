"""Finalization and its floor, measured in one process; prints one line of JSON per figure. Run by `bench.finalize`."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import django

django.setup()

from astra_site.lib.hashing import Sha256, canonical_json  # noqa: E402 - needs django.setup
from astra_site.lib.object_store import Bucket, object_store  # noqa: E402 - needs django.setup
from astra_site.lib.tenancy import tenant_scope  # noqa: E402 - needs django.setup
from jobs.runtime.orchestration import job_repository  # noqa: E402 - needs django.setup
from jobs.runtime.work import run_job  # noqa: E402 - needs django.setup
from sessions_app.builder import build_minutes  # noqa: E402 - needs django.setup
from sessions_app.models import Session, State  # noqa: E402 - needs django.setup
from sessions_app.services.finalize import finalize  # noqa: E402 - needs django.setup
from sessions_app.services.journal import sealed_entries  # noqa: E402 - needs django.setup
from sessions_app.services.minutes import session_dump  # noqa: E402 - needs django.setup
from sessions_app.services.sessions import start_session  # noqa: E402 - needs django.setup
from sessions_app.services.waiting import what_is_left  # noqa: E402 - needs django.setup
from tenants.models import Tenant  # noqa: E402 - needs django.setup
from tests.sessions.large import grow  # noqa: E402 - needs django.setup

_LOOKS = 20


def main() -> None:
    """Measure what the arguments ask for: the council and, as JSON, sizes, spoken sizes, rounds."""
    slug, asked = sys.argv[1], json.loads(sys.argv[2])
    with tenant_scope(Tenant.objects.get(slug=slug).id):
        _round(10, spoken=True)
        for blocks in asked["blocks"]:
            _print(f"{blocks}_blocks", _rounds(blocks, asked["rounds"], spoken=False))
        for blocks in asked["spoken"]:
            _print(f"{blocks}_recordings", _rounds(blocks, asked["rounds"], spoken=True))
        for blocks in asked["drain"]:
            _print(f"drain_{blocks}_inputs", _looks(blocks))


def _rounds(blocks: int, rounds: int, *, spoken: bool) -> dict[str, float]:
    measured = [_round(blocks, spoken=spoken) for _ in range(rounds)]
    return {name: statistics.median(one[name] for one in measured) for name in measured[0]}


def _round(blocks: int, *, spoken: bool) -> dict[str, float]:
    """Finalize one session and then compute its floor; returns seconds by name."""
    session = _session(blocks, spoken=spoken)
    began = time.perf_counter()
    closing = finalize(session.id, actor="bench")
    asked_s = time.perf_counter() - began
    if closing.job_id is None:
        raise SystemExit("nothing is produced")
    run_job(closing.job_id)
    product_s = time.perf_counter() - began
    if Session.objects.get(pk=session.id).state != State.CLOSED:
        raise SystemExit("the session was not closed")
    floor_s = _timed_s(lambda: _floor(session))
    return {"product": product_s, "asked": asked_s, "floor": floor_s, **_steps(closing.job_id)}


def _session(blocks: int, *, spoken: bool, understood: bool = True) -> Session:
    session = start_session(actor="bench", client_timezone="America/Bogota", metadata={"number": "1"})
    grow(session, blocks, spoken=spoken, understood=understood)
    rows = Session.objects.select_related("tenant", "config_version", "skeleton_version")
    made: Session = rows.get(pk=session.id)
    return made


def _floor(session: Session) -> None:
    """Make and hash the same dump, build and hash the same document; copy the same recordings and read them back."""
    dump = session_dump(session)
    Sha256.of(canonical_json(dump))
    pinned = session.skeleton_version
    build_minutes(object_store().get(Bucket.SKELETONS, pinned.object_key), dump, {})
    for entry in sealed_entries(session.id, with_audio=True):
        if entry.audio is not None:
            object_store().copy(Bucket.AUDIO, entry.audio.key, Bucket.DOCUMENTS, f"bench/{entry.audio.key}")
            Sha256.of(object_store().get(Bucket.DOCUMENTS, f"bench/{entry.audio.key}"))


def _steps(job_id: Any) -> dict[str, float]:
    """Return the seconds of each step, from the job's own history."""
    events = job_repository().events(job_id)
    marks = [event for event in events if event.kind in ("job_started", "job_step_completed")]
    return {
        f"step_{after.details['step']}": (after.at - before.at).total_seconds() for before, after in pairwise(marks)
    }


def _looks(blocks: int) -> dict[str, float]:
    """Return how long it takes to say what is left: all done, nothing done."""
    found = {}
    for name, understood in (("done", True), ("waiting", False)):
        session = _session(blocks, spoken=False, understood=understood)
        found[name] = statistics.median(_timed_s(lambda session=session: what_is_left(session)) for _ in range(_LOOKS))  # type: ignore[misc]  # a default of a lambda
    return found


def _timed_s(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _print(name: str, values: dict[str, float]) -> None:
    sys.stdout.write(json.dumps({"name": name, **values}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
