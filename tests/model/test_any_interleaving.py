"""Whatever is done to sessions, in whatever order, and whatever breaks meanwhile: they are what the model says.

`ASTRA_TEST_MODEL_EXAMPLES=1000` looks longer and elsewhere each time.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Councils
from tests.people import Person

_CHOSEN = int(os.environ.get("ASTRA_TEST_MODEL_EXAMPLES", "0"))
_SETTINGS = settings(
    deadline=None,
    max_examples=_CHOSEN or 20,
    stateful_step_count=50 if _CHOSEN else 30,
    derandomize=not _CHOSEN,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink] if _CHOSEN else [Phase.generate],
    print_blob=True,
    report_multiple_bugs=False,
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(0 if _CHOSEN else 300)
@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")  # a dead process closes nothing
def test_sessions_are_what_the_model_says(alice: Person, clean_redis: None) -> None:
    class CouncilsOfAlice(Councils):
        person = alice

    run_state_machine_as_test(CouncilsOfAlice, settings=_SETTINGS)
