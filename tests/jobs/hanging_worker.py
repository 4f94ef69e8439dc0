"""What the worker process of `test_worker_process` loads: Django, the actors, and a step that never ends by itself."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import django

django.setup()

from jobs import registry, tasks  # noqa: E402 - Django first
from jobs.core.ports import StepContext  # noqa: E402 - Django first
from tests.jobs.hanging_flow import FLOW  # noqa: E402 - Django first

ACTORS = (tasks.run_realtime_job, tasks.run_batch_job, tasks.run_documents_job)


def first(context: StepContext) -> Mapping[str, Any]:
    return {"first": "by the worker process"}


def hang(context: StepContext) -> Mapping[str, Any]:
    while not context.cancelled():
        threading.Event().wait(0.05)
    return {}


registry.register(FLOW, {"first": first, "second": hang})
