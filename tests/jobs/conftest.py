"""The fixture of tests that run on both stages."""

from __future__ import annotations

import pytest

from tests.jobs.stage_fixture import STAGES, build_stage
from tests.jobs.stages import Stage


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> Stage:
    return build_stage(request)
