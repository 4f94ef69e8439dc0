"""Chooses the stage that a parametrised test runs on."""

from __future__ import annotations

import pytest

from tests.jobs.stages import Stage, memory_stage

STAGES = ("memory", "postgres")


def build_stage(request: pytest.FixtureRequest) -> Stage:
    """Return the stage that the parameter names; only the second one asks for a database."""
    if request.param == "memory":
        return memory_stage()
    postgres_stage: Stage = request.getfixturevalue("postgres_stage")
    return postgres_stage
