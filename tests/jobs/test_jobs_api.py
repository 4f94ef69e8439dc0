"""The jobs API: Alicia's council sees its jobs, Bruno's does not, and a token does what its scopes say."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from astra_site.lib.auth_tokens import Principal
from astra_site.lib.clock import utc_now
from astra_site.lib.errors import InvalidInput
from astra_site.lib.tenancy import tenant_scope
from jobs.core.job import Job, JobStatus
from jobs.core.ports import StepContext
from tests.jobs.postgres_stage import build_postgres_stage
from tests.jobs.stages import Stage
from tests.jobs.workshop import Workshop

pytestmark = pytest.mark.django_db(transaction=True)
BASE = "/v1/orchestrator/jobs"


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    return build_postgres_stage(request)


@pytest.fixture
def workshop(stage: Stage) -> Workshop:
    return Workshop(stage)


def client_of(tenant_id: UUID, *scopes: str) -> APIClient:
    client = APIClient()
    principal = Principal("someone", tenant_id, frozenset(scopes), expires_at=utc_now() + timedelta(hours=1))
    client.force_authenticate(user=principal, token=principal)  # type: ignore[arg-type]  # a principal is our user
    return client


@pytest.fixture
def alicia(stage: Stage) -> APIClient:
    return client_of(stage.tenant_id, "jobs:read", "jobs:write")


@pytest.fixture
def bruno(stage: Stage) -> APIClient:
    return client_of(stage.other_tenant_id, "jobs:read", "jobs:write")


def failed_job(workshop: Workshop) -> Job:
    def refuse(context: StepContext) -> dict[str, Any]:
        raise InvalidInput("audio_unreadable", "This is no audio.")

    workshop.behaviours["first"] = refuse
    return workshop.orchestrator.run(workshop.submit().id)


def test_the_list_has_the_tenants_jobs_newest_first(stage: Stage, alicia: APIClient) -> None:
    older = stage.stored_job()
    stage.clock.advance(1)
    newer = stage.stored_job(session_id=uuid4())
    stage.stored_job(tenant_id=stage.other_tenant_id)
    page = alicia.get(BASE).json()
    assert [row["id"] for row in page["results"]] == [str(newer.id), str(older.id)]
    assert (page["next"], page["previous"]) == (None, None)


def test_the_list_can_be_narrowed_to_a_session_and_a_state(workshop: Workshop, alicia: APIClient) -> None:
    session_id = uuid4()
    waiting = workshop.submit(session_id=session_id)
    done = workshop.submit(session_id=session_id)
    workshop.orchestrator.run(done.id)
    workshop.submit()
    of_session = alicia.get(BASE, {"session_id": str(session_id)}).json()["results"]
    assert {row["id"] for row in of_session} == {str(waiting.id), str(done.id)}
    completed = alicia.get(BASE, {"session_id": str(session_id), "status": "COMPLETED"}).json()["results"]
    assert [row["id"] for row in completed] == [str(done.id)]


def test_pages_follow_one_another_without_gaps(stage: Stage, alicia: APIClient) -> None:
    stored = []
    for _ in range(5):
        stored.append(str(stage.stored_job().id))
        stage.clock.advance(1)
    first = alicia.get(BASE, {"page_size": 2}).json()
    stage.stored_job()
    second = alicia.get(first["next"]).json()
    third = alicia.get(second["next"]).json()
    rows = [row["id"] for page in (first, second, third) for row in page["results"]]
    assert rows == stored[::-1]
    assert third["next"] is None


@pytest.mark.parametrize("query", [{"status": "LOST"}, {"session_id": "7"}, {"page_size": "0"}])
def test_a_wrong_filter_is_refused(alicia: APIClient, query: dict[str, str]) -> None:
    answer = alicia.get(BASE, query)
    assert (answer.status_code, answer.json()["code"]) == (400, "input_invalid")


def _at(alicia: APIClient, path: str, cursor: str) -> int:
    return int(alicia.get(path, {"cursor": b64encode(cursor.encode()).decode()}).status_code)


@pytest.mark.parametrize(
    "cursor",
    ["p=foo", "p=2026-01-01", "p=2026-13-01T00:00:00Z", "p=2026-01-01T00:00:00", "p=%00", "o=9999999999999999999&p=x"],
)
def test_a_cursor_that_was_not_handed_out_is_refused(workshop: Workshop, alicia: APIClient, cursor: str) -> None:
    job = workshop.submit()
    assert _at(alicia, BASE, cursor) == 404
    assert _at(alicia, f"{BASE}/{job.id}/events", cursor) == 404
    assert alicia.get(BASE, {"cursor": "ñ"}).status_code == 404


def test_the_cursor_of_another_list_is_refused(workshop: Workshop, alicia: APIClient) -> None:
    job = workshop.submit()
    assert (_at(alicia, BASE, "p=1"), _at(alicia, f"{BASE}/{job.id}/events", "p=1")) == (404, 200)
    moment = "p=2026-01-01 00:00:00%2B00:00"
    assert (_at(alicia, BASE, moment), _at(alicia, f"{BASE}/{job.id}/events", moment)) == (200, 404)


def test_a_job_shows_its_error_and_its_history(workshop: Workshop, alicia: APIClient) -> None:
    job = failed_job(workshop)
    shown = alicia.get(f"{BASE}/{job.id}").json()
    assert (shown["status"], shown["error_code"], shown["current_step"]) == ("FAILED", "audio_unreadable", "first")
    assert "payload" not in shown
    events = alicia.get(f"{BASE}/{job.id}/events").json()["results"]
    assert [(event["number"], event["kind"]) for event in events] == [
        (1, "job_queued"),
        (2, "job_started"),
        (3, "job_failed"),
    ]
    assert events[2]["details"]["error_code"] == "audio_unreadable"


def test_a_waiting_job_can_be_cancelled_once_and_again(workshop: Workshop, alicia: APIClient) -> None:
    job = workshop.submit()
    for _ in range(2):
        answer = alicia.post(f"{BASE}/{job.id}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")


def test_an_ended_job_can_not_be_cancelled(workshop: Workshop, alicia: APIClient) -> None:
    answer = alicia.post(f"{BASE}/{failed_job(workshop).id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_transition_illegal")


def test_a_failed_job_can_be_retried_and_a_waiting_one_can_not(workshop: Workshop, alicia: APIClient) -> None:
    job = failed_job(workshop)
    answer = alicia.post(f"{BASE}/{job.id}/retry")
    assert (answer.status_code, answer.json()["status"]) == (200, "QUEUED")
    assert workshop.stage.sent_job_ids()[-1] == job.id
    assert alicia.post(f"{BASE}/{job.id}/retry").status_code == 409


ADDRESSES = [("get", ""), ("get", "/events"), ("post", "/cancel"), ("post", "/retry")]


@pytest.mark.parametrize(("method", "suffix"), ADDRESSES)
def test_another_tenants_job_is_forbidden_and_untouched(
    stage: Stage, bruno: APIClient, method: str, suffix: str
) -> None:
    job = stage.stored_job()
    answer = getattr(bruno, method)(f"{BASE}/{job.id}{suffix}")
    assert (answer.status_code, answer.json()["code"]) == (403, "job_of_another_tenant")
    with tenant_scope(stage.tenant_id):
        assert stage.repository.get(job.id).status is JobStatus.QUEUED


@pytest.mark.parametrize(("method", "suffix"), ADDRESSES)
def test_a_missing_job_is_not_found(alicia: APIClient, method: str, suffix: str) -> None:
    answer = getattr(alicia, method)(f"{BASE}/{uuid4()}{suffix}")
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


@pytest.mark.parametrize(("method", "suffix"), [*ADDRESSES, ("get", "list")])
def test_a_token_without_the_scope_is_refused(stage: Stage, method: str, suffix: str) -> None:
    wrong = client_of(stage.tenant_id, "jobs:write" if method == "get" else "jobs:read")
    address = BASE if suffix == "list" else f"{BASE}/{stage.stored_job().id}{suffix}"
    answer = getattr(wrong, method)(address)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_no_token_is_no_access() -> None:
    assert APIClient().get(BASE).status_code == 401
