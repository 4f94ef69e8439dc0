"""A worker process that takes a job, does its first step and then hangs in the second until it is killed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from jobs import registry
from jobs.core.flow import Flow, Step, by_fact
from jobs.core.ports import StepContext
from jobs.runtime.work import run_job

FLOW = Flow("test_doomed", "batch", tuple(Step(name, by_fact(name)) for name in ("first", "second")))


def first(context: StepContext) -> Mapping[str, Any]:
    return {"first": "by the doomed worker"}


def hang(context: StepContext) -> Mapping[str, Any]:
    sys.stdout.write("hanging\n")
    sys.stdout.flush()
    threading.Event().wait()
    return {}


if __name__ == "__main__":
    registry.register(FLOW, {"first": first, "second": hang})
    run_job(UUID(sys.argv[1]))
