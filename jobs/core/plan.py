"""The plan: which step is next, from the facts alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.core.flow import Flow, Step


def next_step(flow: Flow, facts: Mapping[str, Any]) -> Step | None:
    """Return the first step that the facts don't satisfy, None when the work is done.

    Steps are looked at in order each time, so a worker that died between two steps is continued where it was, and a
    fact that somebody else established is never established again.
    """
    return next((step for step in flow.steps if not step.is_satisfied(facts)), None)
