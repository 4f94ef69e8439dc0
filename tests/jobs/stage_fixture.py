"""Chooses the stage that a parametrised test runs on."""

from __future__ import annotations

import pytest

from tests.jobs.postgres_stage import build_postgres_stage
from tests.jobs.stages import Stage, memory_stage

STAGES = ("memory", pytest.param("postgres", marks=pytest.mark.django_db(transaction=True)))


def build_stage(request: pytest.FixtureRequest) -> Stage:
    """Return the stage that the parameter names; only the second one asks for a database."""
    return memory_stage() if request.param == "memory" else build_postgres_stage(request)
