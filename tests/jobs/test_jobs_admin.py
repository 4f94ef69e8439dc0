"""Jobs in the admin: a council's administrator sees its jobs and their history, and may cancel and retry them."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import translation

from jobs.core.job import JobStatus
from jobs.models import EventKind
from tenants.models import Membership, Role
from tests.jobs.postgres_stage import build_postgres_stage
from tests.jobs.stages import Stage
from tests.jobs.workshop import Workshop

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:jobs_job_changelist"


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    return build_postgres_stage(request)


@pytest.fixture
def workshop(stage: Stage) -> Workshop:
    return Workshop(stage)


def member_of(stage: Stage, role: Role) -> Client:
    user = get_user_model().objects.create_user(f"alicia-{role}", password="x", is_staff=True)
    Membership.objects.create(tenant_id=stage.tenant_id, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def do(client: Client, action: str, job_id: object) -> int:
    answer = client.post(reverse(LIST), {"action": action, "_selected_action": [str(job_id)]})
    return answer.status_code


def test_the_list_shows_the_councils_jobs_alone(stage: Stage) -> None:
    stage.stored_job(flow="transcribe_recording")
    stage.stored_job(flow="of_somebody_else", tenant_id=stage.other_tenant_id)
    page = member_of(stage, Role.VIEWER).get(reverse(LIST)).content.decode()
    assert "transcribe_recording" in page
    assert "of_somebody_else" not in page


def test_a_job_shows_its_history_and_can_not_be_edited(workshop: Workshop) -> None:
    job = workshop.submit()
    workshop.orchestrator.run(job.id)
    client = member_of(workshop.stage, Role.ADMIN)
    answer = client.get(reverse("admin:jobs_job_change", args=[job.id]))
    page = answer.content.decode()
    with translation.override("es"):
        assert str(EventKind.STEP_COMPLETED.label) in page
    assert 'name="_save"' not in page


def test_another_councils_job_can_not_be_opened(stage: Stage) -> None:
    job = stage.stored_job(tenant_id=stage.other_tenant_id)
    answer = member_of(stage, Role.ADMIN).get(reverse("admin:jobs_job_change", args=[job.id]))
    assert answer.status_code == 302


def test_an_administrator_cancels_a_job(workshop: Workshop) -> None:
    job = workshop.submit()
    assert do(member_of(workshop.stage, Role.ADMIN), "cancel_jobs", job.id) == 302
    assert workshop.stored(job).status is JobStatus.CANCELLED


def test_retrying_a_job_that_did_not_fail_says_so(workshop: Workshop) -> None:
    job = workshop.submit()
    client = member_of(workshop.stage, Role.ADMIN)
    do(client, "retry_jobs", job.id)
    assert workshop.stored(job).status is JobStatus.QUEUED
    assert str(job.id) in client.get(reverse(LIST)).content.decode()


def test_a_viewer_can_not_cancel_a_job(workshop: Workshop) -> None:
    job = workshop.submit()
    do(member_of(workshop.stage, Role.VIEWER), "cancel_jobs", job.id)
    assert workshop.stored(job).status is JobStatus.QUEUED


def test_nobody_cancels_another_councils_job(stage: Stage) -> None:
    job = stage.stored_job(tenant_id=stage.other_tenant_id)
    do(member_of(stage, Role.ADMIN), "cancel_jobs", job.id)
    assert stage.repository.get(job.id).status is JobStatus.QUEUED
