"""A flow whose second step depends on who runs it: the worker process hangs in it, the test does it."""

from __future__ import annotations

from jobs.core.flow import Flow, Step, by_fact

FLOW = Flow("test_hanging", "batch", tuple(Step(name, by_fact(name)) for name in ("first", "second")))
