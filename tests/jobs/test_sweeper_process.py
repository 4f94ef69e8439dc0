"""`manage.py run_sweeper` as a process: it sends what was lost and ends in good order when told to."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from astra_site.lib.tenancy import tenant_scope
from jobs import registry, services
from jobs.core.flow import Flow, Step, by_fact
from tests.jobs.postgres_stage import build_postgres_stage
from tests.jobs.processes import start_python
from tests.jobs.stages import Stage

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 30.0

registry.register(
    Flow("test_lost_message", "documents", (Step("never", by_fact("never")),)), {"never": lambda context: {}}
)


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    return build_postgres_stage(request)


def test_the_sweeper_sends_what_was_lost_until_sigterm(stage: Stage) -> None:
    with stage.queue_down(), tenant_scope(stage.tenant_id):
        job = services.submit("test_lost_message", {})
    assert stage.sent_job_ids() == []
    sweeper = start_python("manage.py", "run_sweeper", "--interval-s", "0.05")
    try:
        end_s = time.monotonic() + DEADLINE_S
        while stage.sent_job_ids() != [job.id]:
            assert sweeper.poll() is None, "the sweeper ended by itself"
            assert time.monotonic() < end_s, "the message was not sent"
            threading.Event().wait(0.05)
        sweeper.send_signal(signal.SIGTERM)
        sweeper.communicate(timeout=DEADLINE_S)
        assert sweeper.returncode == 0
    finally:
        sweeper.kill()
        sweeper.communicate(timeout=DEADLINE_S)
